explore b03-stackrot --schedule 'T1~ T2~ T1*10 T2~' --quiet

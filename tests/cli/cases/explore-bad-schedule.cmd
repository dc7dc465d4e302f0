explore b03-stackrot --schedule 'T1*'

explore b03-stackrot --search bounded --preemptions 2 --schedules 400 --quiet

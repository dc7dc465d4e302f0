run gc-madvise --set cost.wake_up=0 --quiet

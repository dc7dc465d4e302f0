run gc-madvise --machine flat-8 --set cost.wake_up=soon --quiet

run gc-madvise --machine flat-8 --set cost.wakeup=0 --quiet

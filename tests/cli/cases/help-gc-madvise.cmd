help gc-madvise

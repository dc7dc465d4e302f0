run gc-madvise --what-if madvise=0.5

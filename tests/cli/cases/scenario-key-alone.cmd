run gc-madvise --seconds

run gc-madvize

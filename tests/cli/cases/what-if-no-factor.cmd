run gc-madvise --machine phone-4+3+1 --what-if madvise

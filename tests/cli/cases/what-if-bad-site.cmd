run gc-madvise --machine phone-4+3+1 --what-if madvize=0.5

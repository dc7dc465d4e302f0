run gc-madvise --machine phone-4+3+1 --what-if madvise=0.5 --kernel=6.1,6.18

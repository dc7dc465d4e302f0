run gc-madvise --machine phone-4+3+2 --quiet

run gc-madvise --machine flat-8 --set max_steps=-5 --quiet

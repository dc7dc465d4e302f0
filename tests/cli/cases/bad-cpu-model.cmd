run gc-madvise --machine flat-8 --ui_cpu=8 --quiet

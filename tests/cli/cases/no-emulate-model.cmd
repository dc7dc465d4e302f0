run gc-madvise --machine flat-8 --no-emulate --quiet

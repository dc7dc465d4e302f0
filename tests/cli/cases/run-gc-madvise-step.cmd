run gc-madvise --machine step --heap=2m --steps=20k

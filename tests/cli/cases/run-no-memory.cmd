run gc-madvise --machine step --memory=1m --quiet

run tests/cli/two-threads.rec --heap=3m

compare tests/cli/two-threads.rec --a 6.1

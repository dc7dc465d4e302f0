run tests/cli/two-threads.rec --sede 3

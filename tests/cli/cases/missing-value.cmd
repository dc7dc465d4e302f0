run tests/cli/two-threads.rec --seed

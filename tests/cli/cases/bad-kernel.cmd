run tests/cli/two-threads.rec --kernel six

run tests/cli/two-threads.rec --machine step --seeds 3 --quiet

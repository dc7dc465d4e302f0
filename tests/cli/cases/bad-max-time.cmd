run tests/cli/two-threads.rec --machine flat-8 --set max_time=soon --quiet

import --perf-script tests/cli/two-threads.rec -o /dev/null

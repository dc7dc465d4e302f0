import --ftrace tests/cli/two-threads.rec -o /dev/null

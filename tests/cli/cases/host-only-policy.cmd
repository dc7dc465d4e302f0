run tests/cli/two-threads.rec --machine step --set rwsem=pthread

run tests/cli/two-tasks.ini --machine step --seeds 0

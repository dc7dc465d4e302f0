run tests/cli/two-tasks.ini --machine step

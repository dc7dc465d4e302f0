run tests/cli/two-tasks.ini --machine step --kernel=6.1,6.18 --seeds 5001

run tests/cli/two-tasks.ini --jobs=2 --seeds 2

explore tests/cli/two-tasks.ini --piece=1,2

run tests/cli/two-tasks.ini --machine step --kernel=6.1,6.18 --piece=1,4 --steps=3k --quiet

compare tests/cli/two-tasks.ini --a 6.18 --b 6.18,seed=7

compare tests/cli/two-tasks.ini --machine step --a 6.1 --b 6.18 --seeds 2 --quiet

compare tests/cli/two-tasks.ini --machine step --a 6.1 --b 6.18 --rounds 2 --quiet

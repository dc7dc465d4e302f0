compare tests/cli/two-tasks.ini --machine step --quiet --a pice=1 --b 6.1

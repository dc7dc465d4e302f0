compare tests/cli/two-tasks.ini --machine step --quiet --a ui.nice=1,2 --b 6.1

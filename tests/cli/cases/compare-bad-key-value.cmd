compare tests/cli/two-tasks.ini --machine step --quiet --a ui.nice=1 --b ui.nice=40

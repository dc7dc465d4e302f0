compare tests/cli/two-tasks.ini --a 6.18 --b 6.1 --write-baseline /nowhere/b.json

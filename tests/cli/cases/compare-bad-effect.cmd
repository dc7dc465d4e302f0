compare tests/cli/two-tasks.ini --a 6.1 --b 6.18 --effect=nan

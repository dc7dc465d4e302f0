compare tests/cli/two-tasks.ini --machine step --a 6.18 --b 6.1 --fail-if @tests/cli/bad.conditions

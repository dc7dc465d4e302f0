compare tests/cli/two-tasks.ini --machine step --b 6.1 --baseline tests/cli/no-such-baseline.json

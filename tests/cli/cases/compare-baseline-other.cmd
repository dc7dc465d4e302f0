compare tests/cli/two-tasks.ini --machine step --b 6.1 --seeds 2 --baseline tests/cli/two-tasks.baseline.json

run tests/cli/two-tasks.ini --machine step --steps=1k --quiet --seeds 3 --seed 9223372036854775806

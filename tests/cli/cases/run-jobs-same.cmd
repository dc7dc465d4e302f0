run tests/cli/two-tasks.ini --machine step --kernel=6.1,6.18 --steps=3k --seeds 4 --seed 3 --jobs 3 --quiet

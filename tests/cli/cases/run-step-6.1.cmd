run tests/cli/two-threads.rec --machine step --kernel 6.1 --seed 7 --quiet

run tests/cli/two-threads.rec --machine step --kernel 6.18 --seed 7 --quiet

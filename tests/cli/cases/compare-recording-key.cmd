compare tests/cli/two-threads.rec --machine step --quiet --a piece=1 --b 6.1

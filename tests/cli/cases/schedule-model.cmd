run tests/cli/two-threads.rec --machine flat-8 --schedule 'A B' --quiet

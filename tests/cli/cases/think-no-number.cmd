run tests/cli/two-threads.rec --machine flat-8 --quiet --think nan

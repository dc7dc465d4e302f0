compare tests/cli/two-threads.rec --machine step --a 6.1 --b 6.18,munmap=whole --seeds 1 --quiet

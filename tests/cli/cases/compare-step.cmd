compare tests/cli/two-threads.rec --machine step --a 6.1 --b 6.18,munmap=whole --rounds 1 --quiet

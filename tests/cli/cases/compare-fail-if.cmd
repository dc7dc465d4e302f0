compare tests/cli/two-tasks.ini --machine step --a 6.18 --b 6.1 --seeds 2 --quiet --fail-if 'madvise.vma_lock < -10%; pgfault > 100000'

compare tests/cli/two-tasks.ini --machine step --quiet --steps 1k --seeds 1 --a munmap=whole --b munmap=downgrade --metrics 'pgfault, gc.madvise.count'

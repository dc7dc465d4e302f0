compare tests/cli/two-tasks.ini --machine step --quiet --steps 1k --seeds 1 --a 6.1 --b '6.18,gc.script=barrier frame' --metrics 'madvise.vma_lock gc.madvise.count ui.w.count'

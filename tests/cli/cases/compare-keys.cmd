compare tests/cli/two-tasks.ini --machine step --quiet --steps 3k --seeds 2 --a 'piece=1,gc.script=madvise heap+random uniform(1,2) DONTNEED' --b '6.1, piece=4,munmap=whole,ui.nice=5'

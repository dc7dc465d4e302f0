mutants run readers-writer --machine flat-8 --kernel=6.1 --heap.size=1m --seconds=5ms --mutant RWSEM_RELEASE_NO_WAKE --quiet

run tests/cli/two-threads.rec --set fautl=mmap_lock

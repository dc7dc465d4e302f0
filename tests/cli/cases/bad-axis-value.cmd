run tests/cli/two-threads.rec --set fault=spinlock

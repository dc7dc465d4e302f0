run tests/cli/two-tasks.ini --machine step --steps=300 --set munmap=whole,half

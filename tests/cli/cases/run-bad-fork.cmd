run tests/cli/bad-fork.ini --machine step

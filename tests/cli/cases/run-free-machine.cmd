run readers-writer --machine tests/cli/free-machine.ini --seconds=24us --quiet

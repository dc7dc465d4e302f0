help tests/cli/bad-machine.ini

run tests/cli/bad-script.ini

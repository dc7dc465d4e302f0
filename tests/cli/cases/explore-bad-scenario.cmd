explore tests/cli/bad.ini

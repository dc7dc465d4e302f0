run tests/cli/bad.rec

run tests/cli/two-tasks.ini --ui.nce=3

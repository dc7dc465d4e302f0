run tests/cli/two-tasks.ini --ui.nice=30

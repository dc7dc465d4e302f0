run tests/cli/two-tasks.ini --machine step --metrics ui.frame.missed --quiet

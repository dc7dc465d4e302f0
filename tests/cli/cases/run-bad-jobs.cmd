run tests/cli/two-tasks.ini --machine step --jobs=257

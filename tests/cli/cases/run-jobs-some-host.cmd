run tests/cli/two-tasks.ini --set machine=step,host --jobs=2

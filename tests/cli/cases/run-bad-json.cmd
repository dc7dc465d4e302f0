run tests/cli/two-tasks.ini --machine step --quiet --json /nonexistent/result.json

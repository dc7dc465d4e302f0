ops tests/cli/bad.ops

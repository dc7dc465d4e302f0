ops tests/cli/unsupported.ops

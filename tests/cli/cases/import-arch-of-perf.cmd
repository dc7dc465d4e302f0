import --perf-script x --arch arm64 -o /dev/null

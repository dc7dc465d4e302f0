run tests/cli/fifo-slow.ini --machine flat-8 --set cost.switch=1ms --seconds=10s --quiet

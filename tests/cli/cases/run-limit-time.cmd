run tests/model/scenarios/munmap.ini --machine flat-8 --set max_time=1ms --quiet

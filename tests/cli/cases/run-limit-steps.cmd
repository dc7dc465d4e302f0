run tests/model/scenarios/munmap.ini --machine flat-8 --set max_steps=1000 --quiet

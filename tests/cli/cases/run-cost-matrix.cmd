run tests/model/scenarios/convoy.ini --machine flat-8 --set rwsem=no_spin --set 'cost.wake_up=1us,0' --set cost.idle_exit=0 --set cost.switch=0 --seconds=1ms --metrics ops.rate --quiet

run munmap-big --machine flat-8 --set 'cost.syscall=1000000ms cost.trap=1000000ms' --seconds=100h --quiet

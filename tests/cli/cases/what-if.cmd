run munmap-big --machine flat-8 --kernel=6.1 --size=1m --seconds=5ms --seeds 2 --quiet --metrics 'unmapper.munmap.p50 writer.wait.longest' --what-if munmap=0.5 --what-if pte_lock.fault=2

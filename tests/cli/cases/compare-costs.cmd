compare munmap-big --machine flat-8 --a cost.pte_zap=100ns --b 6.18,cost.pte_zap=300ns,max_time=1000ms --size=1m --seconds=5ms --seeds 2 --quiet

compare gc-madvise --machine phone-4+3+1 --a 6.1 --b 6.18 --heap=64m --seconds=20ms --seeds 2 --quiet

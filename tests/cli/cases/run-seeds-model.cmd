run gc-madvise --machine phone-4+2+2 --kernel=6.1 --heap=64m --seconds=20ms --seeds 3 --quiet

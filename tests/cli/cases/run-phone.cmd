run gc-madvise --machine phone-4+3+1 --kernel=6.1,6.18 --ui_cpu=4-7 --gc_cpu=0-3 --hog=4 --beside_heap=0 --native_maps=20 --heap=64m --seconds=50ms --jobs 2 --quiet

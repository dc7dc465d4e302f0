run zygote-fork --machine phone-4+3+1 --apps=4 --own=500 --copied=100 --turns=10 --warm=5ms --birth=2ms --again=50 --set anon_rmap=exclusive --seconds=60ms --memory=128m --quiet

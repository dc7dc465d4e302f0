run a b

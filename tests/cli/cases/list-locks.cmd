list locks

run no-such.rec

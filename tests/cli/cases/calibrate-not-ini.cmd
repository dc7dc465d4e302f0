calibrate -o here.rec

calibrate -o here.ini --rounds 0

import --ftrace tests/unit/ftrace/by-number.txt --arch arm -o /dev/null

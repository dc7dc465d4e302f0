import --ftrace tests/unit/ftrace/by-number.txt -o /dev/null

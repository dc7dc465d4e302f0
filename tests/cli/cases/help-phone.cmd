help phone-4+3+1

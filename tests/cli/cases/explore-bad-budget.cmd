explore b03-stackrot --budget 5x

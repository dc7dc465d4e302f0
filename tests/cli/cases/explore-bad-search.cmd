explore b03-stackrot --search breadth

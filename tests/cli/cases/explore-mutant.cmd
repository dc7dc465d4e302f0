explore b03-stackrot --mutant GROW_UNDER_READ

explore b03-stackrott

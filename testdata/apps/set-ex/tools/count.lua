#!/usr/bin/env lua5.4
local n = 0
for _ in io.lines("/usr/local/tools/words.txt") do n = n + 1 end
print(n)

#!/usr/bin/env lua5.4
for l in io.lines("/usr/local/tools/words.txt") do print(l:upper()) end

#!/bin/sh
ls -ln /site/assets/a.txt | cut -d' ' -f3
cat /site/data/words

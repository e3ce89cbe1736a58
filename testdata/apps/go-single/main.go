// Command count prints how many of its arguments match a pattern.
package main

import (
	"fmt"
	"os"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/mod/semver"
)

func main() {
	n := 0
	for _, arg := range os.Args[1:] {
		if doublestar.MatchUnvalidated("**/[a-z]*", arg) && !semver.IsValid(arg) {
			n++
		}
	}
	fmt.Println(n)
}

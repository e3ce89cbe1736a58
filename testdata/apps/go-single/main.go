// Command count prints how many of its arguments match a pattern.
package main

import (
	"fmt"
	"os"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

func main() {
	n := 0
	for _, arg := range os.Args[1:] {
		if doublestar.MatchUnvalidated("**/[a-z]*", arg) {
			n++
		}
	}
	message.NewPrinter(language.English).Fprintln(os.Stdout, fmt.Sprint(n))
}

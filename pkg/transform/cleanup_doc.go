package transform

import "strings"

// md turns ~~~ into code fences and ´ into back quotes, which a raw string
// cannot hold.
func md(s string) string { return strings.NewReplacer("~~~", "```", "´", "`").Replace(s) }

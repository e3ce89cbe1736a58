module example.com/count

go 1.24

require (
	github.com/bmatcuk/doublestar/v4 v4.8.0
	golang.org/x/mod v0.22.0
)

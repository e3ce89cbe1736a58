// Package lazy makes package-level values when they are first asked for.
//
// A command that formats one small file should not build the tables and compile
// the regular expressions of all others. sync.OnceValue does the same, but
// allocates for each value when the program starts; the linker lays out a Value,
// so it costs nothing there.
package lazy

import "sync"

// Value is a package-level value that is made on the first Get.
type Value[T any] struct {
	Make func() T // called once; it must not use the Value

	once sync.Once
	made T
}

// Get returns the value. It may be called from several goroutines.
func (v *Value[T]) Get() T {
	v.once.Do(func() { v.made = v.Make() })
	return v.made
}

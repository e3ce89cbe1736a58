package lazy

// Answer is what was found out, once, about something. Its zero value knows
// nothing yet. Unlike a Value, it is for one goroutine.
type Answer[T any] struct {
	value T
	known bool
}

// Get returns the answer, which find gives the first time.
func (a *Answer[T]) Get(find func() T) T {
	if !a.known {
		a.value, a.known = find(), true
	}
	return a.value
}

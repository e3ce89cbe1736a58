package transform

// layout is filled in with the formatter.
func (e *engine) layout() {}

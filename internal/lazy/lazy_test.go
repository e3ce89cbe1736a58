package lazy

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestValue(t *testing.T) {
	var made atomic.Int32
	v := Value[map[string]int]{Make: func() map[string]int { made.Add(1); return map[string]int{"a": 1} }}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if v.Get()["a"] != 1 {
				t.Error("not the value that was made")
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

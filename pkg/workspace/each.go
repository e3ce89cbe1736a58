package workspace

import "sync"

// Each calls work for the indexes 0 … n-1 on several goroutines and passes
// the results to deliver in the order of the indexes, on the caller's
// goroutine. At most window results exist at a time, so memory stays bounded
// however slow deliver is. It stops early when deliver returns false; work
// that has begun then finishes first.
func Each[T any](n, workers int, work func(i int) T, deliver func(i int, v T) bool) {
	workers = max(1, min(workers, n))
	if workers == 1 {
		for i := range n {
			if !deliver(i, work(i)) {
				return
			}
		}
		return
	}
	window := 8 * workers
	slots := make([]chan T, window)
	for i := range slots {
		slots[i] = make(chan T, 1)
	}
	next := make(chan int, window) // holds only indexes whose slot is free
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				select {
				case <-done:
					return
				default:
				}
				slots[i%window] <- work(i)
			}
		})
	}
	sent := 0
	for ; sent < min(window, n); sent++ {
		next <- sent
	}
	for i := range n {
		v := <-slots[i%window]
		if sent < n {
			next <- sent
			sent++
		}
		if !deliver(i, v) {
			break
		}
	}
	close(done)
	close(next)
	wg.Wait()
}

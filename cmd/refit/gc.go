package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is the heap size in bytes below which no garbage is collected. Go's
// default of 4 MB makes a run over a tree collect hundreds of times; with
// this floor it is a handful, and the whole process stays below 64 MiB.
const heapFloor = 20 << 20

// tuneGC sets the garbage collector to the floor, and beyond it to Go's own
// pace: a heap with much alive must not grow ninefold. GOGC and GOMEMLIMIT,
// where the user has set them, are left alone.
func tuneGC() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(percent(0))
	afterEachGC(func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		if sample[0].Value.Kind() == metrics.KindUint64 {
			debug.SetGCPercent(percent(sample[0].Value.Uint64()))
		}
	})
}

// percent is the GOGC value for so many live bytes. Go itself multiplies its
// smallest heap of 4 MB by it.
func percent(live uint64) int {
	const least, most = 100, 100 * heapFloor / (4 << 20)
	if live == 0 {
		return most
	}
	return int(min(max(heapFloor/live*100, least), most))
}

// afterEachGC calls f once after every collection, on another goroutine: an
// object that nothing refers to is found dead each time, and made anew.
func afterEachGC(f func()) {
	type sentinel struct{ _ *byte }
	runtime.AddCleanup(&sentinel{}, func(f func()) {
		f()
		afterEachGC(f)
	}, f)
}

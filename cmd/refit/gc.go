package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// heapFloor is the heap size in bytes below which no garbage is collected. Go's
// default of 4 MB makes a run over a tree collect hundreds of times; with
// this floor it is a handful, and the whole process stays below 64 MiB.
const heapFloor = 14 << 20

// heapPerByte is about what one byte of a Dockerfile needs until its result is
// there. While a large file is worked on, hardly anything becomes garbage.
const heapPerByte = 128

// smallJob is how many bytes of Dockerfiles are worked on as the collector comes.
// Setting it takes as long as a small file.
const smallJob = 16 << 10

// softLimit is a memory limit for a heap with little alive. Where a machine is
// busy, the collector is told late how much that is, and would let the heap
// grow too far meanwhile.
const softLimit = 48 << 20

// gcTuner sets the garbage collector to the floor, and beyond it to Go's own
// pace: a heap with much alive must not grow ninefold. GOGC and GOMEMLIMIT,
// where the user has set them, are left alone.
type gcTuner struct {
	once  sync.Once
	off   bool
	read  atomic.Int64 // bytes of Dockerfiles
	floor atomic.Int64

	mu    sync.Mutex
	stats runtime.MemStats
	now   uint64 // the GOGC value in force
	limit uint64 // the memory limit in force
}

var gc gcTuner

func (g *gcTuner) start() { g.once.Do(g.begin) }

func (g *gcTuner) begin() {
	g.off = os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != ""
	if g.off {
		return
	}
	g.floor.Store(heapFloor)
	g.set(0)
	afterEachGC(func() { g.set(g.live()) })
}

// set tells the collector what to do with so many live bytes.
func (g *gcTuner) set(live uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit, g.now = uint64(max(softLimit, 2*g.floor.Load(), 3*int64(live))), uint64(g.percent(live))
	debug.SetMemoryLimit(int64(g.limit))
	debug.SetGCPercent(int(g.now))
}

// reading is told of each file: it sets the collector unless all is small, and
// raises the floor for a large file.
func (g *gcTuner) reading(bytes int) {
	if g.read.Add(int64(bytes)) < smallJob {
		return
	}
	g.start()
	floor := min(int64(bytes)*heapPerByte, 1<<30)
	if g.off || floor <= g.floor.Load() {
		return
	}
	g.floor.Store(floor)
	g.set(g.live())
}

// percent is the GOGC value for so many live bytes. Go itself multiplies its
// smallest heap of 4 MB by it.
func (g *gcTuner) percent(live uint64) int {
	floor := uint64(g.floor.Load())
	most := 100 * floor / (4 << 20)
	if live == 0 {
		return int(most)
	}
	return int(min(max(floor/live*100, 100), most))
}

// live is about how many bytes were alive after the last collection.
// runtime/metrics knows exactly, but its initialization is 2 % of a start. The
// size at which the next collection starts follows from what is alive, unless
// the memory limit sets it; then all that is allocated counts.
func (g *gcTuner) live() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	runtime.ReadMemStats(&g.stats)
	if g.stats.NumGC == 0 {
		return 0
	}
	if g.stats.NextGC > g.limit/4*3 {
		return g.stats.HeapAlloc
	}
	return g.stats.NextGC * 100 / (100 + g.now)
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

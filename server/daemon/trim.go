package daemon

import (
	"runtime/debug"
	"time"

	"github.com/refmon/refmon/kernel"
)

// Thresholds for returning memory to the host.
const (
	trimEvery = 10 * time.Second
	trimBytes = 32 << 20 // bytes freed by clients since the last time
)

// trimLoop returns freed memory to the host until Close. Go alone collects an idle daemon every two minutes and
// returns its memory later.
func (d *Daemon) trimLoop() {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-tick.C:
			trim(d.pool)
		}
	}
}

// trim returns memory of a daemon that has become less busy to the host: it collects garbage if the charges of a pool
// fell by trimBytes since their peak. It reports whether it did.
func trim(pool *kernel.QuotaPool) bool {
	if pool.Peak()-pool.Used() < trimBytes {
		return false
	}
	pool.ResetPeak()
	debug.FreeOSMemory()
	return true
}

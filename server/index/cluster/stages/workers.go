package stages

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// silence is the number of heartbeats that a worker may miss before others take its shares.
const silence = 3

// workers tracks the live workers and assigns shares by rendezvous hashing. Two workers may disagree
// for a moment; the log of a share lets only one of them write (N-49).
type workers struct {
	nc   *nats.Conn
	name string
	beat time.Duration

	mu sync.Mutex
	// +checklocks:mu
	lastSeen map[string]time.Time // last heartbeats, at most maxWorkers; guarded by mu
	// +checklocks:mu
	over bool // maxWorkers others were alive when this worker received its own heartbeat; guarded by mu
}

// join subscribes to the heartbeats of all workers. name is this worker's. The caller calls leave at the end, and
// [workers.run] to send its own heartbeats.
func join(nc *nats.Conn, name string, beat time.Duration) (w *workers, leave func(), err error) {
	w = &workers{nc: nc, name: name, beat: beat, lastSeen: map[string]time.Time{}}
	sub, err := nc.Subscribe("alive.*", func(m *nats.Msg) {
		if !isAnswer(m) {
			w.recordAlive(m.Subject[len("alive."):])
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return w, func() { _ = sub.Unsubscribe() }, nil // Unsubscribe fails only if the connection is closed
}

// isAnswer reports whether m can be a NATS server's answer: whether it has a header or a body. Any role can name any
// subject as that of an answer, so subjects with unsigned messages accept only empty ones (N-43).
func isAnswer(m *nats.Msg) bool { return len(m.Header)+len(m.Data) > 0 }

// maxWorkers limits the number of workers that are tracked (N-101).
const maxWorkers = 1024

// recordAlive records that a worker is alive, after its heartbeat. Beyond the limit it forgets silent workers, and then
// ignores a new one. If that is this worker itself, it sets over.
func (w *workers) recordAlive(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.lastSeen[name]; !known && len(w.lastSeen) >= maxWorkers {
		for old, last := range w.lastSeen {
			if time.Since(last) > silence*w.beat {
				delete(w.lastSeen, old)
			}
		}
		if len(w.lastSeen) >= maxWorkers {
			w.over = w.over || name == w.name
			return
		}
	}
	w.lastSeen[name] = time.Now()
}

// excess returns an error if this worker is one too many: if maxWorkers others were alive when its heartbeat came. It
// returns nil otherwise.
func (w *workers) excess() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		return nil
	}
	return fmt.Errorf("worker %s: %d others are running, and no more can: stop one of them first", w.name, maxWorkers)
}

// run sends this worker's heartbeat until the context ends, which is not an error. It returns an error if the
// connection is closed, or if maxWorkers others are alive. A failed heartbeat on an open connection is ignored.
func (w *workers) run(ctx context.Context) error {
	t := time.NewTicker(w.beat)
	defer t.Stop()
	for {
		if err := w.nc.Publish("alive."+w.name, nil); err != nil && w.nc.IsClosed() {
			return err
		}
		if err := w.excess(); err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// mine reports whether a share belongs to this worker: of all live workers, it has the highest hash with the share. A
// worker that does not receive its own heartbeat owns no share, because it was stopped or disconnected.
func (w *workers) mine(share string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.lastSeen[w.name]) > silence*w.beat {
		return false
	}
	own := nearness(share, w.name)
	for name, last := range w.lastSeen {
		if time.Since(last) > silence*w.beat {
			delete(w.lastSeen, name)
		} else if name != w.name && nearness(share, name) > own {
			return false
		}
	}
	return true
}

// nearness returns the weight of a worker for a share in rendezvous hashing: the worker with the highest weight gets
// the share.
func nearness(share, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(share + "\x00" + name)) // never fails
	x := h.Sum64()
	x ^= x >> 33 // spread names that differ only in their last letter
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

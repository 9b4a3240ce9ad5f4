package stages

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// silence is how many beats a worker may miss before the others take its shares.
const silence = 3

// crew is who works: each worker hears of the others, and takes the shares that are nearest
// to its name. Two may be of different minds for a moment: the log of a share lets one of
// them write (N-49).
type crew struct {
	nc   *nats.Conn
	name string
	beat time.Duration

	mu sync.Mutex
	// +checklocks:mu
	heard map[string]time.Time
}

// join hears of others from now on; leave ends it.
func join(nc *nats.Conn, name string, beat time.Duration) (w *crew, leave func(), err error) {
	w = &crew{nc: nc, name: name, beat: beat, heard: map[string]time.Time{}}
	sub, err := nc.Subscribe("alive.*", func(m *nats.Msg) { w.hear(m.Subject[len("alive."):]) })
	if err != nil {
		return nil, nil, err
	}
	return w, func() { _ = sub.Unsubscribe() }, nil // it fails when the connection is closed
}

// maxCrew is how many workers are known at most.
const maxCrew = 1024

func (w *crew) hear(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.heard) < maxCrew {
		w.heard[name] = time.Now()
	}
}

// run tells the others that this worker is there, until the context ends.
func (w *crew) run(ctx context.Context) error {
	t := time.NewTicker(w.beat)
	defer t.Stop()
	for {
		if err := w.nc.Publish("alive."+w.name, nil); err != nil && w.nc.IsClosed() {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// mine reports whether a share is this worker's: of all that were heard lately, its name is
// nearest. A worker that does not hear itself was stopped or cut off: it knows nothing of the
// others and has no share.
func (w *crew) mine(share string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.heard[w.name]) > silence*w.beat {
		return false
	}
	own := nearness(share, w.name)
	for name, last := range w.heard {
		if time.Since(last) > silence*w.beat {
			delete(w.heard, name)
		} else if name != w.name && nearness(share, name) > own {
			return false
		}
	}
	return true
}

func nearness(share, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(share + "\x00" + name)) // it never fails
	x := h.Sum64()
	x ^= x >> 33 // names that differ in their last letter lie apart
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

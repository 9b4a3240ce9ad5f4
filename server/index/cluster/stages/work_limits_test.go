package stages

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestNextWorkerPurgesFullPart checks that if a worker ends before it purges a full part, the next worker purges it
// and the watcher continues (N-48, N-77).
func TestNextWorkerPurgesFullPart(t *testing.T) {
	b := newBench(t)
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	for range waiting - 1 {
		b.push(watch.Batch{Heartbeat: beatNow()})
	}
	l := check.Must(take(t.Context(), b.c, site.StreamRows, "rows."+b.part.Subject(), "w1"))
	next := l.last
	next.Cursor, next.Tries, next.Whole, next.Started = b.teller.chains[0].head, 0, true, b.teller.started
	check.NoError(t, l.write(t.Context(), next, nil))
	defer b.startWorker("w2")()
	b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()}))
}

// TestIdleShareSkipsNoMessage checks that a share without messages, taken by several workers, skips no message:
// the next one counts (N-54).
func TestIdleShareSkipsNoMessage(t *testing.T) {
	b := newBench(t)
	stop := b.startWorker("w0")
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}, Heartbeat: beatNow()}))
	stop()
	for i := range maxTries {
		s := b.newShareWorker(fmt.Sprint("v", i))
		r := check.Must(newRows(t.Context(), s, b.part))
		if more, err := r.turn(t.Context()); more || err != nil {
			t.Fatal(more, err)
		}
	}
	defer b.startWorker("w9")()
	b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()}))
	if last, rows := b.record(); last.Poison != 0 || len(rows) != 1 {
		t.Errorf("the last record is %+v, with %d documents, want no poison messages and 1 document", last, len(rows))
	}
}

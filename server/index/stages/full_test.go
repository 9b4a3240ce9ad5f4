package stages

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// TestFullPart: a part that is full of what is kept in its log already, because its worker ended
// before it took that away, is made empty by the next worker, and its watcher goes on (N-48, N-77).
func TestFullPart(t *testing.T) {
	b := newBench(t)
	b.tell(index.Batch{Begin: true, End: true, Seen: []index.Seen{b.file("a")}})
	for range waiting - 1 {
		b.tell(index.Batch{Beat: beatNow()})
	}
	l, err := take(t.Context(), b.c, site.StreamRows, "rows."+b.part.Subject(), "w1")
	if err != nil {
		t.Fatal(err)
	}
	next := l.last
	next.Cursor, next.Tries, next.Whole, next.Started = b.teller.chains[0].head, 0, true, b.teller.started
	if err := l.write(t.Context(), next, nil); err != nil {
		t.Fatal(err)
	}
	defer b.work("w2")()
	b.vouched(b.tell(index.Batch{Beat: beatNow()}))
}

// TestIdleShares: a share that one worker after another has while nothing is told has no message
// at which they end: the next one counts (N-54).
func TestIdleShares(t *testing.T) {
	b := newBench(t)
	stop := b.work("w0")
	b.vouched(b.tell(index.Batch{Begin: true, End: true, Seen: []index.Seen{b.file("a")}, Beat: beatNow()}))
	stop()
	for i := range maxTries {
		s := b.shift(fmt.Sprint("v", i))
		r, err := newRows(t.Context(), s, b.part)
		if err != nil {
			t.Fatal(err)
		}
		if more, err := r.turn(t.Context()); more || err != nil {
			t.Fatal(more, err)
		}
	}
	defer b.work("w9")()
	b.vouched(b.tell(index.Batch{Beat: beatNow()}))
	if last, rows := b.record(); last.Poison != 0 || len(rows) != 1 {
		t.Errorf("%+v, %d rows", last, len(rows))
	}
}

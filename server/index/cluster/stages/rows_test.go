package stages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestLostMessagesNeedAnotherWalk checks that a part stays whole after an invalid message, unless its signature shows
// that valid messages before it were lost. A part whose input stream was lost is not whole either, and neither is one
// that left a message of the walk out (N-53, N-54).
func TestLostMessagesNeedAnotherWalk(t *testing.T) {
	for _, x := range []struct {
		signed error
		after  uint64
		whole  bool
	}{{nil, 5, true}, {nil, 6, false}, {errors.New("not signed"), 6, true}} {
		r := &rows{ledger: &ledger{c: &Conn{warn: func(error) {}}, last: record{Whole: true}}, walking: true,
			in: follower{head: 5}}
		r.remove(t.Context(), &message{Signed: site.Signed{After: x.after}, sequence: 9, signed: x.signed})
		check.That(t, r.last.Whole == x.whole && r.walking == x.whole, "after %+v: whole %t, walking %t", x,
			r.last.Whole, r.walking)
	}
	f := newFirm(t)
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
	check.That(t, f.rows.last.Whole, "a part is not whole after a walk")
	f.lose(site.StreamSeen)
	f.c.warn = (&warned{}).warn
	f.assignWorker("w2")
	check.That(t, !f.rows.last.Whole, "a part is whole after the loss of its input")
	f.bench.push(watch.Batch{Begin: true, Seen: []watch.Seen{f.file("plan")}})
	check.NoError(t, f.teller.chains[0].append(t.Context(), "garbage", []byte("garbage"), false))
	f.push(watch.Batch{End: true})
	check.That(t, f.rows.last.Poison == 1 && !f.rows.last.Whole, "N-54: a walk without one of its messages: %+v",
		f.rows.last)
}

// TestManyProcessedMessagesArePurged checks that a worker requests a deletion only if many messages were processed, and
// again after a failure (N-77, N-86).
func TestManyProcessedMessagesArePurged(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, left := range []int{often - 1, often} {
		warnings := &warned{}
		l := &ledger{c: &Conn{warn: warnings.warn}}
		d := &deciding{ledger: l, version: "v", left: left}
		r := &rows{ledger: l, left: left, durable: 1}
		d.purge(ctx)
		check.NoError(t, r.purge(ctx))
		failed := 2 * (left / often)
		if got := warnings.take(); len(got) != failed || d.left != left || r.left != left || r.purged != 0 {
			t.Errorf("%d messages: warnings %q, want %d; %d and %d are left", left, got, failed, d.left, r.left)
		}
	}
}

// TestWorkerIgnoresEndOfWalkItJoined checks that a worker that takes a part during a walk keeps its documents at the
// end of the walk, and does not count it as complete (N-53).
func TestWorkerIgnoresEndOfWalkItJoined(t *testing.T) {
	b := newBench(t)
	b.push(watch.Batch{Begin: true, Seen: []watch.Seen{b.file("a")}})
	for _, name := range []string{"w1", "w2", "w3"} {
		r, err := newRows(t.Context(), b.newShareWorker(name), b.part)
		check.NoError(t, err)
		for more := true; more; {
			more, err = r.turn(t.Context())
			check.NoError(t, err)
		}
		if name == "w1" {
			b.push(watch.Batch{End: true})
		}
		check.That(t, !r.last.Whole, "%s counts an incomplete walk", name)
	}
	if last, rows := b.record(); last.Poison != 0 || last.Tries != 0 || len(rows) != 1 {
		t.Errorf("%+v, %d documents, want 1, and no attempt of a worker without messages", last, len(rows))
	}
}

// TestClassesGoToTheirShares checks that each class of a message is announced to the share that decides it.
func TestClassesGoToTheirShares(t *testing.T) {
	f := newFirm(t)
	f.site.Deciders = 3
	var list []watch.Seen
	for n := range 12 {
		list = append(list, f.version(fmt.Sprint(n), n, true))
	}
	f.bench.push(watch.Batch{Begin: true, Seen: list})
	check.NoError(t, check.Err(f.rows.turn(t.Context())))
	stored := f.stored(site.StreamClass, "class.>")
	check.Equal(t, len(stored), len(list), "announced classes")
	for _, m := range stored {
		class := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		check.That(t, strings.HasPrefix(m.Subject, fmt.Sprintf("class.%d.", f.site.DeciderOf(class))), "%s", m.Subject)
	}
}

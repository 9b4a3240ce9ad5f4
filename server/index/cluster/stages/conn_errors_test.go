package stages

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// warned collects the warnings of a connection.
type warned struct {
	mu  sync.Mutex
	all []string
}

func (w *warned) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, err.Error())
}

func (w *warned) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.all
	w.all = nil
	return out
}

// decides returns a share of classes, and a function that publishes directories to it.
func (b *bench) decides() (*deciding, *directoryPublisher, *warned) {
	b.t.Helper()
	warnings := &warned{}
	b.c.warn = warnings.warn
	s := b.newShareWorker("w1")
	s.name = "people.0"
	d := check.Must(newDeciding(b.t.Context(), s, 0))
	return d, b.publisher(), warnings
}

// TestStagesFailWithoutNATSServer checks that each step returns an error without a NATS server, that nothing unread
// counts as absent, and that no watermark is written (N-7, N-54).
func TestStagesFailWithoutNATSServer(t *testing.T) {
	b := newBench(t)
	d, _, _ := b.decides()
	s := b.newShareWorker("w1")
	r := check.Must(newRows(t.Context(), s, b.part))
	q := check.Must(b.site.Question())
	m := check.Must(q.Merge(nil, 1))
	k := &kept{}
	f := &following{c: b.c, merge: m, sinks: []index.Sink{k}, watermarks: map[string]*seenWatermark{}, clock: watch.Now}
	f.logs = f.all()
	r.left, r.durable = often, 9
	b.c.Close()
	ctx := t.Context()
	chain := &chain{c: b.c, stream: site.StreamSeen, subject: subjectOf(b.part)}
	for step, run := range map[string]func() error{
		"the next messages": func() error { return check.Err(b.c.next(ctx, site.StreamSeen, subjectOf(b.part), 1)) },
		"the last message":  func() error { return check.Err(b.c.last(ctx, site.StreamSeen, subjectOf(b.part))) },
		"the directory":     func() error { _, _, err := b.c.newest(ctx); return err },
		"its pieces":        func() error { return check.Err(b.c.pieces(ctx, &head{Version: "v", Pieces: 1})) },
		"a purge":           func() error { return b.c.purge(ctx, site.StreamSeen, subjectOf(b.part), 1) },
		"classes":           func() error { return d.classes(ctx) },
		"a turn of people":  func() error { return d.turns(ctx) },
		"a turn of rows":    func() error { return check.Err(r.turn(ctx)) },
		"the log's holder":  func() error { return r.checkOwner(ctx) },
		"a watermark":       func() error { return r.publishWatermark(ctx, 1, &heartbeat{Time: 1}, "") },
		"where to go on":    func() error { return r.resume(ctx) },
		"a share":           func() error { return check.Err(take(ctx, b.c, site.StreamRows, s.name, "w2")) },
		"a follower's turn": func() error { return f.turn(ctx) },
		"a query of what blocks it": func() error {
			return check.Err(chain.diagnose(ctx, &site.Signed{Subject: chain.subject, ID: "x"}))
		},
	} {
		check.That(t, run() != nil, "%s: no error", step)
	}
	check.That(t, len(k.last.Sources) == 0 && !f.began,
		"a follower without a server has the heartbeats %v, want none", k.last)
}

// TestMissingAnswerNamesTheStream checks that the error of a request without an answer says which stream gave none.
func TestMissingAnswerNamesTheStream(t *testing.T) {
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := b.c.get(ctx, site.StreamRows, question{MultiLast: []string{"rows.>"}})
	check.That(t, errors.Is(err, context.Canceled) && strings.Contains(err.Error(), "stream ROWS: no complete answer"),
		"%v, want that the stream ROWS gave no answer", err)
}

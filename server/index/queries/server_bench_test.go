package queries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// generated is a tree of documents without files. Each 100 of them share a descriptor. Every other one is readable by
// alice.
type generated struct{ docs int }

func (g generated) path(i int) string { return fmt.Sprintf("/srv/d%d/f%d", i/1000, i) }

// Run implements watch.Source.
func (g generated) Run(ctx context.Context, out chan<- watch.Batch) error {
	list := make([]*sd.Descriptor, max(1, g.docs/100))
	for i := range list {
		list[i] = sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-7-7-7-%d)(A;;FR;;;S-1-5-21-1-2-3-%d)", 1000+i,
			1107+i%2))
	}
	b := watch.Batch{Tree: "/srv", Begin: true}
	for i := range g.docs {
		b.Seen = append(b.Seen, watch.Seen{Path: g.path(i), Descriptor: list[i%len(list)]})
		if len(b.Seen) == 1000 || i == g.docs-1 {
			out <- b
			b = watch.Batch{Tree: "/srv"}
		}
	}
	b.End, b.Heartbeat = true, watch.Now()
	for {
		out <- b
		b = watch.Batch{Tree: "/srv", Heartbeat: watch.Now()}
		select {
		case <-time.After(watch.DefaultBeat):
		case <-ctx.Done():
			return nil
		}
	}
}

// newGenerated starts a run over generated documents and returns a client. REFMON_DOCS sets their number.
func newGenerated(tb testing.TB, docs int) (g generated, c *Client, x *index.Index) {
	tb.Helper()
	g = generated{docs}
	dir := tb.TempDir()
	state, list := filepath.Join(dir, "state"), filepath.Join(dir, "people.yaml")
	check.NoError(tb, os.WriteFile(list, []byte(people), 0o600))
	run(tb, index.Config{Trees: []string{"/srv"}, Directory: list, Rights: "read", State: state,
		From: func(string) watch.Source { return g },
		Query: func(live *index.Index) (func(), error) {
			x = live
			s, err := Listen(Config{Index: live, Socket: filepath.Join(state, SocketName), Private: true})
			return func() { _ = s.Close() }, err
		}})
	check.Eventually(tb, func() bool { return x.Current(0) }, "the load is not current")
	c, err := Dial(state)
	check.NoError(tb, err)
	tb.Cleanup(func() { _ = c.Close() })
	return g, c, x
}

// BenchmarkCanRead50 asks over the socket which of 50 documents alice may read. It reports the median and the 99th
// percentile of the elapsed times.
func BenchmarkCanRead50(b *testing.B) {
	g, c, _ := newGenerated(b, randtest.Count(b, "REFMON_DOCS", 20_000))
	ids, who := make([]string, 50), About{Subject: Subject{Who: "alice"}, Right: "read"}
	var took []time.Duration
	for b.Loop() {
		for i := range ids {
			ids[i] = g.path(rand.IntN(g.docs))
		}
		start := time.Now()
		list, _, err := c.CanRead(ids, who)
		if took = append(took, time.Since(start)); err != nil || len(list) != len(ids) {
			b.Fatalf("%v, %d answers", err, len(list))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// TestCanReadAllocates checks the allocations of 50 answers from the state of a run: none for each document.
func TestCanReadAllocates(t *testing.T) {
	g, c, x := newGenerated(t, 5000)
	ids := make([]string, 50)
	for i := range ids {
		ids[i] = g.path(i * 97)
	}
	list, q := make([]index.Answer, 0, len(ids)), index.Query{Who: "alice", Right: "read"}
	if n := testing.AllocsPerRun(100, func() { list = x.CanReadAll(list[:0], ids, q) }); n > 5 {
		t.Errorf("50 answers make %v allocations, want at most 5", n)
	}
	readable, _, err := c.CanRead(ids, About{Subject: Subject{Who: "alice"}, Right: "read"})
	check.RequireThat(t, err == nil && len(readable) == len(list),
		"%d answers over the socket, %v, want %d", len(readable), err, len(list))
	for i := range ids {
		// The list of descriptors has an even length, so that the number of a document decides.
		if want := i*97%2 == 0; list[i].Allowed != want || readable[i].Allowed != want {
			t.Errorf("%s: %t, over the socket %t, want %t", ids[i], list[i].Allowed, readable[i].Allowed, want)
		}
	}
}

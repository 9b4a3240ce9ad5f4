package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// firstEvent is a sink that keeps the first event and counts its closes.
type firstEvent struct {
	start  *index.StartEvent
	closed int
}

func (f *firstEvent) Write(events []index.Event) error {
	if f.start == nil {
		f.start = events[0].Start
	}
	return nil
}

func (f *firstEvent) SetWatermark(*index.Watermark) error { return nil }
func (f *firstEvent) Close() error                        { f.closed++; return nil }

// TestRunWithNatsKeepsConfiguration checks that the stages of a run with a NATS server of its own apply the rights, the
// share and the traverse policy of the run, read its roster and its sources, and close its sinks.
func TestRunWithNatsKeepsConfiguration(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "firm.yaml")
	check.NoError(t, os.WriteFile(dir, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	sink, ready := &firstEvent{}, false
	c := index.Config{Trees: []string{t.TempDir()}, Roster: &index.Directory{File: dir, Beat: 20 * time.Millisecond},
		Rights: "write", Share: "O:BAG:SYD:(A;;FA;;;WD)", Traverse: index.TraverseAlways, Sinks: []index.Sink{sink},
		State: filepath.Join(t.TempDir(), "state"), NoEvents: true, Every: time.Second, Beat: 20 * time.Millisecond,
		Ready: func() { ready = true; stop() }, Warn: func(error) {}}
	var from string
	c.From = func(tree string) watch.Source {
		from = tree
		return &watch.Watcher{Root: tree, NoEvents: true, Every: c.Every, Beat: c.Beat}
	}
	check.NoError(t, (&messages{Nats: true, Host: "files1", Parts: 1}).run(ctx, c))
	check.Equal(t, from, c.Trees[0], "the tree of another source")
	check.RequireThat(t, ready && sink.start != nil && sink.closed == 1,
		"ready %t, %+v, want a start and one close", ready, sink)
	check.That(t, sink.start.Share == c.Share && sink.start.Traverse == string(c.Traverse) &&
		len(sink.start.Rights) == 1 && sink.start.Rights[0] == "write", "configuration of the index %+v, want that of %+v",
		sink.start, c)
}

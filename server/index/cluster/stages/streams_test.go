package stages

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestStreamRetentionMatchesItsUse checks the retention of each stream: a full part rejects messages, a log has no
// deletions, and other streams keep the last message of a subject (N-45, N-48, N-83).
func TestStreamRetentionMatchesItsUse(t *testing.T) {
	for name, want := range map[string][4]any{site.StreamSeen: {int64(256), jetstream.DiscardNew, true, false},
		site.StreamRows:      {int64(0), jetstream.DiscardOld, false, true},
		site.StreamPeople:    {int64(0), jetstream.DiscardOld, false, true},
		site.StreamClass:     {int64(1), jetstream.DiscardOld, false, false},
		site.StreamDirectory: {int64(1), jetstream.DiscardOld, false, false},
		site.StreamFence:     {int64(1), jetstream.DiscardOld, false, false}} {
		c := stream(name, 3)
		if got := [4]any{c.MaxMsgsPerSubject, c.Discard, c.DiscardNewPerSubject, c.DenyDelete}; got != want ||
			c.Name != name ||
			!slices.Equal(c.Subjects, []string{strings.ToLower(name) + ".>"}) || c.Replicas != 3 || !c.AllowDirect ||
			c.Storage != jetstream.FileStorage || c.MaxMsgSize != 8<<20 {
			t.Errorf("N-48: %s is %+v", name, c)
		}
	}
}

// TestPrepareFailsForForeignStream checks that an existing stream that cannot get the site's configuration is an error
// that names it, and that Prepare does not try again.
func TestPrepareFailsForForeignStream(t *testing.T) {
	k := newOpenSite(t, 1).dial(site.Keeper)
	check.NoError(t, k.js.DeleteStream(t.Context(), site.StreamRows))
	memory := stream(site.StreamRows, 1)
	memory.Storage = jetstream.MemoryStorage
	check.NoError(t, check.Err(k.js.CreateStream(t.Context(), memory)))
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	err := Prepare(ctx, k)
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "stream ROWS: ") && ctx.Err() == nil,
		"Prepare: %v, want an error about ROWS at once", err)
}

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// versions is a roster that sends these versions and then waits for the end of its context.
type versions []index.Version

func (v versions) Run(ctx context.Context, out chan<- index.Version) error {
	for _, one := range v {
		select {
		case out <- one:
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return nil
}

// TestCheckedRosterForwardsHeartbeats checks that a version without people passes without a check, and that a failed
// check ends the roster.
func TestCheckedRosterForwardsHeartbeats(t *testing.T) {
	differs := errors.New("differs")
	c := checkedRoster{versions{{Heartbeat: watch.Heartbeat{Time: time.Unix(1, 0)}}, {People: &directory.Directory{}}},
		func(context.Context, *directory.Directory) error { return differs }}
	out := make(chan index.Version, 2)
	check.ErrorIs(t, c.Run(t.Context(), out), differs, "the roster")
	check.That(t, len(out) == 1 && (<-out).People == nil, "%d more versions passed, want the heartbeat alone", len(out))
}

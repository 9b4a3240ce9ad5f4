package stages

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/watch"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestFollowerOnFullDiskWritesNoWatermark checks that a follower with a full disk ends without a watermark for events
// that it could not store, and that the next one, with free space, is complete (N-9).
func TestFollowerOnFullDiskWritesNoWatermark(t *testing.T) {
	f := newFirm(t)
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
	if got := f.bobMayRead("plan"); got != "true" {
		t.Fatal(got)
	}
	check.NoError(t, f.seen.log.Close())
	if err := syscall.Mount("tmpfs", f.state, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(f.state, syscall.MNT_DETACH) })
	many := watch.Batch{}
	for i := range 600 {
		many.Seen = append(many.Seen, f.file(fmt.Sprint(strings.Repeat("long", 40), i)))
	}
	f.push(many)
	f.follow()
	for range 2 { // the second time too: the file's state is unknown
		if err := f.seen.turn(t.Context()); !errors.Is(err, errSink) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("a follower whose folder is full: %v, want errSink for ENOSPC", err)
		}
		if a := f.index.CanRead("//a"+f.tree+"/plan", "bob", "read"); a.Allowed || a.Because == "" {
			t.Errorf("an incomplete index answers %+v, want no access and a reason", a)
		}
	}
	check.NoError(t, errors.Join(f.seen.log.Close(), syscall.Mount("", f.state, "", syscall.MS_REMOUNT, "size=64m")))
	f.follow()
	for _, name := range []string{"plan", strings.Repeat("long", 40) + "599"} {
		check.Equal(t, f.bobMayRead(name), "true", "%s", name)
	}
}

// closings counts the calls of Close of a sink.
type closings int

func (c *closings) Write([]index.Event) error           { return nil }
func (c *closings) SetWatermark(*index.Watermark) error { return nil }
func (c *closings) Close() error                        { *c++; return nil }

// TestFollowClosesSinksWithoutALog checks that Follow closes its sinks once if it cannot open the log.
func TestFollowClosesSinksWithoutALog(t *testing.T) {
	var got closings
	c := newOpenSite(t, 1).dial(site.Follow)
	file := filepath.Join(t.TempDir(), "file")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	err := Follow(t.Context(), c, FollowConfig{State: file, Sinks: []index.Sink{&got}})
	check.That(t, err != nil && got == 1,
		"Follow returned %v and closed the sink %d times, want an error and 1", err, got)
}

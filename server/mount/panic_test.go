package mount

import (
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// broken is a tree whose lookups panic on demand.
type broken struct {
	nt.FileSystem
	on atomic.Bool
}

func (b *broken) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if b.on.Load() {
		panic("of the test")
	}
	return b.FileSystem.Find(r, start)
}

// TestPanicInFileSystemEndsProgram checks that a panic below a service ends the program (M-7).
func TestPanicInFileSystemEndsProgram(t *testing.T) {
	ended := make(chan any, 64)
	b := &broken{}
	w := newWorldOn(t, func(tree nt.FileSystem) nt.FileSystem { b.FileSystem = tree; return b },
		func(_ *hostfs.Config, c *Config) { c.fatal = func(v any) { ended <- v } })
	b.on.Store(true)
	w.refused(bob, "input/output error", "cat", "all.txt")
	select {
	case v := <-ended:
		check.That(t, v == "of the test", `M-7: ended for %v, want "of the test"`, v)
	default:
		t.Error("M-7: a panic below a service did not end the program")
	}
}

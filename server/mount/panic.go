package mount

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// below lists the packages that hold locks of the security kernel and of the tree.
var below = []string{"github.com/refmon/refmon/internal/ntos/", "github.com/refmon/refmon/kernel.",
	"github.com/refmon/refmon/hostfs."}

// panicked logs a panic in a request and returns EIO. If the security kernel or the tree is on the stack, it ends the
// program instead, because a lock may be held there (M-7).
func (m *Mount) panicked(v any) fuse.Status {
	m.log.Error("a request panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	calls := make([]uintptr, 128)
	frames := runtime.CallersFrames(calls[:runtime.Callers(1, calls)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		for _, p := range below {
			if strings.HasPrefix(f.Function, p) {
				// A lock may be held, or a change half done (M-7).
				m.fatal(v)
				return fuse.EIO
			}
		}
	}
	return fuse.EIO
}

// die ends the program with a panic that no other goroutine recovers. It never returns.
func die(v any) {
	go panic(fmt.Sprintf("mount: below a request: %v", v))
	select {}
}

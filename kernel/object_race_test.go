package kernel_test

import (
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newThreads boots a system with one process of n threads, each for its own goroutine.
func newThreads(t *testing.T, n int) (*kernel.System, []*nt.Thread) {
	t.Helper()
	sys := boot(t, kernel.Config{})
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	p := check.Must(sys.NewProcess("crowd", check.Must(token.New(s))))
	var threads []*nt.Thread
	for range n {
		threads = append(threads, check.Must(p.NewThread()))
	}
	return sys, threads
}

// onAll runs f on all threads concurrently and waits for them.
func onAll(threads []*nt.Thread, f func(i int, th *nt.Thread)) {
	var wg sync.WaitGroup
	for i, th := range threads {
		wg.Go(func() { f(i, th) })
	}
	wg.Wait()
}

func event(t *testing.T, th *nt.Thread) winnt.Handle {
	t.Helper()
	h := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS,
		&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}, nt.NotificationEvent, false))
	return h
}

// Threads that duplicate, close and replace the security of one object concurrently leave no object, handle or
// reference. A reader sees one of the descriptors, never a mixture (O-66, O-80, S-76).
func TestConcurrentSetSecurityLeaksNothing(t *testing.T) {
	sys, threads := newThreads(t, 4)
	texts := []string{"D:(A;;GA;;;WD)", "D:(A;;GA;;;BU)(A;;0x1;;;WD)"}
	whole := map[string]bool{"D:(A;;0x1f0003;;;WD)": true, "D:(A;;0x1f0003;;;BU)(A;;CC;;;WD)": true}
	h := event(t, threads[0])
	before := counts(sys)
	onAll(threads, func(i int, th *nt.Thread) {
		for n := range 500 {
			d, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 0, 0,
				winnt.DUPLICATE_SAME_ACCESS)
			if st != ntstatus.Success {
				t.Errorf("NtDuplicateObject: %v, want %v", st, ntstatus.Success)
				return
			}
			check.Equal(t, th.NtSetSecurityObject(d, winnt.DACL_SECURITY_INFORMATION,
				sddl.MustParse(texts[(i+n)%2])), ntstatus.Success, "NtSetSecurityObject")
			got, st := th.NtQuerySecurityObject(d, winnt.DACL_SECURITY_INFORMATION)
			text, err := sddl.Format(got, sddl.Options{})
			check.That(t, st == ntstatus.Success && err == nil && whole[text],
				"NtQuerySecurityObject: %v, format error %v, %q; want one of the two descriptors", st, err, text)
			check.Equal(t, th.NtClose(d), ntstatus.Success, "NtClose")
		}
	})
	check.Equal(t, counts(sys), before, "objects, handles and references at the end")
}

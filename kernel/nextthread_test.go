package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// O-37, O-163: a thread that has ended is passed over although a handle holds it, in both
// directions, and a walk goes on from it.
func TestNextThreadIsAlive(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("p", tok)
	if err != nil {
		t.Fatal(err)
	}
	var threads []*nt.Thread
	for range 3 {
		th, err := p.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		threads = append(threads, th)
	}
	th := threads[0]
	walk := func(flags uint32) (all []winnt.Handle) {
		var after winnt.Handle
		for {
			h, st := th.NtGetNextThread(winnt.NtCurrentProcess, after, winnt.THREAD_QUERY_INFORMATION, 0, flags)
			if st != ntstatus.Success {
				if st != ntstatus.NoMoreEntries {
					t.Errorf("O-37: the walk ends with %v", st)
				}
				return all
			}
			after, all = h, append(all, h)
		}
	}
	held := walk(0)
	if len(held) != 3 || len(walk(1)) != 3 {
		t.Fatalf("O-37: %d threads, want 3", len(held))
	}
	threads[1].Close()
	for _, flags := range []uint32{0, 1} {
		left := walk(flags)
		if len(left) != 2 {
			t.Errorf("O-37: %d threads, want the 2 that live", len(left))
			continue
		}
		for i, want := range []int{0, 2} {
			if flags == 1 {
				want = 2 - want
			}
			if st := th.NtCompareObjects(left[i], held[want]); st != ntstatus.Success {
				t.Errorf("O-163: with flags %d thread %d is another: %v", flags, i, st)
			}
		}
		h, st := th.NtGetNextThread(winnt.NtCurrentProcess, held[1], winnt.THREAD_QUERY_INFORMATION, 0, flags)
		if st != ntstatus.Success || th.NtCompareObjects(h, held[2-2*flags]) != ntstatus.Success {
			t.Errorf("O-37: from the one that ended, with flags %d: %v", flags, st)
		}
	}
}

package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/winnt"
)

// Ids of logon sessions differ between two systems, and their upper half is never 0, as it is for kernels that count
// from the well-known ids. Config.FirstLUID sets the first number (F-198).
func TestLogonSessionsOfTwoStartsDiffer(t *testing.T) {
	seen := map[winnt.LUID]bool{}
	for range 20 {
		sys := kernel.Boot(kernel.Config{})
		first, second := sys.OpenLogonSession(), sys.OpenLogonSession()
		for _, id := range []winnt.LUID{first, second} {
			if seen[id] {
				t.Errorf("the logon session %v was one of another start", id)
			}
			seen[id] = true
			if id>>32 == 0 {
				t.Errorf("the logon session %v has a number that kernels gave which count from the same one", id)
			}
		}
		if second <= first {
			t.Errorf("%v follows %v: they only grow, want more than %v", second, first, first)
		}
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}
	var fixed [2]winnt.LUID
	for i := range fixed {
		sys := kernel.Boot(kernel.Config{FirstLUID: 0x3E8})
		if fixed[i] = sys.OpenLogonSession(); fixed[i] < 0x3E8 || fixed[i] > 0x400 {
			t.Errorf("after 0x3e8 comes %v", fixed[i])
		}
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}
	if fixed[0] != fixed[1] {
		t.Errorf("two starts from one number give %v and %v, want %v", fixed[0], fixed[1], fixed[1])
	}
}

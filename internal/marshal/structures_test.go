//go:build linux

package marshal

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// A NULL in a structure is nothing if it is optional, and unreadable otherwise.
func TestRequiredNULLPointerIsUnreadable(t *testing.T) {
	l := newLayout(t)
	var m Memory
	none := l.words(0)
	matches(t, "no owner", sid.SID{})(m.OwnerAt(none))
	matches(t, "no structure of an owner", sid.SID{})(m.OwnerAt(0))
	for name, at := range map[string]Address{"no primary group": none, "no structure of one": 0} {
		if s, st := m.PrimaryGroupAt(at); st != ntstatus.AccessViolation || !s.IsZero() {
			t.Errorf("%s: PrimaryGroupAt = %v, %v, want the zero SID and STATUS_ACCESS_VIOLATION", name, s, st)
		}
	}
	if list, st := m.DefaultDACLAt(none); list != nil || st != ntstatus.Success {
		t.Errorf("no DACL: %v, %v, want nil, %v", list, st, ntstatus.Success)
	}
}

package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/winnt"
)

// F-102: a named generic execute that the descriptor does not give denies by the
// documents; servers as observed grant what there is. Every other right that is
// named must be granted in both.
func TestMaximumWithExecute(t *testing.T) {
	const readable = "(A;;FR;;;WD)"
	observed := func(s *situation) { s.f.Policy.Profile = fileaccess.Observed }
	onlyObject := func(s *situation) { s.f.Parent = nil }
	for _, c := range []struct {
		desired  winnt.AccessMask
		profile  setup
		want     winnt.AccessMask
		rejected bool
	}{
		{winnt.MAXIMUM_ALLOWED | winnt.GENERIC_EXECUTE, onlyObject, 0, true},
		{winnt.MAXIMUM_ALLOWED | winnt.GENERIC_EXECUTE, observed, winnt.FILE_GENERIC_READ, false},
		{winnt.MAXIMUM_ALLOWED | winnt.GENERIC_READ, observed, winnt.FILE_GENERIC_READ, false},
		{winnt.MAXIMUM_ALLOWED | winnt.GENERIC_WRITE, observed, 0, true},
		{winnt.MAXIMUM_ALLOWED | winnt.FILE_EXECUTE, observed, 0, true},
		{winnt.GENERIC_EXECUTE, observed, 0, true},
	} {
		d, _ := open(t, c.desired, o(readable), onlyObject, c.profile)
		if d.Allowed() == c.rejected || d.Granted != c.want {
			t.Errorf("F-102 %v: %v, granted %v, want %v", c.desired, d.Status(), d.Granted, c.want)
		}
	}
	// By itself it is a request like others where the descriptor gives it.
	if d, _ := open(t, winnt.GENERIC_EXECUTE, o("(A;;FX;;;WD)"), onlyObject, observed); d.Granted != 0x1200A0 {
		t.Errorf("F-102: generic execute alone: %+v", d)
	}
}

package logon_test

import (
	"testing"

	"github.com/refmon/refmon/logon"
)

// TestServiceAccountNames: the service accounts answer by the names with and without
// a blank, with their authority and without, in any case.
func TestServiceAccountNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{`NT AUTHORITY\LocalService`, "S-1-5-19"},
		{`NT AUTHORITY\NetworkService`, "S-1-5-20"},
		{`NT AUTHORITY\LOCAL SERVICE`, "S-1-5-19"},
		{"LocalService", "S-1-5-19"},
		{"networkservice", "S-1-5-20"},
		{"NETWORK SERVICE", "S-1-5-20"},
	} {
		a, ok := logon.WellKnownName(c.name)
		if !ok || a.SID.String() != c.want {
			t.Errorf("%s: %v %v, want %s", c.name, a.SID, ok, c.want)
		}
	}
	if a, ok := logon.WellKnownName(`BUILTIN\LocalService`); ok {
		t.Errorf("another domain's LocalService is %v", a.SID)
	}
}

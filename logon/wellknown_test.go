package logon_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestServiceAccountsAreFoundByAnySpelling looks up the service accounts by names with and without a
// blank, with and without their authority, in any case.
func TestServiceAccountsAreFoundByAnySpelling(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{`NT AUTHORITY\LocalService`, "S-1-5-19"},
		{`NT AUTHORITY\NetworkService`, "S-1-5-20"},
		{`NT AUTHORITY\LOCAL SERVICE`, "S-1-5-19"},
		{"LocalService", "S-1-5-19"},
		{"networkservice", "S-1-5-20"},
		{"NETWORK SERVICE", "S-1-5-20"},
	} {
		a, ok := logon.WellKnownName(c.name)
		check.That(t, ok && a.SID.String() == c.want, "%s: %v %v, want %s", c.name, a.SID, ok, c.want)
	}
	// Another domain, or none; a letter whose upper case in Unicode, but not in NT, is of ASCII.
	for _, name := range []string{`BUILTIN\LocalService`, `NT SERVICE\BUILTIN`, `\LocalService`, "LocalService@",
		"LocalſService", "ſYSTEM", "BUıLTIN", "LOCAL SERVıCE", "APPLICATION PAC\u212aAGE AUTHORITY"} {
		a, ok := logon.WellKnownName(name)
		check.That(t, !ok, "WellKnownName(%q) = %v, want none", name, a.SID)
	}
}

// TestWellKnownSIDsAreFoundByName looks up each well-known SID by SID and by name. Its type follows
// its authority. Accounts of a domain are not well known, except the groups of 0-0-0, by
// which a KDC asserts claims and compounded authentication (L-12).
func TestWellKnownSIDsAreFoundByName(t *testing.T) {
	n := 0
	sid.WellKnown(func(s sid.SID, name string) bool {
		n++
		a, ok := logon.WellKnownSID(s)
		if !ok {
			t.Errorf("WellKnownSID(%v), %s: none, want an account", s, name)
			return true
		}
		want := winnt.SidTypeWellKnownGroup
		switch text := s.String(); {
		case strings.HasPrefix(text, "S-1-5-32-"):
			want = winnt.SidTypeAlias
		case strings.HasPrefix(text, "S-1-16-"):
			want = winnt.SidTypeLabel
		case a.Use == winnt.SidTypeDomain:
			want = winnt.SidTypeDomain
		}
		check.That(t, a.SID == s && a.Use == want, "%v: %+v, want the use %v", s, a, want)
		return true
	})
	check.That(t, n >= 60, "%d well-known SIDs only, want at least 60", n)
	for text, want := range map[string]bool{"S-1-5-21-1-2-3-500": false, "S-1-5-21-1-2-3-512": false,
		"S-1-5-21-0-0-0-496": true,
		"S-1-5-21-0-0-0-497": true, "S-1-5-32": true, "S-1-5-32-543": false,
		"S-1-5-32-544":   true,
		"S-1-5-32-544-1": false, "S-1-16-1": false, "S-1-5-18": true, "S-1-6-32-544": false, "S-1-1-0": true,
		"S-1-1-1": false} {
		a, ok := logon.WellKnownSID(sid.MustParse(text))
		check.That(t, ok == want && (!ok || a.SID == sid.MustParse(text)),
			"%s: %+v, %t, want one: %t", text, a, ok, want)
	}
	for text, want := range map[string]string{"S-1-5-32-544": "S-1-5-32", "S-1-5-32": "S-1-5-32", "S-1-5-18": "S-1-5",
		"S-1-1-0": ""} {
		a, _ := logon.WellKnownSID(sid.MustParse(text))
		check.Equal(t, a.DomainSID.String(), want, "the domain of %s", text)
	}
	for full, want := range map[string][3]string{"a": {"", "a", ""}, `d\a`: {"d", "a", "yes"}, "a@d": {"d", "a", "yes"},
		"a@b@d": {"d", "a@b", "yes"}, `d\a@b`: {"d", "a@b", "yes"}, `d\e\a`: {"d", `e\a`, "yes"}, `\a`: {"", "a",
			"yes"},
		"a@": {"", "a", "yes"}, "@d": {"d", "", "yes"}, "": {"", "", ""}} {
		if domain, name, qualified := logon.Split(full); domain != want[0] || name != want[1] ||
			qualified != (want[2] != "") {
			t.Errorf("%q: %q, %q, %t, want %q, %q, %t", full, domain, name, qualified, want[0], want[1], want[2] != "")
		}
	}
}

package trail

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/audit"
)

// TestPolicyTextRoundTrips: ParsePolicy reads the output of FormatPolicy and of auditpol, and rejects malformed lines.
func TestPolicyTextRoundTrips(t *testing.T) {
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth, audit.Logon: audit.OnFailure, audit.Registry: audit.OnSuccess,
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := FormatPolicy(p)
	if !bytes.Contains(text, []byte("Object Access\n  File System                             Success and Failure\n")) {
		t.Errorf("%s", text)
	}
	again, err := ParsePolicy(text)
	if err != nil || !bytes.Equal(FormatPolicy(again), text) {
		t.Errorf("%v\n%s", err, text)
	}
	for _, bad := range []string{"File System", "File System  Sometimes", "No Such Thing  Success",
		"Logon  Success\nLogon  Failure"} {
		if _, err := ParsePolicy([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	spaced := "Machine:  HOST\n"
	if _, err := ParsePolicy([]byte(spaced)); err == nil {
		t.Errorf("%q is taken", spaced)
	}
	again, err = ParsePolicy([]byte("\nSystem audit policy\r\nCategory/Subcategory                      Setting\n\n" +
		"object access\n\n  File System   Failure  \n   \n"))
	if err != nil || again.System(audit.FileSystem) != audit.OnFailure || again.System(audit.Logon) != 0 {
		t.Errorf("headings and blank lines: %v", err)
	}
	dir := t.TempDir() + "/log"
	if none, err := LoadPolicy(dir); none != nil || err != nil {
		t.Errorf("no policy: %v, %v, want nil, nil", none, err)
	}
	if err := StorePolicy(dir, p); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadPolicy(dir); err != nil || got.System(audit.Logon) != audit.OnFailure {
		t.Errorf("%v", err)
	}
	unreadable := t.TempDir()
	if err := os.Mkdir(filepath.Join(unreadable, policyName), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadPolicy(unreadable); got != nil || err == nil {
		t.Errorf("a policy that cannot be read: %v, %v; want nil and an error", got, err)
	}
	// The trail is its owner's alone, from its folder on.
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v, want info.Mode().Perm() = 0o700, no error", info.Mode(), err)
	}
}

// TestPolicyChangeSetsOnlyNamedOutcomes: a change sets the outcomes that it names, of the subcategories
// that it names, and leaves all others.
func TestPolicyChangeSetsOnlyNamedOutcomes(t *testing.T) {
	for _, c := range []struct {
		success, failure string
		before, want     audit.Setting
	}{
		{"enable", "", 0, audit.OnSuccess}, {"enable", "", audit.OnFailure, audit.OnBoth},
		{"disable", "", audit.OnBoth, audit.OnFailure}, {"disable", "", audit.OnFailure, audit.OnFailure},
		{"", "enable", audit.OnSuccess, audit.OnBoth}, {"", "disable", audit.OnBoth, audit.OnSuccess},
		{"enable", "disable", audit.OnFailure, audit.OnSuccess}, {"disable", "enable", audit.OnSuccess,
			audit.OnFailure},
		{"", "", audit.OnBoth, audit.OnBoth},
	} {
		p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: c.before, audit.Registry: c.before, audit.Logon: c.before}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Change(p, []string{"File System", "{0CCE921E-69AE-11D9-BED3-505054503030}"}, c.success,
			c.failure)
		if err != nil {
			t.Fatal(err)
		}
		if got.System(audit.FileSystem) != c.want || got.System(audit.Registry) != c.want ||
			got.System(audit.Logon) != c.before || p.System(audit.FileSystem) != c.before {
			t.Errorf("%+v gives %v", c, got.System(audit.FileSystem))
		}
	}
	if p, err := Change(nil, nil, "", ""); err != nil || string(FormatPolicy(p)) != string(FormatPolicy(nil)) ||
		p.System(audit.AuditPolicyChange) != audit.OnBoth {
		t.Errorf("nil is not the default: %v", err)
	}
	if _, err := Change(nil, []string{"Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown subcategory is taken")
	}
	if _, err := Change(nil, []string{"Logon", "Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown second subcategory is taken")
	}
}

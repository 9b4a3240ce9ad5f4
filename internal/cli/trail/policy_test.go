package trail

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// ParsePolicy reads the output of FormatPolicy and of auditpol, and rejects malformed lines.
func TestPolicyTextRoundTrips(t *testing.T) {
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth, audit.Logon: audit.OnFailure, audit.Registry: audit.OnSuccess,
	}})
	check.NoError(t, err)
	text := FormatPolicy(p)
	if !bytes.Contains(text, []byte("Object Access\n  File System                             Success and Failure\n")) {
		t.Errorf("policy text %s, want File System under Object Access", text)
	}
	again, err := ParsePolicy(text)
	check.That(t, err == nil && bytes.Equal(FormatPolicy(again), text),
		"parsing the printed policy: %v, want the same policy\n%s", err, text)
	for _, bad := range []string{"File System", "File System  Sometimes", "No Such Thing  Success",
		"Logon  No Auditing\nLogon  Failure"} {
		if _, err := ParsePolicy([]byte(bad)); err == nil {
			t.Errorf("policy line %q is accepted, want an error", bad)
		}
	}
	spaced := "Machine:  HOST\n"
	if _, err := ParsePolicy([]byte(spaced)); err == nil {
		t.Errorf("policy line %q is accepted, want an error", spaced)
	}
	again, err = ParsePolicy([]byte("\nSystem audit policy\r\nCategory/Subcategory                      Setting\n\n" +
		"object access\n\n  File System   Failure  \n   \n"))
	check.That(t, err == nil && again.System(audit.FileSystem) == audit.OnFailure && again.System(audit.Logon) == 0,
		"policy with headings and blank lines: %v, want File System on failure", err)
	dir := t.TempDir() + "/log"
	if none, err := LoadPolicy(dir); none != nil || err != nil {
		t.Errorf("no policy: %v, %v, want nil, nil", none, err)
	}
	check.NoError(t, StorePolicy(dir, p))
	if got, err := LoadPolicy(dir); err != nil || got.System(audit.Logon) != audit.OnFailure {
		t.Errorf("LoadPolicy: %v, want Logon on failure", err)
	}
	unreadable := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(unreadable, policyName), 0o700))
	if got, err := LoadPolicy(unreadable); got != nil || err == nil {
		t.Errorf("a policy that cannot be read: %v, %v; want nil and an error", got, err)
	}
	// The trail is its owner's alone, from its folder on.
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v, %v, want 0700", info.Mode(), err)
	}
}

// A change sets the named outcomes of the named subcategories, and leaves all others.
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
		check.NoError(t, err)
		got, err := Change(p, []string{"File System", "{0CCE921E-69AE-11D9-BED3-505054503030}"}, c.success,
			c.failure)
		check.NoError(t, err)
		if got.System(audit.FileSystem) != c.want || got.System(audit.Registry) != c.want ||
			got.System(audit.Logon) != c.before || p.System(audit.FileSystem) != c.before {
			t.Errorf("change %+v gives %v, want only the named outcomes changed", c, got.System(audit.FileSystem))
		}
	}
	if p, err := Change(nil, nil, "", ""); err != nil || string(FormatPolicy(p)) != string(FormatPolicy(nil)) ||
		p.System(audit.AuditPolicyChange) != audit.OnBoth {
		t.Errorf("changing a nil policy: %v, want the default policy", err)
	}
	if _, err := Change(nil, []string{"Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown subcategory is accepted, want an error")
	}
	if _, err := Change(nil, []string{"Logon", "Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown second subcategory is accepted, want an error")
	}
}

package trail

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// ParsePolicy reads the output of FormatPolicy and of auditpol, and rejects malformed lines.
func TestPolicyTextRoundTrips(t *testing.T) {
	p := check.Must(audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth, audit.Logon: audit.OnFailure, audit.Registry: audit.OnSuccess,
	}}))
	text := FormatPolicy(p)
	check.That(t, bytes.Contains(text, []byte("Object Access\n  File System                             "+
		"Success and Failure\n")), "policy text %s, want File System under Object Access", text)
	again, err := ParsePolicy(text)
	check.That(t, err == nil && bytes.Equal(FormatPolicy(again), text),
		"parsing the printed policy: %v, want the same policy\n%s", err, text)
	for bad, want := range map[string]string{
		"File System":                        `line 1: "File System" is not a subcategory with its setting`,
		"Logon Failure":                      `line 1: "Logon Failure" is not a subcategory`,
		"Logon  Failure\nLogon  Sometimes":   `line 2: "Logon  Sometimes" is not a subcategory`,
		"Machine:  HOST\n":                   `line 1: "Machine:  HOST" is not a subcategory`,
		"No Such Thing  Success":             "line 1: ",
		"Logon  No Auditing\nLogon  Failure": "line 2: Logon is named twice",
		"Logon  Failure\nLogon  Failure":     "line 2: Logon is named twice",
		strings.Repeat("x", 1<<16):           "line 1: longer than 65536 bytes",
	} {
		_, err := ParsePolicy([]byte(bad))
		check.That(t, err != nil && strings.Contains(err.Error(), want), "policy %.40q: %v, want %q", bad, err, want)
	}
	again, err = ParsePolicy([]byte("\nSystem audit policy\r\nCategory/Subcategory                      Setting\n\n" +
		"object access\n\n  File System   Failure  \n   \n"))
	check.That(t, err == nil && again.System(audit.FileSystem) == audit.OnFailure && again.System(audit.Logon) == 0,
		"policy with headings and blank lines: %v, want File System on failure", err)
	dir := t.TempDir() + "/all/log"
	none, err := LoadPolicy(dir)
	check.That(t, none == nil && err == nil, "no policy: %v, %v, want nil, nil", none, err)
	check.NoError(t, StorePolicy(dir, nil))
	check.NoError(t, StorePolicy(dir, p))
	got, err := LoadPolicy(dir)
	check.That(t, err == nil && got.System(audit.Logon) == audit.OnFailure, "LoadPolicy: %v, want Logon on failure", err)
	// Only the owner may enter the folder.
	check.Equal(t, check.Must(os.Stat(dir)).Mode().Perm(), 0o700, "mode of the folder")
}

// TestTruncatedPolicyIsRefused cuts the file of a policy after each line, and after each byte of the last line. What is
// missing must not count as not audited (U-1).
func TestTruncatedPolicyIsRefused(t *testing.T) {
	dir := t.TempDir()
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}}
	for s := range audit.Subcategories {
		spec.System[s] = audit.OnBoth
	}
	whole := FormatPolicy(check.Must(audit.NewPolicy(spec)))
	lastLine := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for n := range len(whole) {
		if n < lastLine && n > 0 && whole[n-1] != '\n' {
			continue
		}
		check.NoError(t, os.WriteFile(filepath.Join(dir, policyName), whole[:n], 0o600))
		p, err := LoadPolicy(dir)
		isWord := n == 0 || whole[n-1] == '\n' || strings.HasSuffix(string(whole[:n]), "  Success")
		check.That(t, p == nil && err != nil && (!isWord || strings.Contains(err.Error(), "cut off")),
			"U-1: the first %d bytes of a policy: %v, %v, want an error that it was cut off", n, p, err)
	}
}

// A policy that cannot be read or written is an error.
func TestPolicyFileErrorsAreReported(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{policyName, "no rename/" + policyName, "no write/" + policyName + ".new"} {
		check.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o700))
	}
	check.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	got, err := LoadPolicy(dir)
	check.That(t, got == nil && err != nil, "a folder in place of the policy: %v, %v, want nil and an error", got, err)
	for _, name := range []string{"no rename", "no write", "file"} {
		check.That(t, StorePolicy(filepath.Join(dir, name), nil) != nil, "StorePolicy, %s: no error, want one", name)
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
		{"enable", "disable", audit.OnFailure, audit.OnSuccess},
		{"disable", "enable", audit.OnSuccess, audit.OnFailure}, {"", "", audit.OnBoth, audit.OnBoth},
	} {
		p := check.Must(audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: c.before, audit.Registry: c.before, audit.Logon: c.before}}))
		got := check.Must(Change(p, []string{"File System", "{0CCE921E-69AE-11D9-BED3-505054503030}"}, c.success,
			c.failure))
		if got.System(audit.FileSystem) != c.want || got.System(audit.Registry) != c.want ||
			got.System(audit.Logon) != c.before || p.System(audit.FileSystem) != c.before {
			t.Errorf("change %+v gives %v, want only the named outcomes changed", c, got.System(audit.FileSystem))
		}
	}
	if p, err := Change(nil, nil, "", ""); err != nil || string(FormatPolicy(p)) != string(FormatPolicy(nil)) ||
		p.System(audit.AuditPolicyChange) != audit.OnBoth {
		t.Errorf("changing a nil policy: %v, want the default policy", err)
	}
	_, err := Change(nil, []string{"Logon", "Nonsense"}, "enable", "")
	check.That(t, err != nil, "an unknown second subcategory is accepted, want an error")
}

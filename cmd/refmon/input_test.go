package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A flag of another command is reported with that command, ready to type (U-115).
func TestFlagOfAnotherCommandIsNamed(t *testing.T) {
	dir := t.TempDir()
	listing := filepath.Join(dir, "ad.ldif")
	check.NoError(t, os.WriteFile(listing, []byte("dn: DC=corp\n"+strings.Repeat("ou: corp\n", 30)), 0o600))
	check.NoError(t, os.WriteFile(filepath.Join(dir, "mail"), []byte("hello\n"), 0o600))
	check.NoError(t, os.WriteFile(filepath.Join(dir, "entry"), []byte("(A;;FA;;;WD)\n"), 0o600)) // without D:
	t.Chdir(dir)
	for _, c := range []struct {
		args, want string
		lines      int
	}{
		{"why /srv/plan -t user -w read", "refmon access /srv/plan --as USER --want read", 1},
		{"check ad.ldif -t user -w FR", "refmon access ad.ldif --as USER --want FR", 1},
		{"lint " + dir, "refmon acl export " + dir + " -r | refmon lint -", 1},
		{"lint ad.ldif", "has no nTSecurityDescriptor: ask for it by name", 2},
		{"lint mail", "the file is in no other form that refmon reads, such as JSON lines", 3},
		{"lint entry", "entry:1: SDDL: at byte", 3},
		{"who-can read -d /etc/passwd --share projects .", "smb.conf:projects", 1},
		{"who-can read .", "/etc/passwd", 1},
	} {
		code, out, errs := runLine(strings.Fields(c.args)...)
		check.That(t, code == 2 && strings.Contains(out+errs, c.want) && strings.Count(out+errs, "\n") == c.lines,
			"%s: exit code %d, want 2 and the other command\n%s%s", c.args, code, out, errs)
	}
}

// A file that is read as a whole has at most 16 MiB, and a binary form at least 16 digits after its revision.
func TestInputHasBounds(t *testing.T) {
	for size, want := range map[int64]bool{maxFile - 1: true, maxFile: true, maxFile + 1: false} {
		name := filepath.Join(t.TempDir(), "file")
		check.NoError(t, os.WriteFile(name, nil, 0o600))
		check.NoError(t, os.Truncate(name, size))
		for what, read := range map[string]func() ([]byte, error){
			"input":   func() ([]byte, error) { return (&streams{}).readFile(name) },
			"program": func() ([]byte, error) { return readProgram(name, nil) }} {
			b, err := read()
			check.That(t, (err == nil) == want && (int64(len(b)) == size) == want, "%s of %d bytes: read %d, %v", what, size,
				len(b), err)
		}
	}
	big := filepath.Join(t.TempDir(), "big")
	check.NoError(t, os.WriteFile(big, nil, 0o600))
	check.NoError(t, os.Truncate(big, maxFile+1))
	for _, c := range []struct {
		args []string
		most string
	}{
		{[]string{"audit", "verify", newTrail(t, 0), "--checkpoint", big}, "16 MiB"},
		{[]string{"audit", "verify", newTrail(t, 0), "--key", big}, "1048576 bytes"},
		{[]string{"audit", "prove", newTrail(t, 0), "--since", big}, "16 MiB"},
		{[]string{"who-can", "read", "-o", "../../examples/bulk/monday.jsonl", "-d", "../../examples/bulk/company.yaml",
			"--format", "jsonl", "--out", filepath.Join(t.TempDir(), "out"), "--checkpoint", big}, "16 MiB"},
	} {
		code, _, errs := runLine(c.args...)
		check.That(t, code == exitMalformed && strings.Contains(errs, "larger than "+c.most), "%s: exit code %d, %s", c.args,
			code, errs)
	}
	for text, want := range map[string]bool{"0100048000000000": true, "010004800000000": false, "0200048000000000": false,
		"010004800000000G": false, "0100048000000000aBcDeF": true, "": false, "01": false} {
		check.Equal(t, isHex(text), want, "isHex(%q)", text)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A flag of another command is reported with that command, ready to type (U-115).
func TestFlagOfAnotherCommandIsNamed(t *testing.T) {
	dir := t.TempDir()
	listing := filepath.Join(dir, "ad.ldif")
	if err := os.WriteFile(listing, []byte(strings.Repeat("dn: DC=corp\n", 30)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range []struct {
		args, want string
		lines      int
	}{
		{"why /srv/plan -t user -w read", "refmon access /srv/plan --as USER --want read", 1},
		{"check ad.ldif -t user -w FR", "refmon access ad.ldif --as USER --want FR", 1},
		{"lint " + dir, "refmon acl export " + dir + " -r | refmon lint -", 1},
		{"lint ad.ldif", "refmon acl export -o ad.ldif | refmon lint -", 12},
		{"who-can read -d /etc/passwd --share projects .", "smb.conf:projects", 1},
		{"who-can read .", "/etc/passwd", 1},
	} {
		var out strings.Builder
		code := run(strings.Fields(c.args), &streams{in: strings.NewReader(""), out: &out, err: &out})
		if code != 2 || !strings.Contains(out.String(), c.want) || strings.Count(out.String(), "\n") != c.lines {
			t.Errorf("%s: code %d\n%s", c.args, code, out.String())
		}
	}
}

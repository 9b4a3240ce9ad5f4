package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestDirectoryNeedsPrivatePassword checks that a directory needs a keytab or a password file, and that files which
// others can read are rejected (D-1, D-2, K-33). TestConfigValuesBeyondBoundsAreRejected has the other keys.
func TestDirectoryNeedsPrivatePassword(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		check.NoError(t, os.WriteFile(file, []byte(text), mode))
		return file
	}
	const realm = "kerberos:\n  realm: R\n  domain: S-1-5-21-1-2-3\n"
	const keytab = realm + "  keytab: /x\n"
	const one = "directory:\n  servers: [ldaps://dc1]\n  account: asker\n"
	if _, err := load(write("c.yaml", realm+one, 0o600)); err == nil || !strings.Contains(err.Error(), "passwordFile") {
		t.Errorf("without keytab and passwordFile: %v, want text containing %q", err, "passwordFile")
	}
	if _, err := load(write("c.yaml", keytab+one, 0o600)); err != nil {
		t.Error(err)
	}
	keys := write("keytab", string(forge.Keytab(forge.Entry{Service: "HTTP/x", Realm: "R", Version: 1,
		Key: forge.NewKey(18)})), 0o600)
	open := func(more string) error {
		return check.Err(checkConfig(write("c.yaml", realm+"  keytab: "+keys+"\n"+one+more, 0o600)))
	}
	check.Equal(t, open(""), nil, "with a keytab")
	check.Equal(t, open("  passwordFile: "+write("good", "pw-of-test\n", 0o600)+"\n"), nil, "with a password")
	for what, more := range map[string]string{
		"chmod 600":       "  passwordFile: " + write("open", "pw-of-test\n", 0o644) + "\n",
		"a password":      "  passwordFile: " + write("empty", "\r\n", 0o600) + "\n",
		"no certificate":  "  ca: " + write("ca", "pw-of-test\n", 0o600) + "\n",
		"no such file":    "  ca: " + filepath.Join(dir, "gone") + "\n",
		"want an object":  "idNumbers: " + write("ids", "pw-of-test", 0o600) + "\n",
		"idNumbers: open": "idNumbers: " + filepath.Join(dir, "gone") + "\n",
	} {
		if err := open(more); err == nil || !strings.Contains(err.Error(), what) ||
			strings.Contains(err.Error(), "pw-of-test") {
			t.Errorf("K-33: %q: %v", what, err)
		}
	}
	if os.Getuid() != 0 {
		return
	}
	state := filepath.Join(dir, "state")
	check.NoError(t, errors.Join(os.Mkdir(state, 0o700), os.Chown(state, 1000, 1000), os.Chown(keys, 1000, 1000)))
	err := open("state: " + state + "\n")
	check.That(t, err != nil && strings.Contains(err.Error(), "it belongs to uid 1000, want root or 0; the state "+
		"folder belongs to uid 1000: run this as that user"),
		"K-33: root checks the configuration of another user: %v, want that user named", err)
}

// TestFailedExportKeepsPreviousFile checks that a failed export leaves the previous file unchanged.
func TestFailedExportKeepsPreviousFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "people.yaml")
	check.NoError(t, os.WriteFile(file, []byte("before"), 0o600))
	config := filepath.Join(dir, "c.yaml")
	secret := filepath.Join(dir, "pw")
	check.NoError(t, os.WriteFile(secret, []byte("pw-of-test\n"), 0o600))
	// Port 1 of the loopback has no directory.
	text := "kerberos:\n  realm: R\n  domain: S-1-5-21-1-2-3\ndirectory:\n  servers: [ldaps://127.0.0.1:1]\n" +
		"  account: asker\n  passwordFile: " + secret + "\n"
	check.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	for _, flag := range []string{"--people", "--objects"} {
		code, _, problems := runLine("directory", "export", "--config", config, flag, file)
		b, err := os.ReadFile(file)
		entries, _ := os.ReadDir(dir)
		if code == exitSuccess || string(b) != "before" || err != nil || len(entries) != 3 ||
			!strings.Contains(problems, "does not answer") {
			t.Errorf("D-22: %s: code %d, %q, %d files: %s", flag, code, b, len(entries), problems)
		}
	}
	check.NoError(t, os.WriteFile(config, []byte("log: {level: error}\n"), 0o600))
	code, _, problems := runLine("directory", "export", "--config", config, "--people", file)
	check.That(t, code == exitMalformed && strings.Contains(problems, "has no servers in its key directory"),
		"without a directory: code %d, %s", code, problems)
	fresh := filepath.Join(dir, "fresh")
	check.NoError(t, writeTo(fresh, nil, func(w io.Writer) error { return check.Err(io.WriteString(w, "x")) }))
	check.Equal(t, check.Must(os.Stat(fresh)).Mode(), 0o600, "the mode of a new file")
}

// TestExportEscapesUnresolvedNames checks that the names of omitted accounts are printed without control characters.
func TestExportEscapesUnresolvedNames(t *testing.T) {
	var out bytes.Buffer
	printLeftOut(&out, []string{"CN=a\x1b[2J\nb", "CN=c"})
	check.Equal(t, out.String(), "refmond: left out: CN=a\ufffd[2J\ufffdb\nrefmond: left out: CN=c\n", "lines")
}

// TestFoundAccountIsPrintedWithoutControls checks the lines of an account of the directory. A name with control
// characters forges none.
func TestFoundAccountIsPrintedWithoutControls(t *testing.T) {
	var out bytes.Buffer
	group, dropped := sid.MustParse("S-1-5-21-1-2-3-513"), sid.MustParse("S-1-5-32-544")
	all := check.Must(claims.NewSet([]claims.Attribute{{Name: "a\n  group S-1-5-18\x1b[2J", Type: claims.String,
		Strings: []string{"x", "y"}}}))
	check.NoError(t, printFound(&out, &ldap.Found{Name: "alice\nx", SID: sid.MustParse("S-1-5-21-1-2-3-1104"),
		Groups: []token.Group{{SID: group}}, Claims: all, Dropped: []pac.Dropped{{SID: dropped, Why: "built in"}}}))
	check.Equal(t, out.String(), "alice\ufffdx S-1-5-21-1-2-3-1104 usable\n  group S-1-5-21-1-2-3-513\n"+
		"  dropped S-1-5-32-544: built in\n  claim a\ufffd  group S-1-5-18\ufffd[2J of type TS, 2 values\n", "lines")
}

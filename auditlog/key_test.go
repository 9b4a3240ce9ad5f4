//go:build unix

package auditlog

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestCommandSignsWithItsKeyOnly checks that a signing program is accepted, and rejected if it signs with another key
// (U-71).
func TestCommandSignsWithItsKeyOnly(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		testcheck.NoError(t, testcheck.Err(CreateKey(filepath.Join(dir, name), "host.example/audit")))
	}
	public := testcheck.Must(os.ReadFile(filepath.Join(dir, "a.pub")))
	s := testcheck.Must(CommandSigner(strings.TrimSpace(string(public)), os.Args[0]))
	testcheck.That(t, testcheck.Err(CommandSigner(strings.TrimSpace(string(public)))) != nil, "no program is a signer")
	cfg := Config{Dir: filepath.Join(dir, "log"), Signers: []note.Signer{s}}
	t.Setenv(signing, filepath.Join(dir, "b"))
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "not a signature of key") {
		t.Errorf("another key: %v", err)
	}
	t.Setenv(signing, filepath.Join(dir, "a"))
	for range 2 {
		writeLog(t, cfg, 0)
	}
	keys := testcheck.Must(ReadPublicKey(filepath.Join(dir, "a.pub")))
	if v, err := Verify(Verification{Dir: cfg.Dir, Keys: keys}); err != nil || v.Last != 4 {
		t.Errorf("Verify of a log that a command signed = %+v, %v, want last record 4", v, err)
	}
}

// TestInterruptedKeyIsRecreated creates a key after a run that wrote only one half of a key pair. Both halves then
// exist and match.
func TestInterruptedKeyIsRecreated(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	for _, left := range []string{"a.pub", "a.pub.new", "a.new"} {
		testcheck.NoError(t, os.WriteFile(filepath.Join(dir, left), []byte("half"), 0o644))
	}
	testcheck.NoError(t, testcheck.Err(CreateKey(file, "host.example/audit")))
	signer := testcheck.Must(LoadKey(file))
	keys, err := ReadPublicKey(file + ".pub")
	if err != nil || len(keys) != 1 || keys[0].KeyHash() != signer.KeyHash() {
		t.Fatalf("%v, %v, want the key of %s", keys, err, signer.Name())
	}
	link := filepath.Join(dir, "link")
	testcheck.NoError(t, os.Symlink("none", link))
	for _, name := range []string{file, link} {
		testcheck.ErrorIs(t, testcheck.Err(CreateKey(name, "host.example/audit")), fs.ErrExist, "over %s", name)
	}
}

// A name that cannot appear in a signature is rejected before a file is written.
func TestKeyNameIsChecked(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"", "a b", "a+b", "\xff"} {
		if _, err := CreateKey(filepath.Join(dir, "a"), name); err == nil || !strings.Contains(err.Error(), "want a name") {
			t.Errorf("CreateKey with the name %q = %v, want an error that says so", name, err)
		}
	}
	if left := testcheck.Must(os.ReadDir(dir)); len(left) > 0 {
		t.Errorf("%v is left, want no file", left)
	}
}

// TestKeyReadableByOthersIsRefused checks that a key is rejected if its group or others can read, write or execute it.
func TestKeyReadableByOthersIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	testcheck.NoError(t, testcheck.Err(CreateKey(file, "host.example/audit")))
	for mode := fs.FileMode(0); mode < 0o100; mode++ {
		testcheck.NoError(t, os.Chmod(file, 0o600|mode))
		if _, err := LoadKey(file); (err == nil) != (mode == 0) {
			t.Errorf("a key of mode %o: %v", 0o600|mode, err)
		}
	}
}

// TestFileMayHaveSeveralPublicKeys checks that a file may have several keys, one per line, also with blanks and the
// line ends of Windows.
func TestFileMayHaveSeveralPublicKeys(t *testing.T) {
	dir := t.TempDir()
	var both []byte
	var want []uint32
	for _, name := range []string{"a", "b"} {
		s := testcheck.Must(CreateKey(filepath.Join(dir, name), "host.example/"+name))
		b := testcheck.Must(os.ReadFile(filepath.Join(dir, name+".pub")))
		both, want = append(both, bytes.ReplaceAll(b, []byte("\n"), []byte(" \r\n"))...), append(want, s.KeyHash())
	}
	file := filepath.Join(dir, "both")
	testcheck.NoError(t, os.WriteFile(file, both, 0o600))
	keys, err := ReadPublicKey(file)
	testcheck.That(t, err == nil && len(keys) == 2 && keys[0].KeyHash() == want[0] && keys[1].KeyHash() == want[1],
		"%d keys, %v, want %v", len(keys), err, want)
}

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/winnt"
)

// TestRestoreBringsBackBackedUpAccounts checks that a restore brings back the backup's contents, and that it fails
// while a daemon runs (L-39).
func TestRestoreBringsBackBackedUpAccounts(t *testing.T) {
	p := build(t)
	cmd, end := p.serve()
	p.must("secret\n", "add", "alice", "--password")
	file := filepath.Join(p.dir, "backup")
	p.must("", "backup", file)
	check.That(t, check.Err(p.account("", "backup", file)) != nil, "a backup was written over another")
	p.must("", "delete", "alice")
	before := p.must("", "export")
	if _, err := p.account("", "restore", file, "--config", p.config); err == nil ||
		!strings.Contains(err.Error(), "another refmond") {
		t.Errorf("restored under a running daemon: %v", err)
	}
	end()
	check.Equal(t, cmd.ProcessState.ExitCode(), exitSuccess, "exit code after SIGINT")
	p.must("", "restore", file, "--config", p.config)
	_, end = p.serve()
	after := p.must("", "export")
	check.That(t, !strings.Contains(before, "alice") && strings.Contains(after, "alice"),
		"before:\n%s\nafter:\n%s, want text without \"alice\", text containing \"alice\"", before, after)
	if _, _, st, _ := logOn(p.dial(p.socket), nt.InteractiveLogon, "alice", "secret",
		winnt.LOGON32_LOGON_NETWORK); st != ntstatus.Success {
		t.Errorf("a password of the backup: %v, want %v", st, ntstatus.Success)
	}
	p.must(strings.Replace(after, "alice", "alicia", 1), "import", "-")
	if list := p.must("", "list"); !strings.Contains(list, "alicia") {
		t.Errorf("imported:\n%s, want text containing \"alicia\"", list)
	}
	long := "# " + strings.Repeat("x", client.MaxRequest/2) + "\n" + after
	p.must("", "import", written(t, filepath.Join(p.dir, "accounts.yaml"), long))
	check.That(t, !strings.Contains(p.must("", "list"), "alicia"), "the accounts of a file did not replace the others")
	end()
	// In an empty state folder the backup has the key of the audit log, too.
	check.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "audit")))
	key := p.key(file)
	p.must("", "restore", file, "--config", p.config)
	p.serve()
	if got, err := os.ReadFile(auditKey(filepath.Join(p.dir, "state"), false)); err != nil || string(got) != key {
		t.Errorf("the key of the audit log is another: %v", err)
	}
}

// packed writes a tar file of names and texts.
func packed(t *testing.T, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		check.NoError(t, pack(w, parts[i], []byte(parts[i+1])))
	}
	check.NoError(t, w.Close())
	return written(t, filepath.Join(t.TempDir(), "backup"), b.String())
}

// TestUnpackRejectsCutBackup checks that a backup that is cut off anywhere is refused, also between two of its files.
func TestUnpackRejectsCutBackup(t *testing.T) {
	file := packed(t, backedStore, strings.Repeat("\x00", 2048), backedKey, "k")
	whole := check.Must(os.ReadFile(file))
	check.NoError(t, check.Err(unpack(file)))
	for n := 0; n < len(whole); n += 256 {
		check.NoError(t, os.WriteFile(file, whole[:n], 0o600))
		files, err := unpack(file)
		check.That(t, files == nil && err != nil, "a backup cut after %d of %d bytes: %d files, %v, want an error", n,
			len(whole), len(files), err)
	}
}

// TestUnpackAcceptsOnlyStoreFiles checks that a backup has exactly the files of a store.
func TestUnpackAcceptsOnlyStoreFiles(t *testing.T) {
	files, err := unpack(packed(t, backedStore, "s", backedKey, "k", backedPublic, "p"))
	if err != nil || len(files) != 3 || string(files[backedStore]) != "s" || string(files[backedKey]) != "k" ||
		string(files[backedPublic]) != "p" {
		t.Errorf("%q, %v", files, err)
	}
	if files, err := unpack(packed(t, backedStore, "s")); err != nil || len(files) != 1 {
		t.Errorf("unpack without an audit log = %q, %v, want 1 file, no error", files, err)
	}
	var old bytes.Buffer // of an earlier version, without a hash
	w := tar.NewWriter(&old)
	check.NoError(t, w.WriteHeader(&tar.Header{Name: backedStore, Size: 1}))
	check.NoError(t, check.Err(w.Write([]byte("s"))))
	check.NoError(t, w.Close())
	if files, err := unpack(written(t, filepath.Join(t.TempDir(), "old"), old.String())); err != nil || len(files) != 1 {
		t.Errorf("unpack without a hash = %q, %v, want 1 file, no error", files, err)
	}
	whole := string(check.Must(os.ReadFile(packed(t, backedStore, "a store"))))
	damaged := written(t, filepath.Join(t.TempDir(), "damaged"), strings.Replace(whole, "a store", "a stare", 1))
	cut := packed(t, backedStore, strings.Repeat("s", 4096))
	check.NoError(t, os.Truncate(cut, 2048))
	var huge bytes.Buffer
	check.NoError(t, tar.NewWriter(&huge).WriteHeader(&tar.Header{Name: backedStore, Size: maxBackup + 1}))
	for _, c := range []struct{ file, want string }{
		{packed(t), "it has no file accounts.db"}, {packed(t, backedKey, "k"), "it has no file accounts.db"},
		{packed(t, backedStore, "s", "../x", "y"), `"../x" is not a file of a backup`},
		{packed(t, backedStore, "s", backedStore, "t"), `"accounts.db" is not a file of a backup`},
		{packed(t, backedStore, "s", backedKey, "k", backedKey, "l"), `"audit-key" is not a file of a backup`},
		{written(t, filepath.Join(t.TempDir(), "huge"), huge.String()), `"accounts.db" is not a file of a backup`},
		{cut, "unexpected EOF"}, {damaged, "accounts.db is damaged"},
		{written(t, filepath.Join(t.TempDir(), "x"), strings.Repeat("x", 1024)), "tar"},
		{filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		if files, err := unpack(c.file); err == nil || files != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %v, want %s", files, err, c.want)
		}
	}
}

// TestRestoreKeepsExistingKey checks that an existing key stays, with a message if it differs.
func TestRestoreKeepsExistingKey(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct{ key, kept, message string }{
		{"one", "one", ""}, {"one", "one", ""},
		{"two", "one", "refmond: " + name + " stays, and is another than the backup's\n"},
	} {
		var errs bytes.Buffer
		err := putBack(name, []byte(c.key), &streams{err: &errs})
		kept, err2 := os.ReadFile(name)
		info, err3 := os.Stat(name)
		if err != nil || err2 != nil || err3 != nil || string(kept) != c.kept || errs.String() != c.message ||
			info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %q is kept, message %q, %v, %v, %v", c.key, kept, errs.String(), err, err2, err3)
		}
	}
	check.NoError(t, os.Symlink("none", name+"-link"))
	for _, at := range []string{filepath.Join(name, "below"), name + "-link"} {
		check.That(t, putBack(at, []byte("x"), &streams{}) != nil, "a key was put at %s, below a file or over a link", at)
	}
}

// TestRestoreChecksKeyFirst checks that a backup with a damaged key of the audit log changes neither the accounts nor
// the log's folder.
func TestRestoreChecksKeyFirst(t *testing.T) {
	p := build(t)
	_, end := p.serve()
	file := filepath.Join(p.dir, "backup")
	p.must("", "backup", file)
	end()
	files, err := unpack(file)
	check.NoError(t, err)
	state := filepath.Join(p.dir, "state")
	check.NoError(t, os.RemoveAll(state))
	name := strings.Split(string(files[backedKey]), "+")[2]
	_, err = auditlog.CreateKey(filepath.Join(p.dir, "other"), name)
	check.NoError(t, err)
	half, err := os.ReadFile(filepath.Join(p.dir, "other.pub"))
	check.NoError(t, err)
	store, key, public := string(files[backedStore]), string(files[backedKey]), string(files[backedPublic])
	last := len(strings.TrimSpace(key)) - 1
	changed := key[:last] + "A"
	if changed == key[:last+1] {
		changed = key[:last] + "B"
	}
	// A restore that was killed leaves a folder with a store.
	left := filepath.Join(state, lsa.ScratchPrefix+"1")
	check.NoError(t, errors.Join(os.MkdirAll(left, 0o700), os.Mkdir(left+"2", 0o700),
		os.Mkdir(filepath.Join(state, "kept"), 0o700)))
	check.NoError(t, os.WriteFile(filepath.Join(left, backedStore), []byte("secret"), 0o600))
	for _, c := range []struct{ name, key, public string }{
		{"changed", changed, public}, {"cut off", key[:last/2], public}, {"half of another key", key, string(half)},
		{"public half cut off", key, public[:last/2]}, {"cut off, without its half", key[:last/2], ""},
	} {
		damaged := packed(t, backedStore, store, backedKey, c.key, backedPublic, c.public)
		if _, err := p.account("", "restore", damaged, "--config", p.config); err == nil ||
			!strings.Contains(err.Error(), errDamagedKey.Error()) {
			t.Errorf("%s: %v, want %v", c.name, err, errDamagedKey)
		}
		left, err := os.ReadDir(state)
		check.That(t, err == nil && len(left) == 2 && left[0].Name() == "kept" && left[1].Name() == "lock",
			"%s: the state folder has %v, %v, want the lock and the folder of another program", c.name, left, err)
	}
	p.must("", "restore", packed(t, backedStore, store), "--config", p.config)
	check.That(t, check.Err(os.Lstat(auditKey(state, false))) != nil, "a backup without a key restores one")
	// The daemon does not need the public half.
	p.must("", "restore", packed(t, backedStore, store, backedKey, key), "--config", p.config)
	_, end = p.serve()
	end()
}

// TestRestoredFilesBelongToOwnerOfState checks that root restores files that refmond's user can read.
func TestRestoredFilesBelongToOwnerOfState(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	p := build(t)
	_, end := p.serve()
	file := filepath.Join(p.dir, "backup")
	p.must("", "backup", file)
	end()
	state := filepath.Join(p.dir, "state")
	check.NoError(t, os.RemoveAll(state))
	check.NoError(t, os.Mkdir(state, 0o700))
	check.NoError(t, os.Chown(state, strange, strange))
	for _, dir := range []string{p.dir, filepath.Dir(p.dir)} { // the test's own
		check.NoError(t, os.Chmod(dir, 0o755))
	}
	p.must("", "restore", file, "--config", p.config)
	n := 0
	check.NoError(t, filepath.WalkDir(state, func(path string, _ os.DirEntry, err error) error {
		check.NoError(t, err)
		var st syscall.Stat_t
		check.NoError(t, syscall.Stat(path, &st))
		check.That(t, st.Uid == strange && st.Gid == strange, "%s is of %d:%d, want %d", path, st.Uid, st.Gid, strange)
		n++
		return nil
	}))
	check.Equal(t, n, 6, "files: the folder, the lock, the store, the log's folder and two keys")
}

// TestRestoreWritesPublicKeyFirst checks that no key of the log is restored if its public half cannot be written.
func TestRestoreWritesPublicKeyFirst(t *testing.T) {
	dir := t.TempDir()
	public, private := filepath.Join(dir, "missing", "public"), filepath.Join(dir, "private")
	check.That(t, putBackKey(public, private, []byte("p"), []byte("k"), &streams{}) != nil,
		"a public half without a folder is written, want an error")
	check.That(t, check.Err(os.Stat(private)) != nil, "the key is there without its public half")
}

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
)

// Names of files in a backup.
const (
	backedStore  = "accounts.db"
	backedKey    = "audit-key"
	backedPublic = "audit-key.pub"
)

// maxBackup is the size limit of each file in a backup.
const maxBackup = 1 << 30

// sumRecord is the name of the PAX record in a file's header that has the SHA-256 of its contents, in hexadecimal
// digits. Backups of earlier versions do not have the record.
const sumRecord = "REFMON.sha256"

type accountBackupCmd struct {
	File string `arg:"" help:"The backup file, which must not exist."`
}

// Run writes the store and the audit log's key to a new file that only its owner may read. An existing file is an error
// and stays. After another error the file is removed. Parts without data are left out.
func (c accountBackupCmd) Run(all *accountCmd) (err error) {
	parts := []struct {
		name string
		do   admin.Do
		data []byte
	}{{backedStore, admin.BackupStore, nil}, {backedKey, admin.BackupKey, nil}, {backedPublic, admin.BackupPublic, nil}}
	for i := range parts {
		if parts[i].data, err = all.fetch(parts[i].do); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	for _, p := range parts {
		if err == nil && len(p.data) > 0 {
			err = pack(w, p.name, p.data)
		}
	}
	if err = errors.Join(err, w.Close(), f.Sync(), f.Close()); err == nil {
		err = diskio.Faults(nil).SyncDir(filepath.Dir(c.File)) // a crash must not take the name away
	}
	if err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	return nil
}

// pack adds a file with mode 0600 and the hash of its contents to the backup archive.
func pack(w *tar.Writer, name string, b []byte) error {
	h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), PAXRecords: map[string]string{sumRecord: sumOf(b)}}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

type accountRestoreCmd struct {
	File   string `arg:"" help:"A backup of refmond account backup."`
	Config string `help:"${config}" placeholder:"FILE"`
}

// Run replaces the store by a backup, while refmond is stopped; a running daemon is an error. It restores the
// audit log's key only if none exists, because an existing log keeps its own. An invalid backup changes nothing.
// Root acts as the owner of the state folder.
func (c accountRestoreCmd) Run(std *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	files, err := unpack(c.File)
	if err != nil {
		return fmt.Errorf("backup %s: %w", c.File, err)
	}
	if err := actAsOwner(cfg.State); err != nil {
		return err
	}
	lock, err := daemon.LockState(cfg.State)
	if err != nil {
		return err
	}
	if err = removeScratch(cfg.State); err == nil {
		err = restore(cfg, files, std)
	}
	return errors.Join(err, lock.Close())
}

// removeScratch removes the folders of restores that were killed, because they have password hashes. The caller holds
// the lock of the state folder.
func removeScratch(state string) error {
	entries, err := os.ReadDir(state)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), lsa.ScratchPrefix) {
			if err := os.RemoveAll(filepath.Join(state, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// actAsOwner gives the process the owner and the group of the state folder, because refmond's user must be able to read
// the restored files. It does nothing unless the process is root's, and nothing if the folder is missing.
func actAsOwner(state string) error {
	info, err := os.Stat(state)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	if err := syscall.Setegid(int(owner.Gid)); err != nil {
		return fmt.Errorf("act as the owner of the state folder %s: %w", state, err)
	}
	if err := syscall.Seteuid(int(owner.Uid)); err != nil {
		return fmt.Errorf("act as the owner of the state folder %s: %w", state, err)
	}
	return nil
}

// restore restores the account store and, if the backup has it, the audit log's key. files has the files of the backup.
// An existing key file stays; if it differs from the backup, restore prints a line. A damaged key changes nothing.
// After another error the store may be restored without the key.
func restore(cfg *config, files map[string][]byte, std *streams) error {
	if err := checkKey(cfg.State, files[backedPublic], files[backedKey]); err != nil {
		return err
	}
	err := lsa.Restore(lsa.Config{Folder: cfg.State, Computer: cfg.Computer, Root: cfg.Root},
		bytes.NewReader(files[backedStore]))
	if err != nil {
		return err
	}
	if len(files[backedKey]) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(auditKey(cfg.State, false)), 0o700); err != nil {
		return err
	}
	return putBackKey(auditKey(cfg.State, true), auditKey(cfg.State, false), files[backedPublic], files[backedKey], std)
}

// errDamagedKey says that the audit log could not use the keys of a backup.
var errDamagedKey = fmt.Errorf("the backup is damaged: %s is not the key of an audit log, or %s is of another key; "+
	"use another backup", backedKey, backedPublic)

// checkKey returns errDamagedKey unless key is a key of an audit log and half is its public half. An empty key is
// valid, and an empty half too. checkKey writes both to a folder below state, and removes that.
func checkKey(state string, half, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	scratch, err := os.MkdirTemp(state, lsa.ScratchPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // removeScratch removes a folder that remains
	public, private := filepath.Join(scratch, backedPublic), filepath.Join(scratch, backedKey)
	if err := errors.Join(os.WriteFile(public, half, 0o600), os.WriteFile(private, key, 0o600)); err != nil {
		return err
	}
	signer, err := auditlog.LoadKey(private)
	if err != nil {
		return errDamagedKey
	}
	if len(half) == 0 {
		return nil
	}
	halves, err := auditlog.ReadPublicKey(public)
	if err != nil || len(halves) != 1 || halves[0].Name() != signer.Name() || halves[0].KeyHash() != signer.KeyHash() {
		return errDamagedKey
	}
	return nil
}

// putBackKey restores the audit log's key pair; existing files stay. half is the contents of the file public, empty for
// none, and key that of the file private. An error of the public file leaves the private file unwritten.
func putBackKey(public, private string, half, key []byte, std *streams) error {
	if len(half) > 0 {
		if err := putBack(public, half, std); err != nil {
			return err
		}
	}
	return putBack(private, key, std)
}

// putBack creates the file name with the contents key and mode 0600, unless it exists. An existing file stays; if its
// contents differ, putBack prints a line to std.err and returns nil. An existing file that cannot be read is an error.
// The new file is never incomplete, because a file that a full disk cut off would stay at the next restore.
func putBack(name string, key []byte, std *streams) error {
	if _, err := os.Lstat(name); err == nil {
		own, err := os.ReadFile(name)
		if err == nil && !bytes.Equal(own, key) {
			_, err = fmt.Fprintf(std.err, "refmond: %s stays, and is another than the backup's\n", name)
		}
		return err
	}
	return diskio.Faults(nil).Replace(name, key, 0o600)
}

// sumOf returns the SHA-256 of b in hexadecimal digits.
func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// counter counts the bytes that were read from r.
type counter struct {
	r io.Reader
	n int64
}

// Read reads from r and counts.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// unpack reads the files of a backup and returns their contents by name. Unknown, duplicate and oversized files are
// errors, and so are a file with another hash than the recorded one, a backup without a store and one that is cut off.
// The audit log's key may be missing. It reads all files into memory.
func unpack(file string) (map[string][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
	files := map[string][]byte{}
	read, end := &counter{r: f}, int64(0)
	for r := tar.NewReader(read); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		known := h.Name == backedStore || h.Name == backedKey || h.Name == backedPublic
		if !known || files[h.Name] != nil || h.Size > maxBackup {
			return nil, fmt.Errorf("%q is not a file of a backup", h.Name)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
		if sum := h.PAXRecords[sumRecord]; sum != "" && sum != sumOf(files[h.Name]) {
			return nil, fmt.Errorf("%s is damaged: use another backup", h.Name)
		}
		end = read.n
	}
	// Package tar also accepts an archive that is cut off between two files. A whole one has two blocks of zeros behind
	// the last file (pax, "ustar Interchange Format").
	const block = 512
	tail := make([]byte, 2*block)
	if n, _ := f.ReadAt(tail, (end+block-1)/block*block); n < len(tail) || strings.Trim(string(tail), "\x00") != "" {
		return nil, errors.New("it is cut off: use another backup")
	}
	if files[backedStore] == nil {
		return nil, fmt.Errorf("it has no file %s", backedStore)
	}
	return files, nil
}

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	if err = errors.Join(err, w.Close(), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	return nil
}

// pack adds a file with mode 0600 to the backup archive.
func pack(w *tar.Writer, name string, b []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))}); err != nil {
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
func (c accountRestoreCmd) Run(std *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	files, err := unpack(c.File)
	if err != nil {
		return fmt.Errorf("backup %s: %w", c.File, err)
	}
	lock, err := daemon.LockState(cfg.State)
	if err != nil {
		return err
	}
	err = restore(cfg, files, std)
	return errors.Join(err, lock.Close())
}

// restore restores the account store and, if the backup has it, the audit log's key. files has the files of the backup.
// An existing key file stays; if it differs from the backup, restore prints a line. After an error the store may be
// restored without the key.
func restore(cfg *config, files map[string][]byte, std *streams) error {
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

// putBackKey restores the audit log's key pair; existing files stay. half is the contents of the file public, and key
// that of the file private. An error of the public file leaves the private file unwritten, so a private key is never
// created alone.
func putBackKey(public, private string, half, key []byte, std *streams) error {
	if err := putBack(public, half, std); err != nil {
		return err
	}
	return putBack(private, key, std)
}

// putBack creates the file name with the contents key, unless it exists. An existing file stays; if its contents
// differ, putBack prints a line to std.err and returns nil. An existing file that cannot be read is an error. The new
// file has mode 0600, and stays after a failed write.
func putBack(name string, key []byte, std *streams) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		own, err := os.ReadFile(name)
		if err == nil && !bytes.Equal(own, key) {
			_, err = fmt.Fprintf(std.err, "refmond: %s stays, and is another than the backup's\n", name)
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	return errors.Join(err, f.Sync(), f.Close())
}

// unpack reads the files of a backup and returns their contents by name. Unknown, duplicate and oversized files are
// errors, and so is a backup without a store. The audit log's key may be missing. It reads all files into memory.
func unpack(file string) (map[string][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	files := map[string][]byte{}
	for r := tar.NewReader(f); ; {
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
	}
	if files[backedStore] == nil {
		return nil, fmt.Errorf("it has no file %s", backedStore)
	}
	return files, nil
}

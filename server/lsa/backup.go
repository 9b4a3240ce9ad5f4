package lsa

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/refmon/refmon/internal/diskio"
)

// Backup writes a consistent copy of the store to w. The store stays usable during the copy. The copy contains the
// password hashes, so it is as secret as the store. After an error, which may be that of w, part of the copy may
// have been written.
func (s *Store) Backup(w io.Writer) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// ScratchPrefix starts the names of the scratch folders of [Restore]. Whoever holds the lock of the folder may remove
// one that a killed program left.
const ScratchPrefix = "restore-"

// Restore replaces the store in cfg.Folder with a backup. No daemon may use the folder: a store that another program
// has open is an error. Restore opens and checks the backup in a scratch folder first, then renames it over the old
// file, even if that one is damaged. After an error or a crash at any moment the folder has the old store or the whole
// new one. A missing store is no error, but is created empty before the backup is read.
func Restore(cfg Config, backup io.Reader) error {
	path := filepath.Join(cfg.Folder, File)
	held, err := openFile(path)
	switch {
	case err == nil:
		defer held.Close() //nolint:errcheck // closing a file that was only read loses no data
	case !errors.Is(err, errDamaged) && !errors.Is(err, berrors.ErrInvalid) && !errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("account store %s: %w", path, timedOut(err))
	}
	trial, err := os.MkdirTemp(cfg.Folder, ScratchPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(trial) //nolint:errcheck // a program with the lock of cfg.Folder may remove the rest
	copied := filepath.Join(trial, File)
	if err := writeSynced(cfg.Faults, copied, backup); err != nil {
		return err
	}
	check := cfg
	check.Folder = trial
	// An empty file would open as a new store, and replace all accounts with none.
	s, err := openStore(check, func(uint32) (*state, error) {
		return nil, errors.New("it has no accounts and no settings")
	})
	if err != nil {
		return fmt.Errorf("the backup is not a valid store: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := cfg.Faults.Rename(copied, path); err != nil {
		return err
	}
	return cfg.Faults.SyncDir(cfg.Folder)
}

// openFile opens a store file, and creates a missing one. It waits up to lockWait for another program to close the
// file, then fails. A file with damaged pages returns errDamaged.
func openFile(path string) (db *bbolt.DB, err error) {
	err = recoverPanic(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
		return err
	})
	return db, err
}

// minBackup is the size of the smallest file that bbolt writes: two pages of
// meta data, one of free pages, one leaf.
const minBackup = 4 * 4096

// writeSynced copies a backup to a new file and syncs it. A backup shorter than minBackup is an error. An existing
// file is an error. After any other error the incomplete file stays.
func writeSynced(faults diskio.Faults, path string, from io.Reader) error {
	f, err := faults.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, from)
	if err == nil && n < minBackup {
		err = errors.New("the backup is cut off")
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// checkSize returns an error if a store's file is shorter than its page count. Access to a missing page would end the
// program. A missing or empty file is valid. If another program has the store open, checkSize waits up to lockWait.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil // Open lets bbolt create the file
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // closing a file that was only read loses no data
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%d bytes of %d are there: restore a backup", info.Size(), tx.Size())
		}
		return nil
	})
}

// errDamaged says that bbolt cannot walk the pages of the file.
var errDamaged = errors.New("damaged pages")

// recoverPanic protects the daemon from a damaged store file: it calls f and returns its error. A panic of f, and a
// fault of the memory map, becomes an error that wraps errDamaged.
func recoverPanic(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v): restore a backup", errDamaged, p)
		}
	}()
	return f()
}

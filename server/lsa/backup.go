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
)

// Backup writes a consistent copy of the store, passwords' hashes included, while
// it is in use. The copy is as secret as the store.
func (s *Store) Backup(w io.Writer) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// Restore makes a backup the store of a folder in which no daemon runs. The backup
// is opened and checked before it takes the place of what is there, damaged or not; until
// then, and after a crash at any moment, the old store is there.
func Restore(cfg Config, backup io.Reader) error {
	path := filepath.Join(cfg.Folder, File)
	held, err := openFile(path)
	switch {
	case err == nil:
		defer held.Close() //nolint:errcheck // read only
	case !errors.Is(err, errDamaged) && !errors.Is(err, berrors.ErrInvalid) && !errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("account store %s: %w", path, timedOut(err))
	}
	trial, err := os.MkdirTemp(cfg.Folder, "restore-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(trial) //nolint:errcheck // what is left of it is no store
	copied := filepath.Join(trial, File)
	if err := writeSynced(copied, backup); err != nil {
		return err
	}
	check := cfg
	check.Folder = trial
	s, err := Open(check)
	if err != nil {
		return fmt.Errorf("the backup is no store: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := os.Rename(copied, path); err != nil {
		return err
	}
	return syncFolder(cfg.Folder)
}

// openFile opens the file of a store, which another program has open for at most lockWait. One
// with damaged pages is an error.
func openFile(path string) (db *bbolt.DB, err error) {
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
		return err
	})
	return db, err
}

// minBackup is the size of the smallest file that bbolt writes: two pages of
// meta data, one of free pages, one leaf.
const minBackup = 4 * 4096

func writeSynced(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, from)
	if err == nil && n < minBackup {
		err = errors.New("the backup is cut off")
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path) //nolint:gosec // the state folder
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// whole refuses a file that is shorter than its pages: bbolt reads by memory that
// is mapped, where what is missing would end the program.
func whole(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil // bbolt makes a new one
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // read only
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%d bytes of %d are there: restore a backup", info.Size(), tx.Size())
		}
		return nil
	})
}

// errDamaged is the error of a file that bbolt cannot walk.
var errDamaged = errors.New("damaged pages")

// guarded turns a panic of bbolt about damaged pages into an error.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v): restore a backup", errDamaged, p)
		}
	}()
	return f()
}

//go:build unix

package main

import (
	"os"
	"syscall"
)

// copyOwner gives a file the owner and group of an existing one, if they differ.
func copyOwner(f *os.File, existing os.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	want, known := existing.Sys().(*syscall.Stat_t)
	have, _ := info.Sys().(*syscall.Stat_t)
	if !known || have == nil || want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}

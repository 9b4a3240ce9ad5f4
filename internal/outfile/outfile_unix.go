//go:build unix

package outfile

import (
	"io/fs"
	"os"
	"syscall"
)

// copyOwner gives a file the owner and group of an existing one, if they differ.
func copyOwner(f *os.File, existing fs.FileInfo) error {
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

// ownerOf returns the user id of a file's owner.
func ownerOf(info fs.FileInfo) int {
	about, _ := info.Sys().(*syscall.Stat_t)
	if about == nil {
		return -1
	}
	return int(about.Uid)
}

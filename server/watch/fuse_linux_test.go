package watch

import (
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFUSERootIsRefused checks that a watcher of a FUSE file system ends with an error that says what to do (N-132).
func TestFUSERootIsRefused(t *testing.T) {
	dir := t.TempDir()
	check.That(t, !OverFUSE(dir) && !OverFUSE(dir+"/missing"), "N-132: a folder without a mount is refused")
	server, err := fs.Mount(dir, &fs.Inode{}, nil)
	if err != nil {
		t.Skip("no FUSE file system can be mounted here: ", err)
	}
	defer func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	}()
	w := Watcher{Root: dir}
	if err := w.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "a FUSE file system is mounted") {
		t.Errorf("N-132: watch a FUSE file system: %v", err)
	}
}

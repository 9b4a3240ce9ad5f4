package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestDenialOffMountsIsUnchanged checks that only a denial on a mount of refmond gets advice about mounts.
func TestDenialOffMountsIsUnchanged(t *testing.T) {
	r := aclRun{editFlags: &editFlags{Path: t.TempDir()}}
	check.Equal(t, r.unopened(fs.ErrPermission), fs.ErrPermission, "denial of a directory without a mount")
}

// TestDenialOnMountSpeaksOfRootToRoot checks that only root reads that a mount gives root no rights.
func TestDenialOnMountSpeaksOfRootToRoot(t *testing.T) {
	for uid, want := range map[int]bool{0: true, 1000: false} {
		err := unlisted(fs.ErrPermission, "/m", uid)
		check.That(t, errors.Is(err, fs.ErrPermission) && strings.Contains(err.Error(), "root") == want, "uid %d: %v", uid,
			err)
	}
}

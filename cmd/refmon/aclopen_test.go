package main

import (
	"io/fs"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestDenialOffMountsIsUnchanged checks that only a denial on a mount of refmond gets advice about mounts.
func TestDenialOffMountsIsUnchanged(t *testing.T) {
	r := aclRun{editFlags: &editFlags{Path: t.TempDir()}}
	check.Equal(t, r.unopened(fs.ErrPermission), fs.ErrPermission, "denial of a directory without a mount")
}

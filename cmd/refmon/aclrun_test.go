package main

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFailedFilesAreListedUpToALimit checks that each failed file is named once, with its cause, and that one line
// stands for all files from number maxListed on.
func TestFailedFilesAreListedUpToALimit(t *testing.T) {
	var errs bytes.Buffer
	r := aclRun{editFlags: &editFlags{Path: "top"}, std: &streams{err: &errs}}
	for range maxListed + 1 {
		r.report("f", &fs.PathError{Op: "open", Path: "f", Err: errors.New("busy")})
	}
	want := strings.Repeat("refmon: "+filepath.Join("top", "f")+": busy\n", maxListed-1) +
		"refmon: more files failed; only their number follows\n"
	check.Equal(t, errs.String(), want, "the report of %d failed files", maxListed+1)
	check.Equal(t, r.failed, maxListed+1, "failed files")
}

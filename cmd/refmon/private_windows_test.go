package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// The error for a missing file has its path, which the system's own error does not have.
func TestPrivateNamesMissingFile(t *testing.T) {
	_, err := ownDescriptors("nosuch.txt", "")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nosuch.txt") {
		t.Errorf("%v, want an error for a missing file with its path", err)
	}
}

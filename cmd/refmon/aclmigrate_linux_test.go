package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
)

// TestMigrationListsUnknownNamesUpToALimit checks that each name without a SID is listed once, and that one line stands
// for all from number maxListed on.
func TestMigrationListsUnknownNamesUpToALimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	const entries = 2 * (maxListed + 1)
	acl := binary.BigEndian.AppendUint32(nil, entries)
	for i := range entries {
		for _, x := range []uint32{0, 0, 1, 4} { // type, flags, mask and the length of the name
			acl = binary.BigEndian.AppendUint32(acl, x)
		}
		acl = fmt.Appendf(acl, "no%02d", i/2)
	}
	if err := setAttribute(file, "user.nfs4", acl); err != nil {
		t.Skipf("no attributes of users here: %v", err)
	}
	code, out, errs := runLine("acl", "migrate", "--from", "nfs4", "--source", "user.nfs4", "--dry-run", file)
	check.That(t, code == exitGranted && strings.Count(errs, `refmon: "no`) == maxListed-1 &&
		strings.Count(errs, `"no23"`) == 1 &&
		strings.Count(errs, "refmon: more names have no SID\n") == 1,
		"exit code %d, %s%s", code, out, errs)
	// A name that the server could not look up is not unknown: without its entry the descriptor would be another. The
	// first such name ends the command.
	lookups := 0
	gone := &acltree.Names{Server: func(string) (acltree.Account, bool, error) {
		lookups++
		return acltree.Account{}, false, io.ErrUnexpectedEOF
	}}
	undo := filepath.Join(t.TempDir(), "undo")
	c := &aclMigrateCmd{From: "nfs4", Source: "user.nfs4"}
	c.Path, c.Attribute, c.UndoFile = file, ntacl.UserName, undo
	err := c.migrate(&streams{out: io.Discard, err: io.Discard}, gone)
	_, left := os.Stat(undo)
	check.That(t, errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(left, fs.ErrNotExist) && lookups == 1,
		"%v, %d lookups, undo file: %v", err, lookups, left)
	// The same holds for a host whose name service fails, and for files below the first one (U-116).
	folder, bin := t.TempDir(), t.TempDir()
	check.NoError(t, setAttribute(folder, "user.nfs4", make([]byte, 4))) // no entries
	for _, name := range []string{"a", "b"} {
		check.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
		check.NoError(t, setAttribute(filepath.Join(folder, name), "user.nfs4", acl))
	}
	check.NoError(t, os.WriteFile(filepath.Join(bin, "getent"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	t.Setenv("PATH", bin)
	for _, more := range []string{"--recursive", "--dry-run"} {
		code, out, errs = runLine("acl", "migrate", "--from", "nfs4", "--source", "user.nfs4", "--attribute", ntacl.UserName,
			"--undo-file", undo, "-r", more, folder)
		_, left = os.Stat(undo)
		check.That(t, code == exitMalformed && out == "" && errors.Is(left, fs.ErrNotExist) &&
			strings.HasPrefix(errs, `refmon: nothing was changed: the host could not look up "no00": getent passwd no00: `) &&
			strings.Count(errs, "\n") == 1, "%s: exit code %d, %s%s, undo file: %v", more, code, out, errs, left)
	}
	before := c.command()
	c.NamesFrom = "socket"
	check.That(t, c.command() != before, "%q for two sources of names", before)
}

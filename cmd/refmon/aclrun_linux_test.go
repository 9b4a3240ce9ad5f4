package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
)

// A repeated command that continues a change warns again about files that the plan left, and has the same exit code
// (B-112).
func TestContinuedChangeReportsFilesThatItLeaves(t *testing.T) {
	dir, undo := t.TempDir(), filepath.Join(t.TempDir(), "undo")
	describe(t, dir, "O:BAG:SYD:(A;OICI;FA;;;BU)")
	own, broken := filepath.Join(dir, "own"), filepath.Join(dir, "zz")
	check.NoError(t, os.WriteFile(own, nil, 0o600))
	describe(t, own, "O:BAG:SYD:(A;;FR;;;BU)")
	revoke := func(undo string, code int, want ...string) {
		t.Helper()
		got, out, errs := runLine("acl", "revoke", "--offline", "--attribute", ntacl.UserName, "-r", dir, "S-1-5-32-545",
			"--undo-file", undo)
		check.Equal(t, got, code, "exit code: %s%s", out, errs)
		for _, text := range append(want, "revoked rights remain in 1 file (first: "+own) {
			check.That(t, strings.Contains(out+errs, text), "%s%s, want %q", out, errs, text)
		}
	}
	revoke(undo, exitDenied, "1 file changed")
	revoke(undo, exitDenied, "continuing with", "0 files changed")
	describe(t, dir, "O:BAG:SYD:(A;OICI;FA;;;BU)")
	check.NoError(t, os.WriteFile(broken, nil, 0o600))
	check.NoError(t, setAttribute(broken, ntacl.UserName, []byte("no descriptor")))
	revoke(undo+"2", exitMalformed, broken, "1 failed")
	check.NoError(t, os.Remove(broken)) // the first run failed for it all the same
	revoke(undo+"2", exitMalformed, "1 file could not be read or changed before the interruption")
}

// A file that was created between the plan and the write of its directory has the directory's earlier entries. The
// command changes it, below a protected DACL only with --every (F-206). It names a file that it cannot read.
func TestChangeChangesFilesCreatedAfterPlan(t *testing.T) {
	const inherited, unreadable = "1 file was created during the change", ": invalid NTACL attribute"
	for _, c := range []struct {
		name, sddl string // of a file that appears after the plan; "": none
		every      bool
		want       string
	}{
		{"late", "O:BAG:SYD:AI(A;ID;FA;;;BA)", true, ""}, {"none", "", true, ""},
		{"late", "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FR;;;BU)", false, inherited},
		{"own/late", "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FR;;;BU)", false, ""},
		{"own/late", "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FR;;;BU)", true, inherited},
		{"late", "no descriptor", false, unreadable},
	} {
		dir := t.TempDir()
		describe(t, dir, "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)")
		check.NoError(t, os.Mkdir(filepath.Join(dir, "own"), 0o700))
		describe(t, filepath.Join(dir, "own"), "O:BAG:SYD:P(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)")
		args := []string{"acl", "revoke", "--offline", "--attribute", ntacl.UserName, "-r", dir, "S-1-5-32-545",
			"--undo-file", filepath.Join(t.TempDir(), "undo")}
		if c.every {
			args = append(args, "--every")
		}
		first, _, errs := runLine(args...)
		check.Equal(t, first == exitGranted, c.every, "exit code %d: %s", first, errs)
		late := filepath.Join(dir, c.name)
		switch c.sddl {
		case "":
		case "no descriptor":
			check.NoError(t, os.WriteFile(late, nil, 0o600))
			check.NoError(t, setAttribute(late, ntacl.UserName, []byte(c.sddl)))
		default:
			check.NoError(t, os.WriteFile(late, nil, 0o600))
			describe(t, late, c.sddl)
		}
		code, _, errs := runLine(args...)
		want := first
		if c.want == unreadable {
			want = exitMalformed
		}
		check.That(t, code == want && (c.want == "" || strings.Contains(errs, c.want)) &&
			strings.Contains(errs, inherited) == (c.want == inherited), "%+v: exit code %d, want %d: %s", c, code, want, errs)
		if c.want == inherited {
			_, out, errs := runLine("acl", "get", "--offline", "--attribute", ntacl.UserName, late)
			check.Equal(t, out, "O:BAG:SYD:AI(A;ID;FA;;;BA)\n", "the new descriptor: %s", errs)
		}
	}
}

// A file that is deleted before its new descriptor is written is no failure of the change (F-206).
func TestLateFileMayBeDeleted(t *testing.T) {
	tree := check.Must(acltree.Open(t.TempDir()))
	defer tree.Close()
	l := &lateFiles{run: &aclRun{editFlags: &editFlags{}, std: &streams{err: t.Output()}}, tree: tree}
	check.NoError(t, l.Put(&acltree.Entry{Path: "gone"}))
	check.That(t, l.count == 0 && l.run.failed == 0, "%d files written, %d failed", l.count, l.run.failed)
}

// An undo lists the files that were created after the change and inherited an entry which the undo removes. It does not
// change them. It does not list a file whose other inherited entries differ from those of its directory, and lists one
// that it cannot read (F-206).
func TestUndoNamesFilesThatKeepGrant(t *testing.T) {
	dir, undo := t.TempDir(), filepath.Join(t.TempDir(), "undo")
	describe(t, dir, "O:BAG:SYD:(A;OICI;FA;;;BA)")
	check.NoError(t, os.Mkdir(filepath.Join(dir, "own"), 0o700))
	describe(t, filepath.Join(dir, "own"), "O:BAG:SYD:P(A;OICI;FR;;;WD)")
	for _, name := range []string{"other", "own/other"} { // both have an entry that the undo keeps
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		describe(t, filepath.Join(dir, name), "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FR;;;WD)")
	}
	code, _, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, dir, "S-1-5-32-545:read",
		"--undo-file", undo)
	check.Equal(t, code, exitGranted, "grant: %s", errs)
	late := filepath.Join(dir, "late")
	check.NoError(t, os.WriteFile(late, nil, 0o600))
	describe(t, late, "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FR;;;BU)")
	for range 2 {
		code, _, errs = runLine("acl", "undo", undo)
		check.That(t, code == exitMalformed && strings.Contains(errs, "refmon: "+late+": keeps an inherited entry that "+
			"the undo takes back\n") && !strings.Contains(errs, "other"), "%d, %s", code, errs)
	}
	describe(t, late, "O:BAG:SYD:AI(A;ID;FA;;;BA)")
	code, _, errs = runLine("acl", "undo", undo)
	check.Equal(t, code, exitGranted, "an undo that no file keeps anything of: %s", errs)
	check.NoError(t, setAttribute(late, ntacl.UserName, []byte("no descriptor")))
	code, _, errs = runLine("acl", "undo", undo)
	check.That(t, code == exitMalformed && strings.Contains(errs, "refmon: "+late+": invalid NTACL attribute") &&
		strings.Contains(errs, "1 file could not be read and may keep"), "an unreadable file: %d, %s", code, errs)
}

// TestChangeUsesIDMapsForOwner checks that a file without a stored descriptor gets its owner from the id maps.
func TestChangeUsesIDMapsForOwner(t *testing.T) {
	dir, maps := t.TempDir(), filepath.Join(t.TempDir(), "maps")
	check.NoError(t, os.WriteFile(maps, fmt.Appendf(nil, "version: 1\nmachine: S-1-5-21-7-7-7\naccounts: [{name: dora, "+
		"rid: 1001, uid: %d}]\ngroups: []\nrights: []\nidMaps: []\n", os.Getuid()), 0o600))
	describe(t, maps, "D:") // skips the test without attributes of users
	code, _, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, "--id-maps", maps, dir,
		"S-1-5-32-545:read", "--undo-file", maps+".undo")
	text := storedText(t, dir)
	check.That(t, code == exitGranted && strings.HasPrefix(text, "O:S-1-5-21-7-7-7-1001G:"), "%d, %s%s", code, text, errs)
}

// Whoever can write an undo file chooses the descriptors that the undo, or the run that continues it, stores. Both
// refuse a file that others can write (F-207), and a named pipe, which would wait for a writer.
func TestUndoFileOfOthersIsRefused(t *testing.T) {
	dir, undo := t.TempDir(), filepath.Join(t.TempDir(), "undo")
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	grant := []string{"acl", "grant", "--offline", "--attribute", ntacl.UserName, dir, "S-1-5-32-545:read", "--undo-file",
		undo}
	check.NoError(t, errors.Join(os.WriteFile(undo, nil, 0o600), os.Chmod(undo, 0o602)))
	for _, want := range []string{undo + ": another user ", undo + ": it is no regular file"} {
		for _, args := range [][]string{grant, {"acl", "undo", undo}} {
			code, _, errs := runLine(args...)
			check.That(t, code == exitMalformed && strings.Contains(errs, want), "%q: %d, %s", args, code, errs)
		}
		check.NoError(t, errors.Join(os.Remove(undo), syscall.Mkfifo(undo, 0o600)))
	}
}

// A change that could write no descriptor has nothing to undo, and does not print how.
func TestFailedChangeHasNothingToUndo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	dir, undo := t.TempDir(), t.TempDir()
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	check.NoError(t, errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Chmod(undo, 0o777)))
	out, _ := asuser.Run(4001, 4001, func() (string, error) {
		code, out, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, dir, "S-1-5-32-545:read",
			"--undo-file", filepath.Join(undo, "undo"))
		return fmt.Sprint(code, " ", out, errs), nil
	})
	check.That(t, strings.HasPrefix(out, "2 1 file visited, 1 file to change\n0 files changed\n"), "%s", out)
}

// A file that another program changed after the plan can be changed only by a new plan: repeating the command with the
// same undo file never succeeds (F-207). An undo file that was cut off before any change is planned again.
func TestForeignChangeNeedsNewUndoFile(t *testing.T) {
	dir, undo := t.TempDir(), filepath.Join(t.TempDir(), "undo")
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	grant := func(undo string) (int, string) {
		code, _, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, dir, "S-1-5-32-545:read",
			"--undo-file", undo)
		return code, errs
	}
	code, errs := grant(undo)
	check.That(t, code == exitGranted, "first run: %d, %s", code, errs)
	describe(t, dir, "O:BAG:SYD:(A;;FR;;;BA)")
	code, errs = grant(undo)
	check.That(t, code == exitMalformed && strings.Contains(errs, "1 file was changed by another program") &&
		strings.Contains(errs, "repeat the command with a new undo file") && !strings.Contains(errs, "--undo-file"),
		"the same undo file: %d, %s", code, errs)
	code, errs = grant(undo + "2")
	check.That(t, code == exitGranted, "a new undo file: %d, %s", code, errs)
	whole := check.Must(os.ReadFile(undo))
	begun := append(whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], bytes.Repeat([]byte("{"), 4096)...)
	check.NoError(t, os.WriteFile(undo+"3", begun, 0o600))
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	code, errs = grant(undo + "3")
	check.That(t, code == exitGranted, "an undo file that is cut off: %d, %s", code, errs)
	code, _, errs = runLine("acl", "grant", "--offline", "--attribute", "user.other", dir, "S-1-5-32-545:read",
		"--undo-file", undo+"3")
	check.That(t, code == exitMalformed && strings.Contains(errs, "is of another change"), "another attribute: %d, %s",
		code, errs)
}

// An undo file belongs to one run or to undos. Several undos may share it, because they only read it: on NFS they could
// not lock it alone.
func TestUndoFileBelongsToOneRun(t *testing.T) {
	dir, undo := t.TempDir(), filepath.Join(t.TempDir(), "undo")
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	grant := []string{"acl", "grant", "--offline", "--attribute", ntacl.UserName, dir, "S-1-5-32-545:read", "--undo-file",
		undo}
	f := check.Must(os.Create(undo))
	check.NoError(t, acltree.Lock(f, true))
	for _, args := range [][]string{grant, {"acl", "undo", undo}} {
		code, _, errs := runLine(args...)
		check.That(t, code == exitMalformed && strings.Contains(errs, acltree.ErrInUse.Error()), "%q: %d, %s", args, code,
			errs)
	}
	check.NoError(t, f.Close())
	code, _, errs := runLine(grant...)
	check.Equal(t, code, exitGranted, "a run after the other one: %s", errs)
	reader := check.Must(os.Open(undo))
	defer reader.Close()
	check.NoError(t, acltree.Lock(reader, false))
	code, out, errs := runLine("acl", "undo", undo)
	check.That(t, code == exitGranted && strings.HasPrefix(out, "1 file restored"), "a second undo: %d, %s%s", code, out,
		errs)
	code, _, errs = runLine(grant...)
	check.That(t, code == exitMalformed && strings.Contains(errs, acltree.ErrInUse.Error()),
		"a run during an undo: %d, %s", code, errs)
}

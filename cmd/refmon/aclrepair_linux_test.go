package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestACLRepairExitCodes checks that a dry run names the files and exits with 1, that a repair exits with 0 and
// leaves nothing to repair, and that an irreparable file makes the exit code 2 (F-202). Each file has one line,
// whatever its name is.
func TestACLRepairExitCodes(t *testing.T) {
	dir := t.TempDir()
	describe := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		check.NoError(t, os.WriteFile(file, nil, 0o600))
		a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
		value := check.Must(a.Append(nil))
		if err := setAttribute(file, ntacl.UserName, value); err != nil {
			t.Skipf("no attribute of users can be set in %s: %v", dir, err)
		}
	}
	repair := func(args ...string) (code int, out, complaint string) {
		t.Helper()
		var o, e bytes.Buffer
		code = run(append([]string{"acl", "repair", "--attribute", ntacl.UserName, dir}, args...), &streams{out: &o, err: &e})
		return code, o.String(), e.String()
	}
	describe("diary", "O:BAG:SYD:(A;;FA;;;BA)(A;;0x1200a9;;;S-1-5-5-0-1001)")
	describe("plan\nother: repaired", "O:BAG:SYD:(D;;GR;;;BG)(A;;FA;;;BA)")
	const total = "1 with entries for logon sessions, 1 with generic rights; 0 could not be read or written\n"
	code, out, _ := repair("--dry-run")
	if code != exitDenied || !strings.HasSuffix(out, "3 files looked at; to repair: "+total) ||
		!strings.Contains(out, "/diary: entries for logon sessions: 1, entries with generic rights: 0\n") ||
		!strings.Contains(out, "/plan\ufffdother: repaired: ") {
		t.Errorf("dry run: exit %d, want %d and the files\n%s", code, exitDenied, out)
	}
	if code, out, _ := repair(); code != exitGranted || !strings.HasSuffix(out, "3 files looked at; repaired: "+total) {
		t.Errorf("a repair: exit %d\n%s, want %d, text ending with %q", code, out, exitGranted,
			"3 files looked at; repaired: "+total)
	}
	for _, args := range [][]string{{"--dry-run"}, {}} {
		if code, out, _ := repair(args...); code != exitGranted || strings.Count(out, "\n") != 1 {
			t.Errorf("second repair %q: exit %d, want 0 and nothing to repair\n%s", args, code, out)
		}
	}
	describe("plan", "O:BAG:SYD:(D;;GR;;;BG)(A;;FA;;;BA)")
	code, out, _ = repair("--dry-run")
	check.Equal(t, code, exitDenied, "a dry run with generic rights only: %s", out)
	describe("owned", "O:S-1-5-5-0-1001G:SYD:(A;;FA;;;BA)")
	if code, _, complaint := repair(); code != exitMalformed || !strings.Contains(complaint, "owned: its owner or group") {
		t.Errorf(`an owner that is a session: exit %d, %s, want %d, text containing "owned: its owner or group"`,
			code, complaint, exitMalformed)
	}
}

// TestACLRepairCountsFilesOfAllPaths checks that a descriptor that a chmod made invalid in the first of two trees is
// counted, and valid after --rehash (F-204).
func TestACLRepairCountsFilesOfAllPaths(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "plan")
	check.NoError(t, os.WriteFile(plan, nil, 0o644))
	code, out, errs := runLine("acl", "set", "--offline", "--attribute", ntacl.UserName, plan, "D:(A;;FA;;;WD)")
	if code != exitGranted {
		t.Skipf("no attribute of users can be set in %s: %s%s", dir, out, errs)
	}
	_, _, errs = runLine("acl", "set", "--offline", "--attribute", ntacl.UserName, plan, "D:(D;;FA;;;S-1-5-5-1-2)")
	check.That(t, strings.Contains(errs, "take it out: STATUS_INVALID_ACL") && !strings.Contains(errs, "CAP_SYS_ADMIN"),
		"F-199: a descriptor that names a session: %s", errs)
	check.NoError(t, os.Chmod(plan, 0o600))
	for _, c := range []struct {
		flags string
		code  int
		want  string
	}{{"--dry-run", exitDenied, "\n1 invalid descriptor: refmon acl repair --rehash repairs\n"},
		{"--rehash --dry-run", exitDenied, "\n1 invalid descriptor: refmon acl repair --rehash repairs\n"},
		{"--rehash", exitGranted, "\nmade 1 descriptor valid again\n"}, {"--dry-run", exitGranted, "0 could not be read"}} {
		code, out, errs := runLine(append(strings.Fields("acl repair --attribute "+ntacl.UserName+" "+c.flags), dir,
			t.TempDir())...)
		check.That(t, code == c.code && strings.Contains(out, c.want), "%s: exit code %d, %s%s", c.flags, code, out, errs)
	}
}

// TestOfflineCommandsRefuseMountOfRefmond checks that a command which writes attributes itself refuses a path that a
// mount of refmond covers and says what to do, also if the path leads over a link or is one (F-202). The mount's server
// need not run for that.
func TestOfflineCommandsRefuseMountOfRefmond(t *testing.T) {
	dir := t.TempDir()
	at, link := filepath.Join(dir, "at"), filepath.Join(dir, "link")
	check.NoError(t, os.Mkdir(at, 0o755))
	check.NoError(t, os.Symlink(dir, link))
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	err = unix.Mount("projects", at, "fuse.refmon", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("rootmode=40000,user_id=0,group_id=0,fd=%d", fd))
	check.NoError(t, unix.Close(fd)) // its server is gone
	if err != nil {
		t.Skipf("it takes root to mount: %v", err)
	}
	t.Cleanup(func() { check.NoError(t, unix.Unmount(at, unix.MNT_DETACH)) })
	check.NoError(t, os.Symlink("at", filepath.Join(dir, "last")))
	chain := filepath.Join(t.TempDir(), "chain")
	check.NoError(t, os.Symlink(filepath.Join(link, "last"), chain))
	// out/.. is the directory above the target of out.
	far := filepath.Dir(chain)
	check.NoError(t, errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755),
		os.Symlink(filepath.Join(dir, "sub"), filepath.Join(far, "out")), os.Symlink("out/../at", filepath.Join(far, "way"))))
	for _, path := range []string{at, filepath.Join(link, "at"), filepath.Join(at, "f"), filepath.Join(link, "last"),
		chain, far + "/out/../at", filepath.Join(far, "way")} {
		for _, line := range []string{"acl repair --rehash PATH", "acl grant --offline PATH BU:read",
			"acl set --offline PATH D:"} {
			args := strings.Fields(line)
			args[3] = path
			code, out, errs := runLine(args...)
			check.That(t, code == exitMalformed && out == "" && strings.Contains(errs, "the mount of refmond on "+at+
				" covers it"), "F-202: %q: exit %d, %s%s, want %d and the mount", args, code, out, errs, exitMalformed)
		}
	}
}

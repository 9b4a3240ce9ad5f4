package index_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// describe gives a folder a descriptor.
func (l *live) describe(name string, d *sd.Descriptor) {
	l.t.Helper()
	check.NoError(l.t, unix.Setxattr(l.path(name), ntacl.Name, attribute(d), 0))
}

// TestHostPolicyNeedsSearchPermission checks the policy "host": a document's readers also need the host's search
// permission on each folder of its tree, root included, whatever the folders' descriptors say, as a real smbd decides.
// A changed mode or POSIX ACL counts with the next heartbeat. No privilege gives the search permission (N-95). The
// expected readers follow the access check algorithm of acl(5).
func TestHostPolicyNeedsSearchPermission(t *testing.T) {
	l := newLive(t, false)
	l.config.Traverse = index.TraverseHost
	const people = `{"domain":"S-1-5-21-1-2-3","users":[
	  {"name":"alice","sid":"S-1-5-21-1-2-3-1107","uid":4001,"memberOf":["Staff"]},
	  {"name":"bob","sid":"S-1-5-21-1-2-3-1108","uid":4002,"memberOf":["Staff"]},
	  {"name":"carol","sid":"S-1-5-21-1-2-3-1109","uid":4003},
	  {"name":"dave","sid":"S-1-5-21-1-2-3-1110"}],
	 "groups":[{"name":"Staff","sid":"S-1-5-21-1-2-3-2000","gid":5000}]}`
	check.NoError(t, os.WriteFile(l.config.Directory, []byte(people), 0o600))
	const everyone, closed = "O:SYG:SYD:(A;;FA;;;WD)", "O:SYG:SYD:P"
	for _, dir := range []string{"in", "in/deep"} {
		check.NoError(t, errors.Join(os.Mkdir(l.path(dir), 0o755), os.Chmod(l.path(dir), 0o755)))
	}
	for _, name := range []string{"plan", "in/f", "in/deep/f"} {
		l.put(name, everyone)
	}
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	want := func(what, who string, names ...string) {
		t.Helper()
		l.awaitBeats()
		for _, name := range names {
			l.want(x, name, who)
		}
		check.RequireThat(t, !t.Failed(), "%v", what)
	}
	want("open", "abcd", "plan", "in/f", "in/deep/f")
	mode := func(name string, uid, gid int, mode os.FileMode) {
		t.Helper()
		check.NoError(t, errors.Join(os.Chown(l.path(name), uid, gid), os.Chmod(l.path(name), mode)))
	}
	for _, c := range []struct {
		uid, gid int
		mode     os.FileMode
		who      string
	}{
		{0, 0, 0o700, ""}, {0, 0, 0o744, ""}, {0, 0, 0o711, "abcd"}, {4001, 0, 0o700, "a"}, {4001, 0, 0o077, "bcd"},
		{0, 5000, 0o710, "ab"}, {0, 5000, 0o701, "cd"}, {4001, 5000, 0o070, "b"}, {4001, 5000, 0o017, "bcd"},
	} {
		mode("in", c.uid, c.gid, c.mode)
		want("mode "+c.mode.String(), c.who, "in/f", "in/deep/f")
		want("next to it", "abcd", "plan")
	}
	mode("in", 0, 0, 0o755)
	// smbd serves a file below a folder that only its own descriptor closes.
	l.describe("in", sddl.MustParse(closed))
	want("closed descriptor", "abcd", "in/f", "in/deep/f")
	// u::rwx,u:4001:r--,g::r--,g:5000:r-x,m::r-x,o::r-x: alice is refused by name, carol and dave are others.
	acl := []byte{2, 0, 0, 0}
	for _, e := range []struct{ tag, perm, id uint32 }{{1, 7, ^uint32(0)}, {2, 4, 4001}, {4, 4, ^uint32(0)}, {8, 5, 5000},
		{0x10, 5, ^uint32(0)}, {0x20, 5, ^uint32(0)}} {
		acl = append(acl, byte(e.tag), 0, byte(e.perm), 0, byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	if err := unix.Setxattr(l.path("in/deep"), "system.posix_acl_access", acl, 0); err != nil {
		t.Skip("no POSIX ACLs here: ", err)
	}
	want("ACL", "bcd", "in/deep/f")
	want("above it", "abcd", "in/f")
	mode("in/deep", 0, 0, 0o745) // the mask loses its search permission, others keep it
	want("mask", "cd", "in/deep/f")
	// The kernel skips an ACL whose mask grants nothing. Then all users are in the class others.
	mode("in/deep", 0, 0, 0o705)
	want("empty mask", "abcd", "in/deep/f")
	mode(".", 0, 0, 0o700)
	want("root", "", "plan", "in/f", "in/deep/f")
	mode(".", 0, 0, 0o755)
	want("root again", "abcd", "plan", "in/f")
}

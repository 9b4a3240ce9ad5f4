package mount

import (
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// reported collects the denials that a mount reports.
type reported struct {
	mu   sync.Mutex
	list []*Denial
}

func (r *reported) add(d *Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, d)
}

// take returns and removes the collected denials.
func (r *reported) take() []*Denial {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

// TestDenialsAreExplained checks that each denial is reported with its operation, path and requested rights, and with
// the entry, directory, missing descriptor or read-only attribute that denied it. The report also names an owner that
// the account may not assign, a pipe, and a refusal of the host. A successful request and a missing name are not
// reported (M-46).
func TestDenialsAreExplained(t *testing.T) {
	var r reported
	w := newWorld(t, func(hc *hostfs.Config, c *Config) {
		hc.Faults = func(call, name string) error {
			if call == "create" && name == "unmade" {
				return unix.EACCES
			}
			return nil
		}
		c.Denied = r.add
	})
	w.must(unix.Mkfifo(w.root+"/pipe", 0o600))
	w.file("plan", "the plan\n", "O:"+user(alice)+"G:SYD:(D;;DCLC;;;"+user(bob)+")(A;;FR;;;WD)(A;;FA;;;"+user(alice)+")")
	w.file("diary", "dear\n", "O:"+user(alice)+"G:SYD:(A;;FA;;;"+user(alice)+")")
	w.file("locked", "", "O:"+user(bob)+"G:SYD:(A;;FA;;;WD)")
	readOnly := func(name string) {
		w.must(unix.Setxattr(w.root+"/"+name, "user.DOSATTRIB", []byte("0x1\x00"), 0))
	}
	readOnly("locked")
	w.dir("shut", "O:"+user(alice)+"G:SYD:(A;;FA;;;"+user(alice)+")")
	w.dir("his", "O:"+user(bob)+"G:SYD:(A;OICI;FA;;;"+user(bob)+")")
	const allButDeleteChild = "0x1f01bf"
	w.dir("his/kept", "O:"+user(bob)+"G:SYD:(A;;"+allButDeleteChild+";;;"+user(bob)+")")
	w.file("his/kept/hers", "", "O:"+user(alice)+"G:SYD:(A;;FR;;;WD)")
	w.file("his/src", "", "O:"+user(bob)+"G:SYD:(A;;FA;;;"+user(bob)+")")
	w.file("his/locked", "", "O:"+user(bob)+"G:SYD:(A;;FA;;;"+user(bob)+")")
	readOnly("his/locked")
	w.file("bare", "", "O:"+user(alice)+"G:SYD:(A;;FA;;;WD)")
	w.must(unix.Removexattr(w.root+"/bare", "security.NTACL"))
	w.dir("blank", "O:"+user(alice)+"G:SYD:(A;;FA;;;WD)")
	w.must(unix.Removexattr(w.root+"/blank", "security.NTACL"))
	w.dir("torn", "O:"+user(alice)+"G:SYD:(A;;FA;;;WD)")
	w.must(unix.Setxattr(w.root+"/torn", "security.NTACL", []byte("x"), 0))
	deep := strings.Repeat("/"+strings.Repeat("x", 250), longestLine/250) + "/f"
	w.must(os.MkdirAll(w.root+deep, 0o700))
	for _, c := range []struct {
		line, operation, path string
		requested             winnt.AccessMask
		reason                string
	}{
		{"cat plan", "", "", 0, ""},
		{"cat none", "", "", 0, ""},
		{"cat diary", "OPEN", "/diary", winnt.FILE_READ_DATA | winnt.SYNCHRONIZE, "because A-40 "},
		{"echo x >>plan", "OPEN", "/plan", 0, "(D;;DCLC;;;" + user(bob) + ")"},
		{"rm -f plan", "UNLINK", "/plan", winnt.DELETE, "DELETE: the directory decides: no entry grants FILE_DELETE_CHILD"},
		{"touch new", "CREATE", "/new", 0, "because A-40 " + w.at + ": no entry"},
		{"mkdir new", "MKDIR", "/new", 0, "because A-40 "},
		{"mv his/src shut/", "RENAME", "/shut", winnt.FILE_ADD_FILE | winnt.SYNCHRONIZE, "because A-40 "},
		{"mv his/kept shut/", "RENAME", "/shut", winnt.FILE_ADD_SUBDIRECTORY, "because A-40 "},
		{"mv -f his/src his/kept/hers", "RENAME", "/his/kept/hers", winnt.DELETE, "no entry allows them"},
		{"mv -f his/src his/locked", "RENAME", "/his/locked", winnt.DELETE, "DELETE: the file is read-only"},
		{"rm -f his/locked", "UNLINK", "/his/locked", winnt.DELETE, "DELETE: the file is read-only"},
		{"ln his/src shut/", "LINK", "/shut", winnt.FILE_ADD_FILE | winnt.SYNCHRONIZE, "because A-40 "},
		{"ln -s x shut/new", "SYMLINK", "/shut/new", 0, "because A-40 "},
		{"ls shut", "OPENDIR", "/shut", 0, "because A-40 "},
		{"chmod 777 diary", "SETATTR", "/diary", winnt.WRITE_DAC, "because A-40 "},
		{"chown 61002 diary", "SETATTR", "/diary", winnt.WRITE_OWNER, "because A-40 "},
		{"cat bare", "OPEN", "/bare", 0, "refmon acl grant --offline PATH USER:full"},
		{"ls ." + deep, "GETATTR", deep, winnt.FILE_READ_ATTRIBUTES, "x …"},
		{"echo x >>locked", "OPEN", "/locked", 0, "because F-38 " + w.at + "/locked: STATUS_ACCESS_DENIED"},
		{"touch blank/new", "CREATE", "/blank/new", 0, "because F-101 " + w.at + "/blank: it has no descriptor"},
		{"touch torn/new", "CREATE", "/torn/new", 0, "because F-204 " + w.at + "/torn: its stored descriptor is invalid"},
		{"mkdir blank/new", "MKDIR", "/blank/new", 0, "because F-101 " + w.at + "/blank: it has no descriptor"},
		{"cat pipe", "LOOKUP", "/pipe", winnt.FILE_READ_ATTRIBUTES, "because F-112 " + w.at + "/pipe: a mount, subvolume"},
		{"chown 61003 his/src", "SETATTR", "/his/src", 0, "because F-51: the account may not make S-1-22-1-61003 the owner"},
		{"touch his/unmade", "CREATE", "/his/unmade", 0, "or the host refuses it to refmond"},
	} {
		r.take()
		out, err := as(bob, "/bin/sh", "-c", "cd "+w.at+" && "+c.line).CombinedOutput()
		list := r.take()
		if c.operation == "" {
			check.Equal(t, len(list), 0, "M-46: %s: number of denials, %+v", c.line, list)
			continue
		}
		if err == nil || len(list) == 0 {
			t.Errorf("M-46: %s: %s, %v, %d denials, want an error, at least 1", c.line, out, err, len(list))
			continue
		}
		d := list[len(list)-1]
		if d.UID != bob || d.Operation != c.operation || d.Path != w.at+c.path ||
			c.requested != 0 && d.Asked != c.requested ||
			!strings.Contains(strings.Join(d.Reasons, "\n"), c.reason) || d.Subject.Effective().User().SID !=
			fileaccess.UnixUser(bob) {
			t.Errorf("M-46: %s: %s %s for %v: %q", c.line, d.Operation, d.Path, d.Asked, d.Reasons)
		}
	}
	w.file("hers", "", carols)
	r.take()
	w.setsWhole(carol, "hers", bytesOf(carols+"S:(ML;;NW;;;SI)"), unix.EPERM)
	list := r.take()
	check.That(t, len(list) == 1 && strings.HasPrefix(list[0].Reasons[0], "because F-51: an integrity label above"),
		"M-46: a label above the account's: %+v", list)
	shut := w.known(alice, "shut")
	r.take()
	w.want("tmpfile", w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: header(bob, shut), Flags: unix.O_RDWR, Mode: 0o600},
		&fuse.CreateOut{}), unix.EACCES)
	list = r.take()
	check.That(t, len(list) == 1 && list[0].Path == w.at+"/shut" && list[0].Asked == winnt.FILE_ADD_FILE &&
		list[0].Open != nil, "M-46: tmpfile: %+v", list)
	if out, err := as(61999, "/bin/cat", w.at+"/plan").CombinedOutput(); err == nil {
		t.Errorf("M-3: %s", out)
	}
	if list := r.take(); len(list) == 0 || !strings.Contains(list[0].Reasons[0], "no logon: uid 61999: not known") {
		t.Errorf("M-46: denials of a user who cannot log on: %+v, want one with the reason \"no logon\"", list)
	}
	// On a mount for backup the directory denies nothing to the operator.
	w = newWorld(t, forBackup, func(_ *hostfs.Config, c *Config) { c.Denied = r.add })
	w.dir("d", private)
	w.file("d/locked", "", private)
	readOnly("d/locked")
	w.file("own", "", private)
	for _, line := range []string{"mv -f own d/locked", "rm -f d/locked"} {
		r.take()
		w.refused(operator, "ermi", "sh", "-c", line)
		list := r.take()
		check.That(t, len(list) == 1 && list[0].Path == w.at+"/d/locked" &&
			slices.Contains(list[0].Reasons, "DELETE: the file is read-only"), "M-46: %s: %+v", line, list)
	}
}

// TestDenialsAreBounded checks that of a user's 100,000 denials 60 are reported immediately and one more each second,
// with the number of the others. Another user's denials are reported meanwhile. Users beyond the bound share a rate
// (M-46).
//
// +checklocksignore: there is one goroutine
func TestDenialsAreBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	d := denialCounts{now: func() time.Time { return now }, users: map[uint32]*deniedUser{}}
	taken := func(uid uint32, times int) (n int) {
		for range times {
			if _, ok := d.take(uid); ok {
				n++
			}
		}
		return n
	}
	check.Equal(t, taken(bob, 100_000), 60, "M-46: denials are reported")
	check.Equal(t, taken(alice, 10), 10, "M-46: denials of another user are reported")
	now = now.Add(1500 * time.Millisecond)
	suppressed, ok := d.take(bob)
	check.That(t, ok && suppressed == 100_000-60 && taken(bob, 10) == 0,
		"M-46: after a second %v, %d suppressed", ok, suppressed)
	now = now.Add(-time.Hour) // setting the clock back gives no allowance
	check.Equal(t, taken(bob, 10), 0, "M-46: denials are reported in the past")
	now = now.Add(1000 * time.Hour)
	suppressed, ok = d.take(bob)
	check.That(t, ok && suppressed == 20, "M-46: after a pause %v, %d suppressed, want true, 20", ok, suppressed)
	check.Equal(t, taken(bob, 99), 59, "M-46: further denials are reported after a pause")
	check.That(t, d.users[bob].total == 100_000+1+10+10+100,
		"M-46: %d denials are counted, want %d", d.users[bob].total, 100_000+1+10+10+100)
	for uid := range uint32(3 * maxDenied) {
		taken(100_000+uid, 1)
	}
	check.That(t, len(d.users) <= maxDenied+1 && d.users[othersUID] != nil, "M-46: %d users are counted", len(d.users))
}

// TestDenialNamesNoEarlierRequest checks that a denial without a refused open does not name the file of an earlier
// request of another user, and that few of a user's many denials are reported. Those of a subordinate uid count for its
// user (M-46).
func TestDenialNamesNoEarlierRequest(t *testing.T) {
	var r reported
	var lookups atomic.Int32
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Denied, c.payer = r.add, func(uid uint32) uint32 {
			lookups.Add(1)
			return map[uint32]uint32{unknown: bob, bob: bob}[uid]
		}
	})
	w.file("diary", "dear\n", "O:"+user(alice)+"G:SYD:(A;;FA;;;"+user(alice)+")")
	w.file("hers", "", "O:"+user(carol)+"G:SYD:(A;;FA;;;"+user(carol)+")")
	w.dir("d", full)
	node, hers := w.known(alice, "diary"), w.known(carol, "hers")
	var nameless fuse.CreateOut
	w.want("tmpfile", w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: header(alice, w.known(alice, "d")), Flags: unix.O_RDWR,
		Mode: 0o600}, &nameless), 0)
	const many = 10 * denialBurst
	before := check.OpenDescriptors(t)
	lookups.Store(0)
	for range many {
		w.want("open", w.m.Open(nil, &fuse.OpenIn{InHeader: header(bob, node)}, &fuse.OpenOut{}), unix.EACCES)
	}
	check.Equal(t, lookups.Load(), 1, "lookups of the uid that is charged: at bob's logon")
	check.Equal(t, check.OpenDescriptors(t), before, "M-46: host descriptors after denials")
	w.want("open", w.m.Open(nil, &fuse.OpenIn{InHeader: header(unknown, node)}, &fuse.OpenOut{}), unix.EACCES)
	w.m.denials.mu.Lock()
	total := w.m.denials.users[bob].total
	w.m.denials.mu.Unlock()
	check.Equal(t, total, many+1, "M-46: denials that are counted for bob")
	w.want("open", w.m.Open(nil, &fuse.OpenIn{InHeader: header(carol, nameless.NodeId)}, &fuse.OpenOut{}), unix.EACCES)
	own := fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(carol, hers), Valid: fuse.FATTR_UID,
		Owner: fuse.Owner{Uid: bob}}} // carol may take ownership, and not assign it to bob
	w.want("chown", w.m.SetAttr(nil, &own, &fuse.AttrOut{}), unix.EPERM)
	list := r.take()
	check.RequireThat(t, len(list) > denialBurst && len(list) < many,
		"M-46: %d of bob's %d denials are reported, want %d and a few", len(list)-1, many, denialBurst)
	first, last := list[len(list)-2], list[len(list)-1]
	check.That(t, first.UID == carol && first.Open == nil && last.UID == carol && last.Path == w.at+"/hers" &&
		last.Open == nil, "M-46: %+v and %+v, want the path %s/hers", first, last, w.at)
}

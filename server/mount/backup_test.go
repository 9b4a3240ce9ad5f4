package mount

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Accounts of the tests with one of the two privileges, disabled, or with both.
const (
	reader   = 61010
	restorer = 61011
	operator = 61012
)

// backupPeople has the accounts of the tests, and accounts with privileges for backup and restore.
type backupPeople struct{ people }

// LogOn implements Accounts.
func (p backupPeople) LogOn(uid, gid uint32) (logon.Result, error) {
	r, err := p.people.LogOn(uid, gid)
	held := map[uint32]winnt.PrivilegeSet{reader: winnt.SeBackupPrivilege.Bit(),
		restorer: winnt.SeRestorePrivilege.Bit(), operator: backupPrivileges}[uid]
	r.Token.Privileges |= held
	return r, err
}

// forBackup configures a mount for backup.
func forBackup(_ *hostfs.Config, c *Config) { c.Accounts, c.Backup = backupPeople{}, true }

// private is a descriptor that grants nothing to the operators.
const private = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;OICI;FA;;;S-1-22-1-61001)S:(AU;SA;FA;;;WD)"

// M-53: backup intent grants the accesses of each privilege. An account without one cannot enter.
func TestBackupMountGrantsByPrivilege(t *testing.T) {
	w := newWorld(t, forBackup)
	w.dir("d", private)
	w.file("d/f", "hers", private)
	w.sees(reader, "hers", "cat", "d/f")
	w.sees(reader, "f", "ls", "d")
	w.refused(reader, "Permission denied", "sh", "-c", "echo x >>d/f")
	w.refused(reader, "Permission denied", "sh", "-c", "echo x >d/g")
	w.refused(reader, "Permission denied", "rm", "-f", "d/f")
	w.refused(restorer, "Permission denied", "cat", "d/f")
	w.sees(restorer, "", "sh", "-c", "echo more >>d/f && echo x >d/g && mkdir d/sub && mv d/g d/sub/h")
	w.sees(operator, "hersmore\nx", "sh", "-c", "cat d/f d/sub/h && rm -r d/sub")
	w.sees(operator, "61001", "sh", "-c", "ln -s f d/l && chown -h 61001 d/l && stat -c %u d/l")
	if text, errno := w.readWhole(reader, "d/f"); errno != 0 || text != private {
		t.Errorf("M-53: %s, %v, want %s, 0", text, errno, private)
	}
	const bobs = "O:S-1-22-1-61002G:SYD:AI(A;ID;FA;;;S-1-22-1-61002)S:(AU;FA;FA;;;WD)"
	w.setsWhole(reader, "d/f", bytesOf(bobs), unix.EACCES)
	w.setsWhole(operator, "d/f", bytesOf(bobs), 0)
	var out fuse.CreateOut // an existing file does not become new, so its owner stays
	w.want("M-13: create", w.m.Create(nil, &fuse.CreateIn{InHeader: header(operator, w.known(operator, "d")),
		Flags: unix.O_RDWR}, "f", &out), 0)
	w.m.leave(out.Fh)
	for _, ids := range []string{"61001", ":61001"} {
		w.refused(operator, "Operation not permitted", "chown", ids, "d/f") // its whole descriptor is set (M-55)
	}
	check.Equal(t, w.descriptorOf("d/f"), bobs, "M-53, M-55")
	w.must(os.WriteFile(filepath.Join(w.root, "d/none"), nil, 0o600))
	w.refused(operator, "Permission denied", "stat", "d/none") // F-101: without a descriptor it grants nothing
	w.must(os.Remove(filepath.Join(w.root, "d/none")))
	for _, uid := range []uint32{alice, carol, 0} {
		w.refused(uid, "can't cd", "cat", "d/f")
	}
	// M-55: under every mode policy the owner of a new file can be set.
	w = newWorld(t, forBackup, func(_ *hostfs.Config, c *Config) { c.Modes = RefuseMode })
	w.sees(operator, "61001", "sh", "-c", "touch f && chown 61001 f && stat -c %u f")
	w.setsWhole(operator, "f", bytesOf(private), 0)
	w.refused(operator, "Operation not permitted", "chown", "61002", "f")
}

// M-54: an ordinary mount does not use the privileges, even if the configuration enables them.
func TestOrdinaryMountUsesNoPrivilege(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Accounts = enabled{} })
	w.dir("d", private)
	w.file("d/f", "hers", private)
	w.refused(operator, "Permission denied", "cat", "d/f")
	w.refused(operator, "Permission denied", "ls", "d")
	w.refused(operator, "Permission denied", "sh", "-c", "echo x >d/g")
	w.file("own", "", "O:S-1-22-1-61012G:SYD:P(A;;FA;;;S-1-22-1-61012)")
	w.refused(operator, "Operation not permitted", "chown", "61001", "own")
}

// enabled are the operators with their privileges enabled.
type enabled struct{ backupPeople }

// LogOn implements Accounts.
func (p enabled) LogOn(uid, gid uint32) (logon.Result, error) {
	r, err := p.backupPeople.LogOn(uid, gid)
	r.Token.EnabledPrivileges |= r.Token.Privileges
	return r, err
}

// TestBackupUsesTheFullToken checks that an account whose limited token has not the privileges uses its full token, on
// a backup mount only (M-53).
func TestBackupUsesTheFullToken(t *testing.T) {
	limited := token.StandardUser(fileaccess.UnixUser(alice))
	full := token.Administrator(fileaccess.UnixUser(alice))
	full.ElevationType = winnt.TokenElevationTypeFull
	r := logon.Result{Token: limited, Linked: &full}
	if got, err := forIntent(r, false); err != nil || got.Token.Privileges != limited.Privileges {
		t.Errorf("M-54: %v, %v, want %v, nil", got.Token.Privileges, err, limited.Privileges)
	}
	if got, err := forIntent(r, true); err != nil || got.Token.EnabledPrivileges&backupPrivileges != backupPrivileges {
		t.Errorf("M-53: %v, %v", got.Token.EnabledPrivileges, err)
	}
	check.That(t, check.Err(forIntent(logon.Result{Token: limited}, true)) != nil,
		"M-53: an account without the privileges is logged on")
}

// M-55: after a restore the mode of the archive changes nothing, and a narrower mode is rejected.
func TestRestoreKeepsDescriptorDespiteChmod(t *testing.T) {
	// The mode is 750: bob may read and execute the file. It does not show bob's right to write the DACL.
	const extra = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x1601a9;;;S-1-22-1-61002)"
	for _, c := range []struct {
		backup bool
		mode   uint32
		errno  unix.Errno
		kept   bool
	}{
		{false, 0o750, 0, true}, {true, 0o750, 0, true}, {true, 0o777, 0, true}, {true, 0o4750, 0, true},
		{false, 0o777, 0, false},
		{false, 0o700, 0, false}, {true, 0o700, unix.EPERM, true}, {true, 0o640, unix.EPERM, true},
	} {
		w := newWorld(t, forBackup, func(_ *hostfs.Config, m *Config) { m.Backup, m.Modes = c.backup, MapMode })
		by := uint32(operator)
		if !c.backup {
			by = alice
		}
		w.file("f", "", alices)
		w.setsWhole(by, "f", bytesOf(extra), 0)
		in := &fuse.SetAttrIn{}
		in.InHeader, in.Valid, in.Mode = header(by, w.known(by, "f")), fuse.FATTR_MODE, c.mode
		var out fuse.AttrOut
		w.want(fmt.Sprintf("M-55: backup %v, chmod %o", c.backup, c.mode), w.m.SetAttr(nil, in, &out), c.errno)
		if got := w.descriptorOf("f"); (got == extra) != c.kept {
			t.Errorf("M-55: backup %v, chmod %o: descriptor %s, want it unchanged: %t", c.backup, c.mode, got, c.kept)
		}
	}
}

// backupLines has the commands of TestBackupProgramsRestoreDescriptors: one that backs up $FROM, and one that restores
// to $TO.
var backupLines = []struct{ name, save, restore string }{
	{"tar", "tar --xattrs --xattrs-include='user.*' -C $FROM -cf $T/a.tar .",
		"tar --xattrs --xattrs-include='user.*' -p -C $TO -xf $T/a.tar"},
	// The copy belongs to the operator, who could not read it with all of the permissions.
	{"rsync", "rsync -rlptX --chmod=u+rwX $FROM/ $T/copy/", "rsync -rlptX $T/copy/ $TO/"},
	{"rsync", "true", "rsync -aX $FROM/ $TO/"},
	// restic and borg keep the descriptor of a directory only under its name: of "." they keep the contents.
	{"restic", "restic init -q && cd $FROM/.. && restic backup -q tree",
		"rm -f $TO/link && restic restore -q latest --target $TO/.."}, // it replaces no link
	{"borg", "borg init -e none && cd $FROM/.. && borg create ::a tree", "cd $TO/.. && borg extract ::a"},
	{"refmon", "refmon acl export -r $FROM >$T/acls && cp -r --no-preserve=all $FROM $T/copy",
		"rm -f $TO/link && cp -r --no-preserve=all $T/copy/. $TO && refmon acl import --from $FROM $TO <$T/acls >/dev/null"},
}

// kinds has the descriptors of the backup test: two owners, one of them without a uid on any host, a protected and an
// inherited one, one with a SACL, one without entries, and one whose mode shows less than it grants.
var kinds = map[string]string{
	"own":       "O:S-1-22-1-61012G:S-1-22-2-62001D:AI(A;;FA;;;S-1-22-1-61012)",
	"other":     "O:S-1-5-21-1-2-3-1105G:S-1-5-21-1-2-3-513D:(A;;FA;;;S-1-5-21-1-2-3-1105)(D;;FW;;;S-1-22-1-61012)",
	"protected": "O:S-1-22-1-61001G:SYD:PAI(A;;FA;;;S-1-22-1-61001)",
	"inherited": "O:S-1-22-1-61002G:BAD:AI(A;ID;FA;;;S-1-22-1-61002)(A;ID;0x1200a9;;;WD)",
	"audited":   "O:BAG:SYD:P(A;;FR;;;BA)S:AI(AU;SAFA;FA;;;WD)(ML;;NW;;;ME)",
	"empty":     "O:BAG:SYD:P",
	"writer":    "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x1601a9;;;S-1-22-1-61002)",
}

// TestBackupProgramsRestoreDescriptors backs up a tree by an account with both privileges through a backup mount, and
// restores it into an empty one, with Debian's programs. Each file and directory has its contents and the same stored
// descriptor as before (M-50 to M-55). The test creates and compares the trees directly.
func TestBackupProgramsRestoreDescriptors(t *testing.T) {
	for _, p := range backupLines {
		t.Run(p.name, func(t *testing.T) {
			path := os.Getenv("PATH")
			if p.name == "refmon" {
				path = folder(t) + ":" + path
				programs.Install(t, path[:strings.IndexByte(path, ':')], "refmon")
			} else if _, err := exec.LookPath(p.name); err != nil {
				t.Skip("not installed: ", err)
			}
			w := newWorld(t, forBackup)
			for dir, text := range map[string]string{"from": private, "to": kinds["inherited"]} {
				w.dir(dir, private)
				w.dir(dir+"/tree", text)
			}
			for name, text := range kinds {
				w.file("from/tree/"+name, name+"'s contents\n", text)
				w.dir("from/tree/dir-"+name, text)
				w.file("from/tree/dir-"+name+"/in", "inside "+name+"\n", text)
			}
			w.link("from/tree/link", "own", private)
			scratch := folder(t)
			w.must(os.Chown(scratch, operator, operator))
			run := func(line string) {
				t.Helper()
				cmd := as(operator, "sh", "-ec", line)
				cmd.Env = append(cmd.Env, "PATH="+path, "FROM="+filepath.Join(w.at, "from/tree"),
					"TO="+filepath.Join(w.at, "to/tree"), "T="+scratch, "TMPDIR="+scratch, "HOME="+scratch,
					"RESTIC_REPOSITORY="+scratch+"/r", "RESTIC_PASSWORD=x", "RESTIC_CACHE_DIR="+scratch+"/c",
					"BORG_REPO="+scratch+"/b", "BORG_BASE_DIR="+scratch, "LOGNAME=operator",
					"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes")
				if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
					t.Fatalf("%s: %s, %v, want no output, no error", line, out, err)
				}
			}
			run(p.save)
			run(p.restore)
			w.compareRestored(t)
			for name := range kinds { // the second time over existing files
				w.file("to/tree/"+name, "spoilt", private)
				w.file("to/tree/dir-"+name+"/in", "", private)
			}
			run(p.restore)
			w.compareRestored(t)
		})
	}
}

// compareRestored compares the restored tree below the mount with the original.
func (w *world) compareRestored(t *testing.T) {
	t.Helper()
	if to, err := os.Readlink(filepath.Join(w.root, "to/tree/link")); err != nil || to != "own" {
		t.Errorf(`the link is restored with %q, %v, want "own", nil`, to, err)
	}
	check.Equal(t, w.descriptorOf("to/tree"), private, "the directory itself is restored with")
	for name, text := range kinds {
		for file, want := range map[string]string{name: name + "'s contents\n", "dir-" + name: "",
			"dir-" + name + "/in": "inside " + name + "\n"} {
			at := filepath.Join("to/tree", file)
			check.Equal(t, w.descriptorOf(at), text, "%s is restored with", file)
			if got, err := os.ReadFile(filepath.Join(w.root, at)); want != "" && (err != nil || string(got) != want) {
				t.Errorf("%s is restored with %q, %v", file, got, err)
			}
		}
	}
}

// TestBackupProgramsReportLosses checks that tar and borg, which only warn about attributes, fail on a mount for backup
// if they cannot read or set a descriptor (M-56).
func TestBackupProgramsReportLosses(t *testing.T) {
	for _, name := range []string{"tar", "rsync", "borg"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("not installed: ", err)
		}
	}
	w := newWorld(t, forBackup)
	const tar = "tar --xattrs --xattrs-include='user.*' "
	w.dir("from", private)
	w.file("from/high", "text", "O:BAG:SYD:P(A;;FR;;;BA)S:(AU;SA;FA;;;WD)(ML;;NW;;;HI)")
	w.dir("to", private)
	scratch := folder(t)
	w.must(os.Chown(scratch, operator, operator))
	w.refused(operator, "high: Cannot open: Operation not permitted", "sh", "-c", tar+"-C from -cf "+scratch+"/a.tar .")
	// An archive whose attribute is not a descriptor.
	other := folder(t)
	w.must(os.WriteFile(filepath.Join(other, "f"), []byte("x"), 0o644))
	if err := unix.Setxattr(filepath.Join(other, "f"), wholeACL, []byte("none"), 0); err != nil {
		t.Skip(err)
	}
	w.refused(operator, "f: Cannot utime: Invalid argument", "sh", "-c",
		tar+"-C "+other+" -cf - . | "+tar+"-p -C to -xf -")
	const borg = "export BORG_BASE_DIR=$0 BORG_REPO=$0/b BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes LOGNAME=operator; "
	w.sees(operator, "", "sh", "-c", borg+"borg init -e none", scratch)
	w.refused(operator, "from/high: open: [Errno 1] Operation not permitted", "sh", "-c", borg+"borg create ::a from",
		scratch)
	w.sees(operator, "", "sh", "-c", borg+"cd "+other+" && borg create ::other .", scratch)
	w.refused(operator, "when setting extended attribute user.ntfs_acl: [Errno 22] Invalid argument", "sh", "-c",
		borg+"cd to && borg extract ::other", scratch)
	// A copy that the operator owns does not have the owner and group of the restored descriptor.
	w.refused(operator, "Operation not permitted", "rsync", "-aX", other+"/", "to/")
	w.refused(operator, "Operation not permitted", "chgrp", "61012", "from/high")
	// After the descriptor is set, the file is an ordinary file.
	w.setsWhole(operator, "to/f", bytesOf(private), 0)
	w.sees(operator, "", "touch", "-d", "2001-01-01", "to/f")
}

package mount

import (
	"fmt"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// backupPrivileges are the privileges that count on a mount for backup alone.
var backupPrivileges = winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege)

// forIntent returns a logon with the privileges for backup and restore as the mount uses them. A mount for backup
// enables those that the account holds, in its full token. It fails with STATUS_PRIVILEGE_NOT_HELD if it holds neither
// (M-53). Other mounts disable both (M-54).
func forIntent(r logon.Result, backup bool) (logon.Result, error) {
	if !backup {
		// No program requests backup there, and some operations would use the restore privilege without a request
		// (F-21).
		r.Token.EnabledPrivileges &^= backupPrivileges
		return r, nil
	}
	r = r.Full() // a limited token holds no such privilege
	held := r.Token.Privileges & backupPrivileges
	if held == 0 {
		return r, fmt.Errorf("holds neither SeBackupPrivilege nor SeRestorePrivilege: %w", ntstatus.PrivilegeNotHeld.Err())
	}
	r.Token.EnabledPrivileges |= held
	return r, nil
}

// afterRestore decides a chmod of a file whose descriptor the caller has just set whole, with the mode that stat shows
// now. done is false if the mode policy decides. The mode shown changes nothing. On a mount for backup, neither does a
// mode that grants more; one that denies something fails with EPERM, because the restored descriptor would be lost
// (M-55).
func (m *Mount) afterRestore(n *node, uid, mode, shown uint32) (s fuse.Status, done bool) {
	switch {
	case !m.nodes.restored(n, uid):
		return fuse.OK, false
	case mode == shown, m.backup && mode&shown == shown:
		return fuse.OK, true
	case m.backup:
		return fuse.EPERM, true
	}
	return fuse.OK, false
}

// kept returns OK if a program that reads a file or directory through a mount for backup can also read its whole
// descriptor. Otherwise it returns the error of reading that, because archive programs only warn about an attribute
// that they cannot read. On other mounts it returns OK (M-56).
func (m *Mount) kept(t *worker, n *node) fuse.Status {
	if !m.backup {
		return fuse.OK
	}
	_, s := m.whole(t, n)
	return s
}

// restore sets the whole descriptor of a file. A mount for backup remembers an error and returns it for later changes
// of the file's attributes, because archive programs only warn about an attribute that they cannot set (M-56).
func (m *Mount) restore(t *worker, n *node, data []byte) fuse.Status {
	s := m.setWhole(t, n, data)
	if m.backup {
		m.nodes.setLost(n, s)
	}
	return s
}

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

// forIntent returns the logon r with the privileges that the mount's purpose needs: SeBackupPrivilege and
// SeRestorePrivilege enabled on a mount for backup, and disabled on others. With backup it enables those that the
// account holds, in its full token, and returns STATUS_PRIVILEGE_NOT_HELD if the account holds neither (M-53). Without
// backup it never fails (M-54).
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

// afterRestore decides a chmod by a user who has just set the file's whole descriptor. mode is the requested mode,
// shown the one that stat shows now. done is false if the mode policy must decide. A chmod to the mode shown succeeds
// without a change. On a mount for backup, so does a mode that only adds permissions; one that removes some fails with
// EPERM, because the restored descriptor would be lost (M-55).
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

// kept prevents incomplete backups: it returns OK if the caller may read the whole descriptor of a file. A mount for
// backup calls it before it opens the file for reading, and fails the open with kept's error, because archive programs
// only warn about an attribute that they cannot read. On other mounts kept returns OK without a check (M-56).
func (m *Mount) kept(t *worker, n *node) fuse.Status {
	if !m.backup {
		return fuse.OK
	}
	_, s := m.whole(t, n)
	return s
}

// restore sets the whole descriptor of a file to the self-relative one in data, and returns the result. A mount for
// backup remembers an error and returns it for later changes of the file's attributes, because archive programs only
// warn about an attribute that they cannot set (M-56).
func (m *Mount) restore(t *worker, n *node, data []byte) fuse.Status {
	s := m.setWhole(t, n, data)
	if m.backup {
		m.nodes.setLost(n, s)
	}
	return s
}

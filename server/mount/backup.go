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

// forIntent returns the logon r with the backup and restore privileges that the mount needs. On a mount for backup,
// forIntent enables the privileges that the account's full token holds. If the token holds neither, the error is
// STATUS_PRIVILEGE_NOT_HELD (M-53). On other mounts forIntent disables both and never fails (M-54).
func forIntent(r logon.Result, backup bool) (logon.Result, error) {
	if !backup {
		// No program requests backup there, and some operations would use the restore privilege without a request
		// (F-21).
		r.Token.EnabledPrivileges &^= backupPrivileges
		return r, nil
	}
	r = r.Full() // a limited token holds neither backup nor restore privilege
	held := r.Token.Privileges & backupPrivileges
	if held == 0 {
		return r, fmt.Errorf("holds neither SeBackupPrivilege nor SeRestorePrivilege: %w", ntstatus.PrivilegeNotHeld.Err())
	}
	r.Token.EnabledPrivileges |= held
	return r, nil
}

// afterRestore decides a chmod by a user who has just set the file's whole descriptor (M-55). mode is the requested
// mode, shown the mode that stat shows. done is false if the mode policy must decide.
//   - mode equals shown: OK without a change
//   - mount for backup, mode only adds permissions: OK without a change
//   - mount for backup, mode removes permissions: EPERM, which protects the restored descriptor
func (m *Mount) afterRestore(t *worker, n *node, mode, shown uint32) (s fuse.Status, done bool) {
	switch {
	case !m.nodes.restored(n, t.uid):
		return fuse.OK, false
	case mode == shown, m.backup && mode&shown == shown:
		return fuse.OK, true
	case m.backup:
		return t.refuse("because M-55: the mode denies what the restored descriptor grants"), true
	}
	return fuse.OK, false
}

// checkBackup checks that a backup of a file can include its whole descriptor (M-56). On a mount for backup it returns
// the error of reading the descriptor. The caller then refuses an open for reading, because archive programs only warn
// about an unreadable attribute. On other mounts it returns OK.
func (m *Mount) checkBackup(t *worker, n *node) fuse.Status {
	if !m.backup {
		return fuse.OK
	}
	_, s := m.readWhole(t, n)
	return s
}

// restore sets the whole descriptor of a file to the self-relative descriptor in data. A mount for backup stores an
// error and returns it for later changes of the file's attributes, because archive programs only warn about a failed
// attribute (M-56).
func (m *Mount) restore(t *worker, n *node, data []byte) fuse.Status {
	s := m.setWhole(t, n, data)
	if m.backup {
		m.nodes.setLost(n, s)
	}
	return s
}

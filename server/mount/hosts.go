package mount

import (
	"context"
	"fmt"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/sid"
)

// Hosts tells the groups of the host's users.
type Hosts interface {
	UserName(ctx context.Context, uid uint32) (string, bool)
	Groups(ctx context.Context, name string) ([]uint32, bool)
}

// Peers says what the token of a peer is made of: that of a socket, for which it is
// written, or here of a request.
type Peers interface {
	LogOn(p *unix.Peer, full bool) (logon.Result, error)
}

// Hosted are accounts by the host's groups: who a user is, with them, is asked of Peers
// as for the peer of a socket. The zero value refuses everybody.
type Hosted struct {
	Peers Peers
	Hosts Hosts
}

// hostWait is how long the host is asked.
const hostWait = 3 * time.Second

// unattributed is the uid of requests that the host's kernel cannot attribute.
const unattributed = ^uint32(0)

// LogOn implements [Accounts]. The groups are those of the host and the one that the
// program has as its own; a user whom the host does not name has that one alone. M-2
func (a Hosted) LogOn(uid, gid uint32) (logon.Result, error) {
	if a.Peers == nil || a.Hosts == nil || uid == unattributed {
		return logon.Result{}, fmt.Errorf("uid %d: %w", uid, ntstatus.AccessDenied.Err())
	}
	p := &unix.Peer{UID: uid, GID: gid}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	if name, ok := a.Hosts.UserName(ctx, uid); ok {
		if p.Groups, ok = a.Hosts.Groups(ctx, name); !ok {
			// Half of the groups could hide one that denies (L-56). M-3
			return logon.Result{}, fmt.Errorf("uid %d: its groups: %w", uid, ntstatus.NoLogonServers.Err())
		}
	}
	return a.Peers.LogOn(p, false)
}

// HostOwners has S-1-22-1-uid and S-1-22-2-gid for the numbers of the host.
type HostOwners struct{}

// UID implements [Owners].
func (HostOwners) UID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixUser(s.RID()) }

// GID implements [Owners].
func (HostOwners) GID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixGroup(s.RID()) }

// UserSID implements [Owners].
func (HostOwners) UserSID(uid uint32) sid.SID { return fileaccess.UnixUser(uid) }

// GroupSID implements [Owners].
func (HostOwners) GroupSID(gid uint32) sid.SID { return fileaccess.UnixGroup(gid) }

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

// Hosts looks up the users and groups of the host. ok is false if a lookup fails or finds nothing.
type Hosts interface {
	UserName(ctx context.Context, uid uint32) (string, bool)
	Groups(ctx context.Context, name string) ([]uint32, bool)
}

// Peers returns the contents of the token for a peer. It is the interface of socket peers, used here for the senders
// of requests.
type Peers interface {
	LogOn(p *unix.Peer, full bool) (logon.Result, error)
}

// Hosted implements [Accounts] with the groups of the host and the tokens of Peers. The zero value refuses everyone
// with STATUS_ACCESS_DENIED.
type Hosted struct {
	Peers Peers
	Hosts Hosts
}

// hostWait is the longest time for the host's lookups of one user.
const hostWait = 3 * time.Second

// unattributed is the uid of requests that the host's kernel cannot attribute.
const unattributed = ^uint32(0)

// LogOn implements [Accounts]. The token has the user's groups on the host and the program's own group. If the host
// names no such user, the token has only the program's group. A user whose groups cannot be read is refused with
// STATUS_NO_LOGON_SERVERS, and a request that the host's kernel attributes to no user with STATUS_ACCESS_DENIED (M-2).
func (a Hosted) LogOn(uid, gid uint32) (logon.Result, error) {
	if a.Peers == nil || a.Hosts == nil || uid == unattributed {
		return logon.Result{}, fmt.Errorf("uid %d: %w", uid, ntstatus.AccessDenied.Err())
	}
	p := &unix.Peer{Known: true, UID: uid, GID: gid}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	if name, ok := a.Hosts.UserName(ctx, uid); ok {
		if p.Groups, ok = a.Hosts.Groups(ctx, name); !ok {
			// An incomplete list could omit a group that a deny entry names (L-56, M-3).
			return logon.Result{}, fmt.Errorf("uid %d: its groups: %w", uid, ntstatus.NoLogonServers.Err())
		}
	}
	return a.Peers.LogOn(p, false)
}

// HostOwners implements [Owners] with S-1-22-1-uid and S-1-22-2-gid. No other SID has a number.
type HostOwners struct{}

// UID implements [Owners].
func (HostOwners) UID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixUser(s.RID()) }

// GID implements [Owners].
func (HostOwners) GID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixGroup(s.RID()) }

// UserSID implements [Owners].
func (HostOwners) UserSID(uid uint32) sid.SID { return fileaccess.UnixUser(uid) }

// GroupSID implements [Owners].
func (HostOwners) GroupSID(gid uint32) sid.SID { return fileaccess.UnixGroup(gid) }

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

// Hosts looks up the groups of the host's users. GroupsOf returns the gids of a user's groups, and none if the host has
// no such user. ok is false if the lookup failed.
type Hosts interface {
	GroupsOf(ctx context.Context, uid uint32) (gids []uint32, ok bool)
}

// Peers returns the contents of the token for a user of the host. Its method is that of socket peers. The mount passes
// the sender of a request as p, and always false as full.
type Peers interface {
	LogOn(p *unix.Peer, full bool) (logon.Result, error)
}

// Hosted implements [Accounts]: it finds the groups of a user with Hosts and the token with Peers. If either is nil,
// as in the zero value, it refuses everyone with STATUS_ACCESS_DENIED. It is safe for concurrent use if Hosts and
// Peers are.
type Hosted struct {
	Peers Peers
	Hosts Hosts
}

// hostWait is the longest time for the host's lookups of one user.
const hostWait = 3 * time.Second

// unattributed is the uid of requests that the host's kernel cannot attribute.
const unattributed = ^uint32(0)

// LogOn returns the token of a user, with the user's groups on the host and the program's own group. A uid that the
// host does not know gets only the program's group. It returns STATUS_NO_LOGON_SERVERS if the user's groups cannot be
// read, and STATUS_ACCESS_DENIED for a nil field or for a request that the host's kernel attributes to no user (M-2).
// Lookups take at most 3 seconds if Hosts respects its context.
func (a Hosted) LogOn(uid, gid uint32) (logon.Result, error) {
	if a.Peers == nil || a.Hosts == nil || uid == unattributed {
		return logon.Result{}, fmt.Errorf("uid %d: %w", uid, ntstatus.AccessDenied.Err())
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	gids, ok := a.Hosts.GroupsOf(ctx, uid)
	if !ok {
		// An incomplete list could omit a group that a deny entry names (L-56, M-3).
		return logon.Result{}, fmt.Errorf("uid %d: its groups: %w", uid, ntstatus.NoLogonServers.Err())
	}
	return a.Peers.LogOn(&unix.Peer{Known: true, UID: uid, GID: gid, Groups: gids}, false)
}

// HostOwners implements [Owners] with the SIDs S-1-22-1-uid for users and S-1-22-2-gid for groups. The zero value is
// ready to use.
type HostOwners struct{}

// UID returns the uid in S-1-22-1-uid. It returns false for every other SID.
func (HostOwners) UID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixUser(s.RID()) }

// GID returns the gid in S-1-22-2-gid. It returns false for every other SID.
func (HostOwners) GID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixGroup(s.RID()) }

// SIDOf returns S-1-22-1-uid, or S-1-22-2-gid for a group. ok is always true.
func (HostOwners) SIDOf(id uint32, group bool) (s sid.SID, ok bool) {
	if group {
		return fileaccess.UnixGroup(id), true
	}
	return fileaccess.UnixUser(id), true
}

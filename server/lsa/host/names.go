package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"sync"

	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/internal/subids"
)

// Socket is the service's Unix socket.
const Socket = "/run/systemd/userdb/" + service

// Names resolves users and groups of this host. The zero value uses getent only.
type Names struct {
	socket string      // immutable; "": use getent only
	getent string      // immutable; "" for the program of that name in PATH at each lookup
	queue  lookupQueue // of getent
	subids subids.Files

	mu sync.Mutex
	// +checklocks:mu
	users map[uint32]struct{} // guarded by mu; uids that GroupsOf has found, at most maxUsers
	// +checklocks:mu
	connections *admission.Pool // guarded by mu; to the service; nil before the first
}

// maxUsers limits the uids that Names remembers.
const maxUsers = 1 << 16

// New returns the Names of this host, with the service at [Socket]. It does not connect: each lookup opens a
// connection, so there is nothing to close. Without that service every lookup uses getent. New finds getent in PATH
// now: a later search could wait for a directory of PATH that this program has mounted and serves.
func New() *Names {
	return &Names{socket: Socket, getent: inPath("getent"), subids: subids.Files{Names: subids.UIDs}}
}

// inPath returns the path of a program in PATH, or "" if there is none.
func inPath(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	return path
}

// number parses a uid or gid of a reply; ok is false if it is not a 32-bit number.
func number(n json.Number) (uint32, bool) {
	v, err := strconv.ParseUint(string(n), 10, 32)
	return uint32(v), err == nil
}

// UserName returns the name of a uid. ok is false if no user was found, or if neither the service nor getent
// answers within five seconds each.
func (n *Names) UserName(ctx context.Context, uid uint32) (string, bool) {
	name, err := n.userName(ctx, uid)
	return name, err == nil && name != ""
}

// userName returns the name of a uid from the user database service or getent, or "" if there is no such user. An
// error of the service is ignored, and getent decides. An error of getent and a response for another uid are errors.
func (n *Names) userName(ctx context.Context, uid uint32) (string, error) {
	requester := n.subids.Requester(uid)
	if n.socket != "" {
		r, found, err := record[userRecord](ctx, n, requester, "GetUserRecord", map[string]any{"uid": uid})
		if got, ok := number(r.UID); err == nil && found && ok && got == uid {
			return r.Name, nil
		}
	}
	// An id that the service does not know may still be in another database (L-14).
	line, found, err := n.run(ctx, requester, "passwd", strconv.FormatUint(uint64(uid), 10))
	if err != nil || !found {
		return "", err
	}
	if u, ok := parseEntry("passwd", line); ok && u.id == uid {
		return u.name, nil
	}
	return "", fmt.Errorf("getent passwd %d: unexpected answer %.100q", uid, line)
}

// GroupsOf returns the gids of the user with a uid, the primary one first, and none if the host has no such user. ok
// is false if a lookup failed or the list is incomplete, because a missing group could be one that denies (L-56). It is
// also false for a user that an earlier call found.
func (n *Names) GroupsOf(ctx context.Context, uid uint32) (gids []uint32, ok bool) {
	name, err := n.userName(ctx, uid)
	if err != nil {
		return nil, false
	}
	// No groups is a valid result only if the host has no such user. getent gives the same answer while the name service
	// of the user is down (L-56).
	if known := n.remember(uid, name != ""); name == "" {
		return nil, !known
	}
	return n.groups(ctx, n.subids.Requester(uid), name)
}

// remember reports whether an earlier call had found the uid, and records it if found is set.
func (n *Names) remember(uid uint32, found bool) (known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known = n.users[uid]; found && !known && len(n.users) < maxUsers {
		if n.users == nil {
			n.users = map[uint32]struct{}{}
		}
		n.users[uid] = struct{}{}
	}
	return known
}

// UID returns the uid of a user, whose name must match exactly. ok is false if no user was found or no service
// answered, and for a name that validKey rejects, such as an empty one or one of digits only. The socket is asked
// first; any error of it leads to getent.
func (n *Names) UID(ctx context.Context, name string) (uint32, bool) {
	if !validKey(name) {
		return 0, false
	}
	if n.socket != "" {
		r, found, err := record[userRecord](ctx, n, anyName, "GetUserRecord", map[string]any{"userName": name})
		if uid, ok := number(r.UID); err == nil && found && ok && r.Name == name {
			return uid, true
		}
	}
	u, ok := n.passwd(ctx, anyName, name)
	return u.id, ok && u.name == name
}

// GroupName returns the name of a gid. ok is false if no group was found, or if neither the service nor getent answers
// within five seconds each. A group without a name is not found.
func (n *Names) GroupName(ctx context.Context, gid uint32) (string, bool) {
	if n.socket != "" {
		r, found, err := record[groupRecord](ctx, n, anyName, "GetGroupRecord", map[string]any{"gid": gid})
		if got, ok := number(r.GID); err == nil && found && ok && got == gid {
			return r.Name, r.Name != ""
		}
	}
	g, ok := n.group(ctx, strconv.FormatUint(uint64(gid), 10))
	return g.name, ok && g.id == gid
}

// GID returns the gid of a group, whose name must match exactly. ok is false if no group was found or no service
// answered, and for a name that validKey rejects, such as an empty one or one of digits only. The socket is asked
// first; any error of it leads to getent.
func (n *Names) GID(ctx context.Context, name string) (uint32, bool) {
	if !validKey(name) {
		return 0, false
	}
	if n.socket != "" {
		r, found, err := record[groupRecord](ctx, n, anyName, "GetGroupRecord", map[string]any{"groupName": name})
		if gid, ok := number(r.GID); err == nil && found && ok && r.Name == name {
			return gid, true
		}
	}
	g, ok := n.group(ctx, name)
	return g.id, ok && g.name == name
}

// Groups returns the gids of a user, the primary one first: those that the socket lists, and those that getent does. ok
// is false if the user was not found, for a name that validKey rejects, or if the list is incomplete, because a missing
// group could be one that denies. If the socket's answer is not complete, getent alone is asked.
func (n *Names) Groups(ctx context.Context, name string) (gids []uint32, ok bool) {
	return n.groups(ctx, anyName, name)
}

// groups is [Names.Groups] for a requester of lookups.
func (n *Names) groups(ctx context.Context, requester, name string) (gids []uint32, ok bool) {
	if !validKey(name) {
		return nil, false
	}
	if n.socket != "" {
		if gids, ok := n.groupsByRecord(ctx, requester, name); ok {
			// The service reads the groups of the name service switch one after another. SSSD and winbind do not list
			// theirs unless configured to, so only getent knows the user's groups there (L-56).
			more, ok := n.initgroups(ctx, requester, name)
			return unique(gids[0], append(gids, more...)), ok
		}
	}
	u, ok := n.passwd(ctx, requester, name) // first: getent initgroups answers for unknown users too
	if !ok || u.name != name {
		return nil, false
	}
	more, ok := n.initgroups(ctx, requester, name)
	return unique(u.gid, more), ok
}

// groupsByRecord returns a user's groups from io.systemd.UserDatabase, the primary gid first. It returns false if the
// service does not know the user, or if one of its responses is missing or invalid. Groups without a record are left
// out, and so are those of a source that does not list its groups.
func (n *Names) groupsByRecord(ctx context.Context, requester, name string) ([]uint32, bool) {
	r, found, err := record[userRecord](ctx, n, requester, "GetUserRecord", map[string]any{"userName": name})
	primary, ok := number(r.GID)
	if err != nil || !found || !ok || r.Name != name {
		return nil, false
	}
	names, err := n.memberships(ctx, requester, name)
	if err != nil {
		return nil, false
	}
	var more []uint32
	for _, g := range names {
		r, found, err := record[groupRecord](ctx, n, requester, "GetGroupRecord", map[string]any{"groupName": g})
		if err != nil {
			return nil, false
		}
		if gid, ok := number(r.GID); found && ok { // ignore a membership of a group that has no record
			more = append(more, gid)
		}
	}
	return unique(primary, more), true
}

// unique joins a user's primary gid with further ones without duplicates: it returns primary, then each other number of
// more once, in its order. The caller owns the result.
func unique(primary uint32, more []uint32) []uint32 {
	out := []uint32{primary}
	for _, g := range more {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

package unix

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Accounts determines the tokens of peers from their uids and groups, without an account store. The zero value
// gives every known peer the rights of an ordinary user. It is immutable during LogOn and needs no Close.
type Accounts struct {
	Administrators []uint32                      // uids
	Privileges     map[uint32]winnt.PrivilegeSet // by uid: further privileges, enabled
}

// LogOn returns the contents of a peer's token: S-1-22-1-uid, with S-1-22-2-gid for each group. An unmapped uid (65534)
// gets the anonymous token, whatever the fields say. An administrator always gets a full token, without a linked one.
// If full is set, all other peers are refused with an error for STATUS_ACCESS_DENIED (L-51), as is always a peer that
// is not Known.
func (a Accounts) LogOn(p *Peer, full bool) (logon.Result, error) {
	if !p.Known {
		return logon.Result{}, errUnknown
	}
	if full && (p.UID == lsa.Unmapped || !slices.Contains(a.Administrators, p.UID)) {
		return logon.Result{}, fmt.Errorf("uid %d is not an administrator: %w", p.UID, ntstatus.AccessDenied.Err())
	}
	// An unmapped uid identifies nobody, so the peer is anonymous (W-15).
	if p.UID == lsa.Unmapped {
		return logon.AnonymousLogon(), nil
	}
	return logon.Result{Token: a.spec(p)}, nil
}

// spec returns the token of a known peer whose uid is mapped: its groups, the groups of an interactive logon,
// and the further privileges of its uid. Administrators get the full token.
func (a Accounts) spec(p *Peer) token.Spec {
	user := fileaccess.UnixUser(p.UID)
	spec := token.StandardUser(user)
	// The superuser of the host is not an administrator here unless the configuration says so (W-15).
	if slices.Contains(a.Administrators, p.UID) {
		spec = token.Administrator(user)
	}
	for i, g := range p.gids() {
		if i == 0 || g != p.GID { // the supplementary groups usually include the primary one
			spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(g), Attributes: token.GroupDefault})
		}
	}
	if p.GID != lsa.Unmapped {
		spec.PrimaryGroup = fileaccess.UnixGroup(p.GID) // the group of files that the user creates, as on the host (W-15)
	}
	// The token has what an interactive logon of an account of this computer has (L-81, L-84).
	logon.Add(&spec, winnt.LOGON32_LOGON_INTERACTIVE, logon.Unproved, true)
	spec.Source.Name = "unix"
	held := a.Privileges[p.UID]
	spec.Privileges |= held
	spec.EnabledPrivileges |= held
	spec.DefaultPrivileges |= held
	return spec
}

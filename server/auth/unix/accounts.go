package unix

import (
	"slices"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Accounts makes tokens of peers without a store of accounts. The zero value
// gives every peer the rights of an ordinary user.
type Accounts struct {
	Administrators []uint32                      // uids
	Privileges     map[uint32]winnt.PrivilegeSet // uid → what it holds beside those of its kind, enabled
}

// Token returns the primary token of a peer: S-1-22-1-uid with S-1-22-2-gid for each
// group, in a logon session of its own.
func (a Accounts) Token(p *Peer, session winnt.LUID) (*token.Token, error) {
	spec := a.spec(p)
	if p.UID != lsa.Unmapped {
		spec.AuthenticationID = session
	}
	return token.New(spec)
}

func (a Accounts) spec(p *Peer) token.Spec {
	// An id that is not mapped here says nothing: who has it is anonymous (W-15).
	if p.UID == lsa.Unmapped {
		return token.Anonymous(false)
	}
	user := fileaccess.UnixUser(p.UID)
	spec := token.StandardUser(user)
	// The superuser of the host is no administrator here unless the configuration says so (W-15).
	if slices.Contains(a.Administrators, p.UID) {
		spec = token.Administrator(user)
	}
	for i, g := range p.gids() {
		if i == 0 || g != p.GID { // the kernel lists the first one again as a rule
			spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(g), Attributes: token.GroupDefault})
		}
	}
	spec.Source.Name = "unix"
	held := a.Privileges[p.UID]
	spec.Privileges |= held
	spec.EnabledPrivileges |= held
	spec.DefaultPrivileges |= held
	return spec
}

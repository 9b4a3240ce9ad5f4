package lsa

import (
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// DomainUser is a domain's user as its directory or KDC describes it. The zero value has no user:
// [Store.LogOnDomainUser] rejects it.
type DomainUser struct {
	Account      logon.Account
	PrimaryGroup sid.SID
	// Groups have the domain's attributes; 0 means disabled. The caller has removed SIDs that only
	// this computer may add.
	Groups, DeviceGroups     []token.Group
	UserClaims, DeviceClaims *claims.Set
}

// LogOnDomainUser returns the logon of a domain's user: the user's own groups, the local groups that contain the
// user or any of them, and the privileges and rights of all. t is the logon type. It returns STATUS_NO_SUCH_USER
// if u has no SID, otherwise the statuses of [logon.Compose]. On a failure the result has no token. On success
// the store remembers the user's name. It does not query the domain, and does not change u.
func (s *Store) LogOnDomainUser(u *DomainUser, t winnt.LogonType) (logon.Result, ntstatus.Status) {
	if u.Account.SID.IsZero() {
		return logon.Result{}, ntstatus.NoSuchUser
	}
	st := s.now.Load()
	// The domain's own groups include the one for the proof of identity, so add no group of this computer (L-82).
	p := logon.Person{Account: u.Account, Claims: u.UserClaims, Remote: true}
	always := append([]sid.SID{sid.Everyone, sid.AuthenticatedUsers, sid.ThisOrganization},
		logon.Groups(t, logon.Unproved, false, false)...)
	ids := append([]sid.SID{u.Account.SID}, always...)
	groups := make([]token.Group, 0, len(u.Groups))
	other := false
	for _, g := range u.Groups {
		if slices.Contains(always, g.SID) || g.SID == u.Account.SID {
			continue // Compose adds these SIDs to every logon
		}
		other = other || g.SID.Authority() == 5 && g.SID.SubAuthorities() > 0 && g.SID.Sub(0) == otherOrganization
		groups = append(groups, g)
		// A group that is disabled or for deny only adds no local group and no right (K-30).
		if countsForLocalGroups(g) {
			ids = append(ids, g.SID)
		}
	}
	if other {
		// A user of another organization joins no local group through ThisOrganization (K-32).
		ids = slices.DeleteFunc(ids, func(id sid.SID) bool { return id == sid.ThisOrganization })
	}
	p.Groups = st.containingGroups(ids)
	for _, of := range [][]sid.SID{ids, p.Groups} {
		for _, id := range of {
			grant := st.grants[id]
			p.Privileges |= grant.Privileges
			p.Rights |= grant.Rights
		}
	}
	out, status := logon.Compose(p, t, groups...)
	if status != ntstatus.Success {
		return logon.Result{Account: u.Account, Reason: status}, status
	}
	s.rememberDomainUser(u.Account)
	for _, spec := range []*token.Spec{&out.Token, out.Linked} {
		if spec == nil {
			continue
		}
		if other {
			// A user of another organization does not have ThisOrganization, in the full token
			// neither (K-32).
			spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool { return g.SID == sid.ThisOrganization })
		}
		// The domain sets the primary group and the attributes of groups (K-31).
		spec.PrimaryGroup, spec.DeviceClaims = u.PrimaryGroup, u.DeviceClaims
		spec.DeviceGroups = u.DeviceGroups // a group with attributes 0 is disabled, as in a ticket
	}
	return out, ntstatus.Success
}

// otherOrganization is the first subauthority of S-1-5-1000 and the SIDs below it.
const otherOrganization = 1000

// countsForLocalGroups reports whether membership in a domain's group g brings the local groups and rights that name g:
// g must be enabled or mandatory, and not for deny only.
func countsForLocalGroups(g token.Group) bool {
	return g.Attributes&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_MANDATORY) != 0 &&
		g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
}

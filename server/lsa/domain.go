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

// DomainUser is a user of a domain, as its directory or its KDC vouches for. The
// zero value has no user and gets no token.
type DomainUser struct {
	Account      logon.Account
	PrimaryGroup sid.SID
	// Groups have attributes as the domain gives them, where 0 says disabled. SIDs
	// that only this computer gives were dropped from them.
	Groups, DeviceGroups     []token.Group
	UserClaims, DeviceClaims *claims.Set
}

// LogOnDomainUser returns what the token of a domain's user is made of: its own groups,
// the local groups that any of them is in, and the rights of all. The statuses are
// those of [logon.Compose].
func (s *Store) LogOnDomainUser(u *DomainUser, t winnt.LogonType) (logon.Result, ntstatus.Status) {
	if u.Account.SID.IsZero() {
		return logon.Result{}, ntstatus.NoSuchUser
	}
	st := s.now.Load()
	p := logon.Person{Account: u.Account, Claims: u.UserClaims, Remote: true}
	always := []sid.SID{sid.Everyone, sid.AuthenticatedUsers, logon.TypeSID(t), sid.ThisOrganization}
	ids := append([]sid.SID{u.Account.SID}, always...)
	groups := make([]token.Group, 0, len(u.Groups))
	other := false
	for _, g := range u.Groups {
		if slices.Contains(always, g.SID) || g.SID == u.Account.SID {
			continue // every logon has these, once
		}
		other = other || g.SID.Authority() == 5 && g.SID.SubAuthorities() > 0 && g.SID.Sub(0) == otherOrganization
		groups = append(groups, g)
		// A group that is disabled or for deny only brings no local group and no right. K-30
		if brings(g) {
			ids = append(ids, g.SID)
		}
	}
	if other {
		// Who comes from another organization is in no local group as one of this one, either (K-32).
		ids = slices.DeleteFunc(ids, func(id sid.SID) bool { return id == sid.ThisOrganization })
	}
	p.Groups = st.beyond(ids)
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
	s.greet(u.Account)
	for _, spec := range []*token.Spec{&out.Token, out.Linked} {
		if spec == nil {
			continue
		}
		if other {
			// Who comes from another organization is not of this one, nor is the full token (K-32).
			spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool { return g.SID == sid.ThisOrganization })
		}
		// The primary group is the domain's, and so are the attributes of groups. K-31
		spec.PrimaryGroup, spec.DeviceClaims = u.PrimaryGroup, u.DeviceClaims
		spec.DeviceGroups = token.AsGiven(u.DeviceGroups)
	}
	return out, ntstatus.Success
}

// otherOrganization is the first part of S-1-5-1000 and what is below it.
const otherOrganization = 1000

// brings reports whether a group counts for what it is in.
func brings(g token.Group) bool {
	return g.Attributes&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_MANDATORY) != 0 &&
		g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
}

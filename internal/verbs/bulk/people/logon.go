package people

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Relative identifiers of accounts of every domain.
const (
	guestRID       = 501
	domainUsersRID = 513
	guestsRID      = 514
)

// token makes what a network logon of a user gives on a member of the domain:
// besides its groups, Everyone, Network, Authenticated Users, This
// Organization, Users and the primary group of its domain. A guest is in none
// of these but Everyone and Network, and in Guests. Members of Administrators
// get the full token, at High and with their privileges enabled.
func (r *roster) token(u *userFile, seen []bool) (*token.Token, error) {
	who, err := sid.Resolve(u.SID, r.dir.Domain)
	if err != nil {
		return nil, fmt.Errorf("sid: %w", err)
	}
	var a account
	if err := r.members(&a, u.MemberOf); err != nil {
		return nil, err
	}
	home := !r.dir.Domain.IsZero() && who.Prefix() == r.dir.Domain
	usual := []sid.SID{sid.Everyone, sid.Network}
	switch {
	case home && who.RID() == guestRID:
		a.addUnlisted(r, r.dir.Domain.WithRID(guestsRID))
		usual = append(usual, sid.Guests)
	default:
		switch p := r.primary(u); {
		case u.Primary != "" && p.IsZero():
			return nil, fmt.Errorf("primaryGroup: %q is neither a group of this file nor a SID", u.Primary)
		case !p.IsZero():
			a.addUnlisted(r, p)
		case home: // memberOf of a directory leaves the primary group out
			a.addUnlisted(r, r.dir.Domain.WithRID(domainUsersRID))
		}
		usual = append(usual, sid.AuthenticatedUsers, sid.ThisOrganization)
		a.addUnlisted(r, sid.Users)
	}
	r.posix(&a, who, u)
	groups, err := r.closure(&a, seen)
	if err != nil {
		return nil, err
	}
	spec := token.StandardUser(who)
	if slices.Contains(groups, sid.Administrators) {
		spec = administrator(who)
	}
	spec.Groups = nil
	for _, s := range append(groups, usual...) {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	if spec.UserClaims, err = parseClaims(u.Claims); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return token.New(spec)
}

// primary returns the primary group that the file gives a user; zero for none, and for
// one that is not known.
func (r *roster) primary(u *userFile) sid.SID {
	if g, ok := r.byName[strings.ToLower(u.Primary)]; ok {
		return r.groups[g].sid
	}
	s, err := sid.Resolve(u.Primary, r.dir.Domain)
	if err != nil {
		return sid.SID{}
	}
	return s
}

// administrator returns the profile of a member of Administrators.
func administrator(who sid.SID) token.Spec {
	spec := token.Administrator(who)
	spec.EnabledPrivileges = spec.Privileges
	spec.Owner = sid.SID{}
	return spec
}

// addUnlisted makes the account a member of a group, listed or not.
func (a *account) addUnlisted(r *roster, s sid.SID) {
	if g, ok := r.bySID[s]; ok {
		a.parent = append(a.parent, g)
		return
	}
	a.direct = append(a.direct, s)
}

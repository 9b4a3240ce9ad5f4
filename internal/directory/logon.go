package directory

import (
	"errors"
	"slices"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Relative identifiers of accounts of every domain.
const (
	GuestRID       = 501
	DomainUsersRID = 513 // the primary group of users
	guestsRID      = 514
	controllersRID = 516 // Domain Controllers
)

// newToken returns the token of user u's logon at a domain member, of the kind a.Logon. It has u's groups and claims
// and:
//   - Everyone, Authenticated Users, This Organization, Users and the SIDs of the logon kind
//   - u's primary group, by default Domain Users for a user of the domain; it is the token's primary group, too
//   - the SIDs of a known uid and gid
//   - Enterprise Domain Controllers, for a domain controller
//
// The domain's guest has Guests and Domain Guests in place of Authenticated Users, This Organization, Users and the
// primary group. Of the logon kind's SIDs the guest has only the type. Members of Administrators get high integrity
// and enabled privileges. Only a network logon of an account of the computer is limited. A user without a SID, or
// with too many groups for a token, is an error.
func (w *resolver) newToken(a *Accounts, u *User) (*token.Token, error) {
	if u.SID.IsZero() {
		return nil, errors.New("the user has no SID")
	}
	t, domain := w.table, a.Domain
	// Accounts of the computer are those directly below its SID (D-37).
	local := !a.Computer.IsZero() && u.SID.Prefix() == a.Computer
	// No KDC has the local accounts of a computer, or a uid that is mapped to no domain account (L-83).
	typ, proof := a.Logon.Parts(!local && u.SID.Prefix() != UnixUsers)
	var n node
	for _, s := range u.MemberOf {
		t.join(&n, s)
	}
	home := !domain.IsZero() && u.SID.Prefix() == domain
	var primary sid.SID
	usual := []sid.SID{sid.Everyone}
	if home && u.SID.RID() == GuestRID {
		proof = logon.Unproved // a guest proves no identity (D-38)
		t.join(&n, domain.WithRID(guestsRID))
		usual = append(usual, sid.Guests)
	} else {
		if primary = primaryGroup(u.SID, u.Primary, domain); !primary.IsZero() {
			t.join(&n, primary) // memberOf of a directory leaves it out
		}
		usual = append(usual, sid.AuthenticatedUsers, sid.ThisOrganization)
		t.join(&n, sid.Users)
	}
	// A server with POSIX accounts matches the SID of the uid, and the primary group by its gid (B-1).
	if s := u.UID.sid(UnixUsers); u.UID.Known && s != u.SID {
		n.unlisted = append(n.unlisted, s)
	}
	if u.GID.Known {
		t.join(&n, u.GID.sid(UnixGroups))
	}
	groups, err := w.groupsOf(&n)
	if err != nil {
		return nil, err
	}
	if !domain.IsZero() && slices.Contains(groups, domain.WithRID(controllersRID)) &&
		!slices.Contains(groups, sid.EnterpriseDCs) {
		usual = append(usual, sid.EnterpriseDCs) // no directory lists this group (B-52)
	}
	spec := token.StandardUser(u.SID)
	if slices.Contains(groups, sid.Administrators) {
		spec = newAdministrator(u.SID)
	}
	spec.Groups = make([]token.Group, 0, len(groups)+len(usual)+6)
	for _, s := range append(groups, usual...) {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	// By default the first group would be the primary one (T-130).
	if slices.Contains(groups, primary) {
		spec.PrimaryGroup = primary
	}
	spec.UserClaims = u.Claims
	logon.Add(&spec, typ, proof, local) // the token says how the user logged on (D-36)
	if local && typ == winnt.LOGON32_LOGON_NETWORK && slices.Contains(groups, sid.Administrators) {
		// A local administrator who logs on over the network is limited (L-7).
		spec = logon.Limit(spec)
	}
	return token.New(spec)
}

// newAdministrator returns the token template for a member of Administrators.
func newAdministrator(who sid.SID) token.Spec {
	spec := token.Administrator(who)
	spec.EnabledPrivileges = spec.Privileges
	spec.Owner = sid.SID{}
	return spec
}

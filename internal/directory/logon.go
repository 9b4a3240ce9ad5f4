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

// membership is what the token of a user's logon depends on: direct groups and the kind of logon.
type membership struct {
	node
	usual   []sid.SID // groups of every such logon
	primary sid.SID   // zero: none
	alias   sid.SID   // of the uid, among the unlisted groups; zero: none
	typ     winnt.LogonType
	proof   logon.Proof
	local   bool // an account of the computer

	standard token.Spec // of an ordinary user, with other groups
}

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
// with too many groups for a token, is an error. Tokens with equal groups share memory through shared.
func (w *resolver) newToken(a *Accounts, u *User, shared *sharing) (*token.Token, *groupClass, error) {
	if u.SID.IsZero() {
		return nil, nil, errors.New("the user has no SID")
	}
	m := w.table.membershipOf(a, u)
	key := m.key()
	class, known := shared.find(key)
	if !known {
		spec, err := w.newSpec(a.Domain, u, m)
		if err == nil {
			return shared.add(key, u, m, spec)
		}
		shared.remember(key, &groupClass{err: err}) // of all users with these groups (D-40)
		return nil, nil, err
	}
	if class.err != nil {
		return nil, nil, class.err
	}
	if t := class.tokenOf(u, m); t != nil {
		return t, class, nil
	}
	spec, err := w.newSpec(a.Domain, u, m)
	if err != nil {
		return nil, nil, err
	}
	return shared.add("", u, m, spec)
}

// membershipOf returns the direct groups and the kind of logon of a user.
func (t *groupTable) membershipOf(a *Accounts, u *User) *membership {
	m, domain := &membership{standard: token.StandardUser(u.SID)}, a.Domain
	// Accounts of the computer are those directly below its SID (D-37).
	m.local = !a.Computer.IsZero() && u.SID.Prefix() == a.Computer
	// No KDC has the local accounts of a computer, or a uid that is mapped to no domain account (L-83).
	m.typ, m.proof = a.Logon.Parts(!m.local && u.SID.Prefix() != UnixUsers)
	for _, s := range u.MemberOf {
		t.join(&m.node, s)
	}
	home := !domain.IsZero() && u.SID.Prefix() == domain
	m.usual = []sid.SID{sid.Everyone}
	if home && u.SID.RID() == GuestRID {
		m.proof = logon.Unproved // a guest proves no identity (D-38)
		t.join(&m.node, domain.WithRID(guestsRID))
		m.usual = append(m.usual, sid.Guests)
	} else {
		if m.primary = primaryGroup(u.SID, u.Primary, domain); !m.primary.IsZero() {
			t.join(&m.node, m.primary) // memberOf of a directory leaves it out
		}
		m.usual = append(m.usual, sid.AuthenticatedUsers, sid.ThisOrganization)
		t.join(&m.node, sid.Users)
	}
	// A server with POSIX accounts matches the SID of the uid, and the primary group by its gid (B-1).
	if s := u.UID.sid(UnixUsers); u.UID.Known && s != u.SID {
		m.alias = s
		m.unlisted = append(m.unlisted, s)
	}
	if u.GID.Known {
		t.join(&m.node, u.GID.sid(UnixGroups))
	}
	return m
}

// newSpec returns the token of a user as a Spec. It fails with ErrTooManyGroups.
func (w *resolver) newSpec(domain sid.SID, u *User, m *membership) (token.Spec, error) {
	groups, err := w.groupsOf(&m.node)
	if err != nil {
		return token.Spec{}, err
	}
	usual := m.usual
	if !domain.IsZero() && slices.Contains(groups, domain.WithRID(controllersRID)) &&
		!slices.Contains(groups, sid.EnterpriseDCs) {
		usual = append(usual, sid.EnterpriseDCs) // no directory lists this group (B-52)
	}
	administrator := slices.Contains(groups, sid.Administrators)
	spec := m.standard
	if administrator {
		spec = newAdministrator(u.SID)
	}
	spec.Groups = make([]token.Group, 0, len(groups)+len(usual)+6)
	for _, list := range [][]sid.SID{groups, usual} {
		for _, s := range list {
			spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
		}
	}
	// By default the first group would be the primary one (T-130).
	if slices.Contains(groups, m.primary) {
		spec.PrimaryGroup = m.primary
	}
	spec.UserClaims = u.Claims
	logon.Add(&spec, m.typ, m.proof, m.local) // the token says how the user logged on (D-36)
	if m.local && m.typ == winnt.LOGON32_LOGON_NETWORK && administrator {
		// A local administrator who logs on over the network is limited (L-7).
		spec = logon.Limit(spec)
	}
	return spec, nil
}

// newAdministrator returns the token template for a member of Administrators.
func newAdministrator(who sid.SID) token.Spec {
	spec := token.Administrator(who)
	spec.EnabledPrivileges = spec.Privileges
	spec.Owner = sid.SID{}
	return spec
}

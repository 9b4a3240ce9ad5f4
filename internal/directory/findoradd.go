package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// FindOrAdd returns the index in Principals of an account by name: a user or group of the directory, DOMAIN\name, a
// user principal name, name@realm, a well-known name or a SID. It adds a principal if the directory has none with that
// SID. note describes an assumption, such as an ignored domain name; it is "" without one. A disabled user, an unknown
// name and a name of another domain are errors, with index -1. A user of the directory comes first. On an error nothing
// is added.
func (d *Directory) FindOrAdd(who string) (index int, note string, err error) {
	if i := d.Find(who); i >= 0 {
		return i, "", nil
	}
	name, domain := who, ""
	if before, after, ok := strings.Cut(who, `\`); ok {
		domain, name = before, after
	} else if before, after, ok := strings.Cut(who, "@"); ok {
		name, domain = before, after
	}
	if domain != "" && !builtinDomain(domain) {
		known, err := d.checkDomain(who, domain)
		if err != nil {
			return -1, "", err
		}
		switch upn := d.byUPN(who); {
		case upn != "":
			name = upn
		case !known: // (U-110)
			note = fmt.Sprintf("%s is taken for %s of the directory file, which does not tell the name of its domain", who,
				name)
		}
		if i := d.Find(name); i >= 0 {
			return i, note, nil
		}
	}
	s, known := d.lookUpName(who, name, domain)
	meant := func(p Principal) bool { return p.Name == name || known && p.SID() == s }
	isDisabled := !builtinDomain(domain) && slices.ContainsFunc(d.disabled, meant)
	overfull := func(n string) bool {
		return !builtinDomain(domain) && (n == name || !known && !isDisabled && Fold(n) == Fold(name))
	}
	switch {
	case slices.ContainsFunc(d.overfull, overfull) || known && !isDisabled && d.isOverfull(s):
		return -1, "", fmt.Errorf("%q cannot log on: %w", who, ErrTooManyGroups)
	case isDisabled, !known && !builtinDomain(domain) && d.Account(name) != nil:
		// A name or SID means the disabled user, not a group of that name (U-110).
		return -1, "", fmt.Errorf("%q is disabled and cannot log on", who)
	case !known:
		return -1, "", d.newUnknownError(who)
	}
	if i := d.findSID(s); i >= 0 { // an earlier call added it
		return i, note, nil
	}
	index, assumed, err := d.AddStandIn(s)
	if err != nil {
		return -1, "", fmt.Errorf("%q: %w", who, err)
	}
	return index, cmp.Or(note, assumed), nil
}

// AddStandIn adds a principal that stands for the account with a SID and returns its index in Principals. note
// describes the assumption. It does not test whether a user is disabled. A SID that no one logs on with, such as
// CREATOR OWNER, and a user with too many groups are errors, with index -1.
func (d *Directory) AddStandIn(s sid.SID) (index int, note string, err error) {
	if d.isOverfull(s) {
		return -1, "", ErrTooManyGroups
	}
	p, note, err := d.newStandIn(s, d.kind())
	if err != nil {
		return -1, "", err
	}
	d.Add(p)
	return len(d.Principals) - 1, note, nil
}

// isOverfull reports whether a SID is that of a user with too many groups for a token.
func (d *Directory) isOverfull(s sid.SID) bool {
	name := d.users.names[s]
	return name != "" && slices.Contains(d.overfull, name)
}

// byUPN returns the name of the first user with the user principal name who, ignoring case, disabled or not. It returns
// "" if there is none.
func (d *Directory) byUPN(who string) string {
	if d.accounts != nil {
		for i := range d.accounts.Users {
			if u := &d.accounts.Users[i]; u.UPN != "" && strings.EqualFold(u.UPN, who) {
				return u.Name
			}
		}
	}
	return ""
}

// checkDomain returns an error if domain is not the directory's domain (U-110). It accepts the DNS name and the first
// label of the DNS name, the default short name. If who is the user principal name of a user, any domain is accepted.
// If the directory has no DNS name, known is false without an error.
func (d *Directory) checkDomain(who, domain string) (known bool, err error) {
	if d.accounts == nil || d.accounts.Realm == "" {
		return false, nil
	}
	realm := d.accounts.Realm
	short, _, _ := strings.Cut(realm, ".")
	if strings.EqualFold(domain, realm) || strings.EqualFold(domain, short) || d.byUPN(who) != "" {
		return true, nil
	}
	return false, fmt.Errorf("%s: the directory is the domain %s, and no user of it has this user principal name: for an "+
		"account of it give the name without %s", who, realm, domain)
}

// builtinDomain reports whether a name is BUILTIN or NT AUTHORITY, in any case.
func builtinDomain(name string) bool {
	return strings.EqualFold(name, "BUILTIN") || strings.EqualFold(name, "NT AUTHORITY")
}

// lookUpName returns the SID of a group, a well-known name, an alias or a SID in text form. who is the whole text,
// split into name and domain. BUILTIN and NT AUTHORITY have no groups of the directory. The first of several groups
// counts. ok is false for any other text.
func (d *Directory) lookUpName(who, name, domain string) (sid.SID, bool) {
	if !builtinDomain(domain) {
		if g := d.Group(name); len(g) > 0 {
			return g[0], true
		}
	}
	if a, ok := logon.WellKnownName(who); ok {
		return a.SID, true
	}
	// Names of built-in tokens, such as --token guest.
	if strings.EqualFold(who, "guest") {
		return sid.Guests, true
	}
	if strings.EqualFold(who, "anonymous") {
		return sid.Anonymous, true
	}
	s, err := sid.Resolve(who, d.Domain)
	return s, err == nil
}

// Nearest returns the name of the principal, disabled user or group that a misspelled name was most likely meant to be,
// the first in the alphabet of those that are equally near; "" if none is near. It never suggests a stand-in.
// DOMAIN\name and name@realm count as name.
func (d *Directory) Nearest(name string) string {
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, "@")
	names := make([]string, 0, len(d.Principals)+len(d.disabled)+len(d.groups.byName))
	for _, list := range [2][]Principal{d.Principals, d.disabled} {
		for i := range list {
			if !list[i].standIn {
				names = append(names, list[i].Name)
			}
		}
	}
	for _, g := range d.groups.byName {
		names = append(names, d.Name(g[0]))
	}
	slices.Sort(names)
	return words.Nearest(name, names)
}

// newUnknownError returns the error for an unknown name who. It suggests the nearest account, if there is one.
func (d *Directory) newUnknownError(who string) error {
	if near := d.Nearest(who); near != "" {
		return fmt.Errorf("%q is not a user or group of the directory: did you mean %s?", who, near)
	}
	return fmt.Errorf("%q is not a user or group of the directory, a well-known name or a SID", who)
}

// accounts maps well-known accounts to the tokens of their logons, which do not belong to a domain.
var accounts = map[sid.SID]func() token.Spec{
	sid.LocalSystem: token.LocalSystem, sid.LocalService: token.LocalService,
	sid.NetworkService: token.NetworkService, sid.Anonymous: func() token.Spec { return token.Anonymous(true) },
	// Everyone and guests alone are Low (Windows Integrity Mechanism Design).
	sid.Everyone: func() token.Spec { return newLowSpec(sid.Everyone) },
	sid.Guests:   func() token.Spec { return newLowSpec(sid.Guests, sid.Everyone) },
}

// newLowSpec returns the template of a token at low integrity whose groups are exactly the given ones, without
// Authenticated Users.
func newLowSpec(user sid.SID, groups ...sid.SID) token.Spec {
	s := token.NetworkUser(user)
	s.Groups, s.Integrity = nil, sid.LowLevel
	for _, g := range groups {
		s.Groups = append(s.Groups, token.Group{SID: g, Attributes: token.GroupDefault})
	}
	return s
}

// StandIn returns a principal for the SID of an account that no principal has: a disabled user with its own token, or
// one as FindOrAdd adds it. It does not add the principal. A SID that no one logs on with is an error.
func (d *Directory) StandIn(s sid.SID) (p Principal, disabled bool, err error) {
	for i := range d.disabled {
		if d.disabled[i].SID() == s {
			return d.disabled[i], true, nil
		}
	}
	p, _, err = d.newStandIn(s, d.kind())
	return p, false, err
}

// newStandIn returns a principal for an account that is not a user of the directory. After an error p is not usable.
// By SID:
//   - a well-known account: its built-in token
//   - any other SID: a user's token with that SID and the groups of the logon kind (U-109), and note says so
//   - the NULL SID, CREATOR OWNER and integrity levels: an error
func (d *Directory) newStandIn(s sid.SID, kind logon.Kind) (p Principal, note string, err error) {
	p.Name, p.standIn = d.Name(s), true
	switch s.Authority() {
	case 0, 3, 16: // NULL SID, CREATOR OWNER and the like, integrity levels
		return p, "", fmt.Errorf("no one logs on as %s", p.Name)
	}
	typ, proof := kind.Parts(s.Prefix() != UnixUsers)
	if account, ok := accounts[s]; ok {
		spec := account()
		// The tokens of the other accounts come from no logon. Everyone and Guests log on without proof of identity (D-38).
		if s == sid.Everyone || s == sid.Guests {
			logon.Add(&spec, typ, logon.Unproved, false)
		}
		p.Token, err = token.New(spec)
		return p, "", err
	}
	spec := token.NetworkUser(s)
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool { return g.SID == sid.Network })
	logon.Add(&spec, typ, proof, false) // D-36
	if p.Token, err = token.New(spec); err != nil {
		return p, "", err
	}
	groups := []sid.SID{s}
	if !d.Domain.IsZero() && s.Prefix() == d.Domain {
		groups = append(groups, d.Domain.WithRID(DomainUsersRID))
	}
	for _, g := range groups {
		if p.Token, err = d.Join(p.Token, g); err != nil {
			return p, "", err
		}
	}
	note = p.Name + " is a group: the answer is for a member of it and of the groups that contain it, and of no other"
	if !d.Known(s) {
		note = p.Name + " is not an account of the directory: its groups are unknown"
	}
	return p, note, nil
}

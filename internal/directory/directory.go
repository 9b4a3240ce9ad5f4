package directory

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Principal is an account that can request access: its name and token.
type Principal struct {
	Name  string
	Token *token.Token
	Group sid.SID // of its gid, S-1-22-2-gid; zero: none is known

	// A share sets these. Token is then the token for the file check, and Who is the account that logged on.
	Who      sid.SID          // zero: the user of Token
	Withheld winnt.AccessMask // rights that it has on no file
	Root     bool             // grants all rights except Withheld, without a check of the file

	standIn bool // FindOrAdd made it, for an account that is not a user of the directory
}

// SID returns the SID of the account that logged on: Who, or the user of Token if Who is zero. Token must then not be
// nil.
func (p *Principal) SID() sid.SID {
	if p.Who.IsZero() {
		return p.Token.User().SID
	}
	return p.Who
}

// Directory holds principals and the names of accounts. New returns one. It is immutable except for Add and the
// fields that Clone makes safe to change.
type Directory struct {
	Domain     sid.SID // relative aliases in descriptors count from it; may be zero
	Principals []Principal
	Disabled   int // number of disabled users, who are not principals
	disabled   []Principal
	overfull   []string // names of users in more groups than a token holds, who are not principals (D-40)

	accounts *Accounts      // nil where Update did not make the directory
	tokens   []*token.Token // of accounts.Users
	users    userTable
	groups   groupTable
}

// LeftOut returns an error with the number of users whom the directory leaves out, because they are in more groups than
// a token holds, and the name of the first (D-40). It returns nil if it has all users.
func (d *Directory) LeftOut() error {
	if len(d.overfull) == 0 {
		return nil
	}
	return fmt.Errorf("%d of the users are left out, because nobody can log on as a %w: the first is %q",
		len(d.overfull), ErrTooManyGroups, d.overfull[0])
}

// Account returns the user with exactly this name, or else the only one whose name differs from it in case alone. It
// returns nil for no user and for several. It also finds disabled users and principals that Add appended, but no
// stand-ins. The result points into d.
func (d *Directory) Account(name string) *Principal {
	found, several := d.Named(name)
	if several {
		return nil
	}
	return found
}

// Named returns the same user as Account, and so no stand-in. If no user has exactly the name, and the names of several
// differ from it in case alone, several is true and the user is one of these.
func (d *Directory) Named(name string) (found *Principal, several bool) {
	for _, list := range [2][]Principal{d.Principals, d.disabled} {
		for i := range list {
			switch p := &list[i]; {
			case p.standIn: // the directory can have another account of this name
			case p.Name == name: // another user's name can differ in case alone (F-104)
				return p, false
			case strings.EqualFold(p.Name, name):
				several = found != nil
				found = p
			}
		}
	}
	return found, several
}

// Group returns the SIDs of the group with a name, ignoring case: its own SID, then the SID of its gid if it has one.
// It returns nil for an unknown name. The slice must not be changed.
func (d *Directory) Group(name string) []sid.SID { return d.groups.byName[Fold(name)] }

// Primary returns the primary group of the user of a token. It returns the zero SID for a user outside the
// directory's domain. A user of the domain without a known one has Domain Users.
func (d *Directory) Primary(t *token.Token) sid.SID {
	return primaryGroup(t.User().SID, d.users.primary[t.User().SID], d.Domain)
}

// primaryGroup returns the primary group of a user: the known one, or without one Domain Users for a user of the
// domain, and the zero SID for any other user.
func primaryGroup(user, known, domain sid.SID) sid.SID {
	if known.IsZero() && !domain.IsZero() && user.Prefix() == domain {
		return domain.WithRID(DomainUsersRID)
	}
	return known
}

// Clone returns a copy of d with its own list of principals, so that Add on one does not change the other. The rest
// is shared and immutable.
func (d *Directory) Clone() *Directory {
	c := *d
	c.Principals = slices.Clone(d.Principals)
	return &c
}

// Name returns the name of an account in the directory, else its well-known name, else the SID as text. An account of
// another domain has no well-known name, because "Domain Admins" would look like the group of this domain.
func (d *Directory) Name(s sid.SID) string {
	if n, ok := d.account(s); ok {
		return n
	}
	if n := d.wellKnown(s); n != "" {
		return n
	}
	return s.String()
}

// wellKnown returns the well-known name of a SID, "" without one. A fixed RID has a name only in the directory's
// domain, or in any domain if that is unknown.
func (d *Directory) wellKnown(s sid.SID) string {
	ofDomain := s.Authority() == 5 && s.SubAuthorities() == 5 && s.Sub(0) == 21 && s.Sub(1)|s.Sub(2)|s.Sub(3) != 0
	if ofDomain && !d.Domain.IsZero() && s.Prefix() != d.Domain {
		return ""
	}
	return sid.Name(s)
}

// account returns the name of a user or group of the directory; ok is false for other SIDs.
func (d *Directory) account(s sid.SID) (name string, ok bool) {
	if name, ok = d.users.names[s]; !ok {
		name, ok = d.groups.names[s]
	}
	return name, ok
}

// Listed reports whether a user or group of the directory has the SID, disabled users included.
func (d *Directory) Listed(s sid.SID) bool {
	_, ok := d.account(s)
	return ok
}

// Known reports whether the directory has an account with the SID, or the SID has a well-known name (see Name).
func (d *Directory) Known(s sid.SID) bool {
	_, ok := d.account(s)
	return ok || d.wellKnown(s) != ""
}

// Find returns the index of a principal in Principals, or -1. It first compares names exactly, then ignoring case if
// only one name matches so. Otherwise it reads who as a SID or an alias. It does not find disabled users, and stand-ins
// only by SID. A SID that several principals have gives the first.
func (d *Directory) Find(who string) int {
	found, others := -1, 0
	for i := range d.Principals {
		switch name := d.Principals[i].Name; {
		case d.Principals[i].standIn: // the directory can have another account of this name
		case name == who:
			return i
		case strings.EqualFold(name, who):
			found = i
			others++
		}
	}
	if others == 1 {
		return found
	}
	if s, err := sid.Resolve(who, d.Domain); err == nil {
		return d.findSID(s)
	}
	return -1
}

// findSID returns the index of the first principal with a SID, or -1.
func (d *Directory) findSID(s sid.SID) int {
	return slices.IndexFunc(d.Principals, func(p Principal) bool { return p.SID() == s })
}

// Add appends a principal that is not a user of the directory, such as one from a token file. It does not check the
// name.
func (d *Directory) Add(p Principal) {
	d.Principals = append(d.Principals, p)
}

// Tokens returns the tokens of the principals, in the same order. The caller owns the slice; disabled users are not
// in it.
func (d *Directory) Tokens() []*token.Token {
	out := make([]*token.Token, len(d.Principals))
	for i := range d.Principals {
		out[i] = d.Principals[i].Token
	}
	return out
}

// Fingerprint returns a 64-bit hash of the domain and of the name, token and share rights of each principal. It does
// not cover Principal.Group, the directory's groups or disabled users.
func (d *Directory) Fingerprint() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, d.Domain)
	for i := range d.Principals {
		p := &d.Principals[i]
		fmt.Fprintf(h, "%q%x %v %t %v", p.Name, effective.Fingerprint(p.Token), p.Withheld, p.Root, p.SID())
	}
	return h.Sum64()
}

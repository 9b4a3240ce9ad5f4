package people

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

// A Principal can ask for access.
type Principal struct {
	Name  string
	Token *token.Token
	Group sid.SID // of its gid, S-1-22-2-gid; zero: none is known

	// What a share makes of it, before the files: they are asked by Token, for whom Who logged on.
	Who      sid.SID          // zero: the user of Token
	Withheld winnt.AccessMask // rights that it has on no file
	Root     bool             // files are not asked: it has all rights but those
}

// SID returns the SID of who logged on.
func (p *Principal) SID() sid.SID {
	if p.Who.IsZero() {
		return p.Token.User().SID
	}
	return p.Who
}

// Directory is the principals of a run and the names of accounts. It is
// immutable once read.
type Directory struct {
	Domain     sid.SID // what relative aliases of descriptors count from; may be zero
	Principals []Principal
	Disabled   int                // users left out because their account is disabled
	names      map[sid.SID]string // of users and groups
	disabled   []Principal
	groups     map[string][]sid.SID // by their names in small letters
	roster     *roster              // of the groups; nil: no file was read
	primary    map[sid.SID]sid.SID  // primary groups by user, where they are not Domain Users
	ids        []AccountID
}

// Account returns the user of a name in any case, who may be disabled; nil if no user has it.
func (d *Directory) Account(name string) *Principal {
	for _, list := range [2][]Principal{d.Principals, d.disabled} {
		for i := range list {
			if strings.EqualFold(list[i].Name, name) {
				return &list[i]
			}
		}
	}
	return nil
}

// Group returns the SIDs of a group by its name in any case: its own, then that of its gid.
func (d *Directory) Group(name string) []sid.SID { return d.groups[strings.ToLower(name)] }

// Primary returns the primary group that a logon of the directory's domain has; zero for
// other tokens.
func (d *Directory) Primary(t *token.Token) sid.SID {
	if p, ok := d.primary[t.User().SID]; ok {
		return p
	}
	if s := t.User().SID; !d.Domain.IsZero() && s.Prefix() == d.Domain {
		return d.Domain.WithRID(domainUsersRID)
	}
	return sid.SID{}
}

// Clone returns a directory whose principals may be changed.
func (d *Directory) Clone() *Directory {
	c := *d
	c.Principals = slices.Clone(d.Principals)
	return &c
}

// Name returns the name of an account: the directory's, a well-known one, or the
// SID itself.
func (d *Directory) Name(s sid.SID) string {
	if n, ok := d.names[s]; ok {
		return n
	}
	if n := sid.Name(s); n != "" {
		return n
	}
	return s.String()
}

// Known reports whether an account has a name.
func (d *Directory) Known(s sid.SID) bool {
	_, ok := d.names[s]
	return ok || sid.Name(s) != ""
}

// Find returns the index of a principal by its name, by its name in another case if only one principal has it, or by
// its SID; -1 if no principal has it.
func (d *Directory) Find(who string) int {
	found, others := -1, 0
	for i := range d.Principals {
		switch name := d.Principals[i].Name; {
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
		for i := range d.Principals {
			if d.Principals[i].SID() == s {
				return i
			}
		}
	}
	return -1
}

// Add adds a principal that is no user of the file, such as a token file.
func (d *Directory) Add(p Principal) {
	d.Principals = append(d.Principals, p)
}

// Tokens returns the tokens of the principals, in their order.
func (d *Directory) Tokens() []*token.Token {
	out := make([]*token.Token, len(d.Principals))
	for i := range d.Principals {
		out[i] = d.Principals[i].Token
	}
	return out
}

// Fingerprint names the state of the directory: it changes with the principals.
func (d *Directory) Fingerprint() uint64 {
	h := fnv.New64a()
	for i := range d.Principals {
		p := &d.Principals[i]
		fmt.Fprintf(h, "%q%x %v %t", p.Name, effective.Fingerprint(p.Token), p.Withheld, p.Root)
	}
	return h.Sum64()
}

package ldap

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// peopleAttributes are the attributes of a directory file, without claims.
var peopleAttributes = []string{"objectClass", "objectSid", "sAMAccountName", "userAccountControl",
	"primaryGroupID", "sIDHistory", "memberOf", "groupType", "uidNumber", "gidNumber"}

// peopleFilter matches accounts, groups and the domain itself.
const peopleFilter = "(|(objectClass=user)(objectClass=group)(objectClass=domainDNS)" +
	"(objectClass=foreignSecurityPrincipal))"

// People holds the accounts of a directory. It keeps the entries of the last read, so that the next
// read parses and resolves only changed ones. The zero value has no accounts. One goroutine uses it
// at a time.
type People struct {
	// Unresolved has references that reads could not use, as messages for administrators. A caller that has reported
	// them sets it to nil. Otherwise the next read that changes an account lists all again.
	Unresolved []string

	claims    []claimOf
	place     pac.Place // decides which SIDs the directory may assign
	entries   []*parsed // of the last whole read, in the server's order
	collector *collect.Collector
	accounts  *directory.Accounts
	names     map[string]string // DNs of groups, so that all members share one copy
	rest      []byte            // buffer of same: attributes of the entry that it compares
}

// parsed is an entry of the directory in the form that the next read can reuse. Immutable.
type parsed struct {
	record *collect.Record
	rest   string   // the entry's attributes without memberOf, as appendAttribute encodes them
	notes  []string // for administrators: omissions
	out    bool     // the account is left out
}

// People reads the directory's users, computers and groups with their claims, uids and gids into p.
// It omits groups of BUILTIN, because each computer has its own. After an error the accounts in p
// are unchanged. Use p only with directories that have the same claims, because entries that have
// not changed are not parsed again (D-22).
func (d *Directory) People(ctx context.Context, p *People) error {
	p.claims, p.place = d.claims, d.place()
	return d.with(ctx, func(c *conn) error {
		at, err := d.serverInfo(c)
		if err != nil {
			return err
		}
		return p.Read(func(add func(*goldap.Entry) error) error {
			return c.search(query{base: at.base, below: true, filter: peopleFilter, most: d.cfg.Limits.Entries,
				attributes: append(slices.Clone(peopleAttributes), d.claimAttributes()...)},
				func(e *entry) error {
					// One account in many groups must not end the read: the directory leaves it out (D-40).
					if err := c.complete(e, d.cfg.Limits.Entries); err != nil {
						return err
					}
					return add((*goldap.Entry)(e))
				})
		})
	})
}

// complete reads the rest of attributes that the server returned only in part (range retrieval), and stores all values
// in e under the plain name. More than most values are an error.
func (c *conn) complete(e *entry, most int) error {
	for i := 0; i < len(e.Attributes); i++ {
		name, _, ranged := strings.Cut(e.Attributes[i].Name, ";")
		if !ranged {
			continue
		}
		values, err := c.readRanges(e, name, most)
		if err != nil {
			return err
		}
		e.Attributes = slices.DeleteFunc(e.Attributes, func(a *goldap.EntryAttribute) bool {
			have, _, _ := strings.Cut(a.Name, ";")
			return strings.EqualFold(have, name)
		})
		e.Attributes = append(e.Attributes, &goldap.EntryAttribute{Name: name, ByteValues: values})
		i = -1
	}
	return nil
}

// Read replaces the accounts in p. It calls each once. each must pass every entry to add and return an error of add. If
// each returns an error, Read returns it and leaves the accounts unchanged. It parses and resolves again only entries
// that differ from those of the last read.
func (p *People) Read(each func(add func(*goldap.Entry) error) error) error {
	next := make([]*parsed, 0, len(p.entries))
	var byName map[string]*parsed // entries of the last read; nil while both reads have the same order
	err := each(func(e *goldap.Entry) error {
		var was *parsed
		switch at := len(next); {
		case byName == nil && at < len(p.entries) && p.entries[at].record.DN == e.DN:
			was = p.entries[at]
		default:
			if byName == nil {
				byName = make(map[string]*parsed, len(p.entries))
				for _, x := range p.entries {
					byName[x.record.DN] = x
				}
			}
			was = byName[e.DN]
		}
		// An unchanged entry is not parsed again (D-35).
		if was == nil || !p.same(was, e) {
			var err error
			if was, err = p.parse(e); err != nil {
				return err
			}
		}
		next = append(next, was)
		return nil
	})
	if err != nil {
		return err
	}
	if len(next) != len(p.entries) || !p.renew(next) {
		p.collect(next)
	}
	p.entries = next
	return nil
}

// same reports whether an entry is unchanged since the last read, so that it need not be parsed again: whether e has
// the attributes of was, in the same order. It overwrites p.rest. The values of memberOf may be in several attributes.
func (p *People) same(was *parsed, e *goldap.Entry) bool {
	p.rest = p.rest[:0]
	left := was.record.MemberOf
	for _, a := range e.Attributes {
		if !isMemberOf(a.Name) {
			p.rest = appendAttribute(p.rest, a)
			continue
		}
		for _, v := range a.ByteValues {
			if len(left) == 0 || left[0] != string(v) {
				return false
			}
			left = left[1:]
		}
	}
	return len(left) == 0 && was.rest == string(p.rest)
}

// isMemberOf reports whether an attribute name is memberOf, in any case.
func isMemberOf(name string) bool {
	return len(name) == len("memberOf") && strings.EqualFold(name, "memberOf")
}

// appendAttribute appends an unambiguous encoding of an attribute, for comparing two reads of an entry. Different
// attributes have different encodings.
func appendAttribute(b []byte, a *goldap.EntryAttribute) []byte {
	b = append(append(b, a.Name...), 0)
	for _, v := range a.ByteValues {
		b = binary.AppendUvarint(b, uint64(len(v))+1)
		b = append(b, v...)
	}
	return append(b, 0)
}

// parse converts an entry to a record with its claims. The error for malformed attributes names the entry. Names of
// groups share memory with p. A user with a malformed claim or a SID of another domain is left out. A group has no
// claims.
func (p *People) parse(of *goldap.Entry) (*parsed, error) {
	e := (*entry)(of)
	fields := map[string][]string{"dn": {e.DN}}
	for _, name := range peopleAttributes {
		values, _, _ := e.values(name)
		key := strings.ToLower(name)
		for _, v := range values {
			if name == "memberOf" {
				fields[key] = append(fields[key], p.name(v))
			} else {
				fields[key] = append(fields[key], string(v))
			}
		}
	}
	out := &parsed{}
	// One account with an id that no host has must not end the read: it has no id, as in a lookup (D-34, D-40).
	for _, key := range []string{"uidnumber", "gidnumber"} {
		if v := fields[key]; len(v) > 0 && v[0] != "" {
			if _, ok := collect.ParseNumber(v[0]); !ok {
				out.notes = append(out.notes, fmt.Sprintf("%s has the %s %.20q, which is left out", clip(e.DN), key, v[0]))
				delete(fields, key)
			}
		}
	}
	r, err := ldif.Parse(fields)
	if err != nil {
		return nil, wrong("%s: %v", clip(e.DN), err)
	}
	if len(r.History) > 0 {
		var dropped []pac.Dropped
		r.History, dropped = p.assignable(r.SID, r.History...)
		for _, x := range dropped {
			out.notes = append(out.notes, fmt.Sprintf("%s had the SID %v, which is %s", clip(e.DN), x.SID, x.Why))
		}
	}
	if r.Kind == collect.User {
		if r.Claims, err = e.claims(p.claims); err == nil && !p.place.Domain.IsZero() && r.SID.Prefix() != p.place.Domain {
			err = wrong("the SID %v is not one of the domain", r.SID) // the directory speaks for its own accounts (D-10)
		}
		// A condition with a claim that cannot be read could deny. As in a lookup, nobody is such a user, and the read of
		// the others goes on (D-12, D-40).
		if err != nil {
			out.notes, out.out = append(out.notes, fmt.Sprintf("%s: %v", clip(e.DN), err)), true
		}
	}
	out.record = r
	var rest []byte
	for _, a := range of.Attributes {
		if !isMemberOf(a.Name) {
			rest = appendAttribute(rest, a)
		}
	}
	out.rest = string(rest)
	return out, nil
}

// assignable returns those of the groups of an account that a directory may assign, and the others, by the rules for a
// logon (D-15). For an account of this computer both are empty.
func (p *People) assignable(account sid.SID, groups ...sid.SID) (kept []sid.SID, dropped []pac.Dropped) {
	all := make([]token.Group, len(groups))
	for i, s := range groups {
		all[i].SID = s
	}
	list, dropped, err := p.place.Filter(account, all)
	if err != nil {
		return nil, nil
	}
	for _, g := range list {
		kept = append(kept, g.SID)
	}
	return kept, dropped
}

// name returns a DN as text, shared in memory by all entries that name it.
func (p *People) name(dn []byte) string {
	if known, ok := p.names[string(dn)]; ok {
		return known
	}
	if p.names == nil {
		p.names = map[string]string{}
	}
	s := string(dn)
	p.names[s] = s
	return s
}

// renew updates the accounts without resolving every membership again: it takes over changed entries of the same
// accounts in the same order. It returns false, and changes nothing, if one of them could concern another account, if
// p.Unresolved was not reported, or if there are no accounts yet.
func (p *People) renew(next []*parsed) bool {
	var changes []collect.Change
	for i, x := range next {
		if was := p.entries[i]; was != x {
			if len(x.notes) > 0 || len(p.Unresolved) > 0 { // a complete collection lists all that is left out
				return false
			}
			changes = append(changes, collect.Change{Old: was.record, New: x.record})
		}
	}
	if len(changes) == 0 {
		return p.accounts != nil
	}
	accounts, ok := p.collector.Renew(p.accounts, changes)
	if ok {
		p.accounts, p.Unresolved = accounts, p.collector.Unresolved
	}
	return ok
}

// collect resolves the groups of all entries. It replaces the accounts and the list of unresolved groups.
func (p *People) collect(next []*parsed) {
	p.collector, p.names = &collect.Collector{}, nil
	p.collector.LeaveOut(func(group sid.SID) bool {
		kept, _ := p.assignable(group, group)
		return len(kept) == 0
	})
	for _, x := range next {
		if !x.out {
			p.collector.Put(x.record)
		}
		for _, note := range x.notes {
			p.collector.Report("%s", note)
		}
	}
	p.accounts = p.collector.Accounts()
	p.Unresolved = p.collector.Unresolved // which Accounts completes
}

// Accounts returns the accounts of the last complete read, nil before the first. The caller must not change
// them.
func (p *People) Accounts() *directory.Accounts { return p.accounts }

package ldap

import (
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/sid"
)

// activeDirectory names the ability of a server to compute the groups of an account.
const activeDirectory = "1.2.840.113556.1.4.800"

// securityEnabled is the bit of groupType of groups that are in tokens.
const securityEnabled = 1 << 31

// batch is how many groups are asked for at once.
const batch = 64

// What a server of Active Directory works out of an account.
const (
	computedControl = "msDS-User-Account-Control-Computed"
	computedExpiry  = "msDS-UserPasswordExpiryTimeComputed"
)

var computedAttributes = []string{"tokenGroups", computedControl, computedExpiry}

// groups returns the groups of an account, those that they are in included, and what else
// the server computes. D-16
func (d *Directory) groups(c *conn, p *place, e *entry, primary sid.SID) ([]sid.SID, computed, error) {
	told := computed{control: -1, expiry: -1}
	if !p.computes {
		out, err := d.nested(c, p, e, primary)
		return out, told, err
	}
	var out []sid.SID
	err := c.search(query{base: e.DN, most: 1, attributes: computedAttributes},
		func(e *entry) (err error) {
			if out, err = e.sids("tokenGroups"); err != nil {
				return err
			}
			if told.control, err = e.number(computedControl, -1); err == nil {
				told.expiry, err = e.number(computedExpiry, -1)
			}
			return err
		})
	switch {
	case err != nil:
		return nil, told, err
	case len(out) == 0:
		// The primary group is always among them: who asks may not read the list. D-16
		return nil, told, wrong("who asks may not read the account's groups")
	case len(out) > d.cfg.Limits.Groups:
		return nil, told, wrong("the account is in more than %d groups", d.cfg.Limits.Groups)
	}
	return out, told, nil
}

// walk collects groups by their names.
type walk struct {
	c       *conn
	p       *place
	most    int
	seen    map[string]bool
	waiting []string // names, as the server wrote them
	out     []sid.SID
}

// nested collects the groups by memberOf, level by level; a group is asked for once, and
// so a cycle ends. One that cannot be read refuses the account. D-17
func (d *Directory) nested(c *conn, p *place, e *entry, primary sid.SID) ([]sid.SID, error) {
	w := &walk{c: c, p: p, most: d.cfg.Limits.Groups, seen: map[string]bool{}}
	if err := w.parents(e); err != nil {
		return nil, err
	}
	found := false
	err := c.search(query{base: p.base, below: true, filter: "(objectSid=" + escapeBytes(primary.AppendBinary(nil)) + ")",
		attributes: groupAttributes, most: 1}, func(e *entry) error {
		found = true
		return w.group(e)
	})
	if err == nil && !found {
		err = wrong("the primary group is not in the directory")
	}
	for err == nil && len(w.waiting) > 0 {
		n := min(batch, len(w.waiting))
		next := w.waiting[:n]
		w.waiting = w.waiting[n:]
		err = w.read(next)
	}
	return w.out, err
}

var groupAttributes = []string{"objectSid", "groupType", "sIDHistory", "memberOf"}

// read reads groups by their names: all of them, or none counts.
func (w *walk) read(names []string) error {
	var filter strings.Builder
	filter.WriteString("(|")
	asked := map[string]bool{}
	for _, n := range names {
		filter.WriteString("(distinguishedName=" + goldap.EscapeFilter(n) + ")")
		k, err := key(n)
		if err != nil {
			return wrong("a group's name cannot be read")
		}
		asked[k] = true
	}
	filter.WriteString(")")
	err := w.c.search(query{base: w.p.base, below: true, filter: filter.String(), attributes: groupAttributes,
		most: len(names)}, func(e *entry) error {
		k, err := key(e.DN)
		if err != nil || !asked[k] {
			return errOther
		}
		delete(asked, k)
		return w.group(e)
	})
	if err == nil && len(asked) > 0 {
		// A group that is not seen could be the one that a deny entry names. D-17
		err = wrong("%d groups of the account cannot be read", len(asked))
	}
	return err
}

// group takes a group of a token; one of mail does not count, and what it is in does not reach its
// members. D-18
func (w *walk) group(e *entry) error {
	k, err := key(e.DN)
	if err != nil {
		return errOther
	}
	w.seen[k] = true
	kind, err := e.number("groupType", 0)
	if err != nil {
		return err
	}
	if kind&securityEnabled == 0 {
		return nil
	}
	for _, name := range []string{"objectSid", "sIDHistory"} {
		ids, err := e.sids(name)
		if err != nil {
			return err
		}
		if name == "objectSid" && len(ids) != 1 {
			return wrong("a group without a SID")
		}
		w.out = append(w.out, ids...)
	}
	return w.parents(e)
}

// parents notes the groups that an entry is in.
func (w *walk) parents(e *entry) error {
	values, err := w.c.ranged(e, "memberOf", w.most)
	if err != nil {
		return err
	}
	for _, v := range values {
		k, err := key(string(v))
		if err != nil {
			return wrong("a group's name cannot be read")
		}
		if w.seen[k] {
			continue
		}
		w.seen[k] = true
		if len(w.seen) > w.most {
			// More groups than any token holds: the rest is not guessed. D-17
			return wrong("the account is in more than %d groups", w.most)
		}
		w.waiting = append(w.waiting, string(v))
	}
	return nil
}

// ranged returns all values of an attribute, asking for those that the server kept back.
func (c *conn) ranged(e *entry, name string, most int) ([][]byte, error) {
	values, to, all := e.values(name)
	for !all {
		if len(values) > most {
			return nil, wrong("%s has more than %d values", name, most)
		}
		from, err := after(to)
		if err != nil {
			return nil, err
		}
		had := len(values)
		err = c.search(query{base: e.DN, most: 1, attributes: []string{name + ";range=" + from + "-*"}},
			func(e *entry) error {
				var more [][]byte
				more, to, all = e.values(name)
				values = append(values, more...)
				return nil
			})
		if err != nil {
			return nil, err
		}
		if len(values) == had {
			return nil, wrong("%s is not told whole", name)
		}
	}
	return values, nil
}

// escapeBytes writes a value for a filter, each byte by its digits.
func escapeBytes(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 3*len(b))
	for _, c := range b {
		out = append(out, '\\', digits[c>>4], digits[c&15])
	}
	return string(out)
}

package ldap

import (
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// activeDirectory is the capability of a server that computes an account's groups.
const activeDirectory = "1.2.840.113556.1.4.800"

// securityEnabled is the bit of groupType for groups that tokens contain.
const securityEnabled = 1 << 31

// batch is how many groups one request reads.
const batch = 64

// Attributes that an Active Directory server computes.
const (
	computedControl = "msDS-User-Account-Control-Computed"
	computedExpiry  = "msDS-UserPasswordExpiryTimeComputed"
)

var computedAttributes = []string{"tokenGroups", computedControl, computedExpiry}

// groups returns the SIDs of an account's groups, nested ones included, and the other computed attributes. Those are
// -1 on a server that is not Active Directory (D-16). An empty list, and more groups than the limit, are errors.
func (d *Directory) groups(c *conn, p *serverInfo, e *entry, primary sid.SID) ([]sid.SID, computed, error) {
	values := computed{control: -1, expiry: -1}
	if !p.computes {
		out, err := d.nested(c, p, e, primary)
		return out, values, err
	}
	var out []sid.SID
	err := c.search(query{base: e.DN, most: 1, attributes: computedAttributes},
		func(e *entry) (err error) {
			if out, err = e.sids("tokenGroups"); err != nil {
				return err
			}
			if values.control, err = e.number(computedControl, -1); err == nil {
				values.expiry, err = e.number(computedExpiry, -1)
			}
			return err
		})
	switch {
	case err != nil:
		return nil, values, err
	case len(out) == 0:
		// The list always contains the primary group, so an empty list means that the client may
		// not read it (D-16).
		return nil, values, wrong("the requester may not read the account's groups")
	case len(out) > d.cfg.Limits.Groups:
		return nil, values, wrong("the account is in more than %d groups", d.cfg.Limits.Groups)
	}
	return out, values, nil
}

// walk resolves nested groups: it reads the groups above an account by their DNs, each once.
type walk struct {
	c      *conn
	p      *serverInfo
	most   int
	groups directory.Nesting[string] // keys of their DNs
	names  map[string]string         // DNs as the server wrote them, by key
	out    []sid.SID
}

// nested returns the SIDs of an account's groups, including nested groups and SID histories. SIDs may repeat. With an
// error the result has the SIDs found so far. An unreadable group (D-17), an invisible primary group and more groups
// than the limit are errors.
func (d *Directory) nested(c *conn, p *serverInfo, e *entry, primary sid.SID) ([]sid.SID, error) {
	most := d.cfg.Limits.Groups
	w := &walk{c: c, p: p, most: most, groups: directory.Nesting[string]{Most: most}, names: map[string]string{}}
	if err := w.parents(e); err != nil {
		return nil, err
	}
	found := false
	err := c.search(query{base: p.base, below: true, filter: "(objectSid=" + escapeBytes(primary.AppendBinary(nil)) + ")",
		attributes: groupAttributes, most: 1}, func(e *entry) error {
		found = true
		k, err := key(e.DN)
		if err != nil {
			return errOther
		}
		w.groups.Skip(k)
		return w.group(e)
	})
	if err == nil && !found {
		err = wrong("the primary group is not in the directory")
	}
	for level := w.groups.Next(batch); err == nil && len(level) > 0; level = w.groups.Next(batch) {
		err = w.read(level)
	}
	return w.out, err
}

var groupAttributes = []string{"objectSid", "groupType", "sIDHistory", "memberOf"}

// read reads one batch of groups, by the keys of their DNs, and passes each to w.group. A group that is missing or not
// readable is an error (D-17). Another entry than those requested is an error, too.
func (w *walk) read(keys []string) error {
	var filter strings.Builder
	filter.WriteString("(|")
	queried := map[string]bool{}
	for _, k := range keys {
		filter.WriteString("(distinguishedName=" + goldap.EscapeFilter(w.names[k]) + ")")
		queried[k] = true
	}
	filter.WriteString(")")
	err := w.c.search(query{base: w.p.base, below: true, filter: filter.String(), attributes: groupAttributes,
		most: len(keys)}, func(e *entry) error {
		k, err := key(e.DN)
		if err != nil || !queried[k] {
			return errOther
		}
		delete(queried, k)
		return w.group(e)
	})
	if err == nil && len(queried) > 0 {
		// A group that is not visible could be the one that a deny entry names (D-17).
		err = wrong("%d groups of the account cannot be read", len(queried))
	}
	return err
}

// group adds a group to the user's groups, and schedules its parents. It ignores a distribution group together with its
// parents (D-18). A group needs exactly one objectSid; sIDHistory may be absent. A missing groupType counts as 0, a
// distribution group.
func (w *walk) group(e *entry) error {
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

// parents schedules the groups that contain an entry for reading. A malformed name, or more groups than the limit, is
// an error. Known groups are not added again. A group beyond the limit may have been added.
func (w *walk) parents(e *entry) error {
	values, err := w.c.readRanges(e, "memberOf", w.most)
	if err != nil {
		return err
	}
	for _, v := range values {
		k, err := key(string(v))
		if err != nil {
			return wrong("a group's name cannot be read")
		}
		if _, known := w.names[k]; !known {
			w.names[k] = string(v)
		}
		if err := w.groups.Add(k); err != nil {
			// Beyond the limit the rest of the groups would be unknown (D-17).
			return wrong("the account is in more than %d groups", w.most)
		}
	}
	return nil
}

// readRanges returns all values of an attribute, and requests those that the server did not send (range retrieval). An
// absent attribute returns nil. More than most values are an error, unless the first response was complete. A server
// that stops sending values early is an error.
func (c *conn) readRanges(e *entry, name string, most int) ([][]byte, error) {
	values, to, all := e.values(name)
	for !all {
		from, err := nextRange(to)
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
			return nil, wrong("the server returned only a part of %s", name)
		}
		if len(values) > most {
			return nil, wrong("%s has more than %d values", name, most)
		}
	}
	return values, nil
}

// escapeBytes encodes a binary value for a search filter: each byte as hexadecimal digits after a backslash.
func escapeBytes(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 3*len(b))
	for _, c := range b {
		out = append(out, '\\', digits[c>>4], digits[c&15])
	}
	return string(out)
}

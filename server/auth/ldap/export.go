package ldap

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/sid"
)

// peopleAttributes make a directory file, with claims.
var peopleAttributes = []string{"objectClass", "objectSid", "sAMAccountName", "userAccountControl",
	"primaryGroupID", "sIDHistory", "memberOf", "groupType", "uidNumber", "gidNumber"}

// peopleFilter is for accounts, groups and the domain itself.
const peopleFilter = "(|(objectClass=user)(objectClass=group)(objectClass=domainDNS)" +
	"(objectClass=foreignSecurityPrincipal))"

// People adds the users, computers and groups of the directory to a list, with their
// claims, uids and gids. Groups of BUILTIN are each computer's own, and are left out. D-22
func (d *Directory) People(ctx context.Context, list *accounts.List) error {
	list.LeaveOut(isBuiltin)
	return d.with(ctx, func(c *conn) error {
		p, err := d.place(c)
		if err != nil {
			return err
		}
		return c.search(query{base: p.base, below: true, filter: peopleFilter, most: d.cfg.Limits.Entries,
			attributes: append(slices.Clone(peopleAttributes), d.claimAttributes()...)},
			func(e *entry) error { return d.person(c, e, list) })
	})
}

// isBuiltin reports whether a group is one of BUILTIN, S-1-5-32-x.
func isBuiltin(s sid.SID) bool { return s.Authority() == 5 && s.SubAuthorities() > 0 && s.Sub(0) == 32 }

// person adds one entry.
func (d *Directory) person(c *conn, e *entry, list *accounts.List) error {
	fields := map[string][]string{"dn": {e.DN}}
	for _, name := range peopleAttributes {
		values, err := c.ranged(e, name, d.cfg.Limits.Groups)
		if err != nil {
			return err
		}
		for _, v := range values {
			key := strings.ToLower(name)
			fields[key] = append(fields[key], string(v))
		}
	}
	_, own, err := e.claims(d.claims)
	if err != nil {
		return fmt.Errorf("%s: %w", clip(e.DN), err)
	}
	if err := list.Entry(fields, listed(own)); err != nil {
		return wrong("%s: %v", clip(e.DN), err)
	}
	return nil
}

// clip returns a name as far as a message has room for it.
func clip(dn string) string { return fmt.Sprintf("%.120q", dn) }

// objectAttributes make an objects file of a directory.
var objectAttributes = []string{"objectClass", "objectSid", "nTSecurityDescriptor", "msDS-GroupMSAMembership"}

// Parts of a descriptor that a server is asked for (MS-ADTS 3.1.1.3.4.1.11).
const (
	partsRead = 1 | 2 | 4 // owner, group and DACL
	partsAll  = partsRead | 8
)

// Objects writes the descriptors of the directory's objects below a base, "" for all of
// it, as LDIF, which is one of the forms of objects files. With audit the SACLs are asked
// for, too, which needs a right of who asks. It returns how many objects it wrote, and how
// many had no descriptor that who asks may read: those are no objects without a
// descriptor. D-23
func (d *Directory) Objects(ctx context.Context, base string, audit bool, to io.Writer) (n, unread int, err error) {
	out := bufio.NewWriter(to)
	parts := int32(partsRead)
	if audit {
		parts = partsAll
	}
	err = d.with(ctx, func(c *conn) error {
		p, err := d.place(c)
		if err != nil {
			return err
		}
		if base == "" {
			base = p.base
		}
		// A second try begins anew: what was written stands already.
		if n+unread > 0 {
			return wrong("the connection broke after %d objects", n)
		}
		return c.search(query{base: base, below: true, most: d.cfg.Limits.Entries, attributes: objectAttributes,
			controls: []goldap.Control{&goldap.ControlMicrosoftSDFlags{Criticality: true, ControlValue: parts}}},
			func(e *entry) error {
				if values, _, _ := e.values("nTSecurityDescriptor"); len(values) == 0 {
					unread++
					return nil
				}
				n++
				return e.write(out)
			})
	})
	if err == nil {
		err = out.Flush()
	}
	return n, unread, err
}

// write writes an entry as LDIF.
func (e *entry) write(out *bufio.Writer) error {
	line(out, "dn", []byte(e.DN))
	for _, name := range objectAttributes {
		values, _, all := e.values(name)
		if !all || len(values) > 1 && name != "objectClass" {
			return wrong("%s: %s is not told once", clip(e.DN), name)
		}
		for _, v := range values {
			line(out, name, v)
		}
	}
	_, err := out.WriteString("\n")
	return err
}

// line writes one attribute, in base64 unless it is plain text. (Errors stay in out.)
func line(out *bufio.Writer, name string, value []byte) {
	_, _ = out.WriteString(name)
	if plain(value) {
		_, _ = fmt.Fprintf(out, ": %s\n", value)
		return
	}
	_, _ = fmt.Fprintf(out, ":: %s\n", base64.StdEncoding.EncodeToString(value))
}

// plain reports whether LDIF has a value as it is (RFC 2849).
func plain(b []byte) bool {
	if len(b) == 0 || b[0] == ' ' || b[0] == ':' || b[0] == '<' || b[len(b)-1] == ' ' {
		return false
	}
	return !slices.ContainsFunc(b, func(c byte) bool { return c < 0x20 || c >= 0x7f })
}

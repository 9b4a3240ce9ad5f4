package ldap

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// clip quotes a DN for an error message and limits its length.
func clip(dn string) string { return fmt.Sprintf("%.120q", dn) }

// objectAttributes are the attributes of an exported object.
var objectAttributes = []string{"objectClass", "objectSid", "nTSecurityDescriptor", "msDS-GroupMSAMembership"}

// Parts of a descriptor to request (MS-ADTS 3.1.1.3.4.1.11).
const (
	partsRead = 1 | 2 | 4 // owner, group and DACL
	partsAll  = partsRead | 8
)

// errOutput ends a search without breaking its connection.
var errOutput = &Error{"an object could not be written"}

// Objects writes the descriptors of base and its descendants as LDIF, one of the formats of objects files. An empty
// base means the whole directory. With audit it also requests SACLs, for which the client needs a right. n is the
// number of objects written, with one that failed and those in a buffer. unread is the number of objects whose
// descriptor the client may not read; they are left out. After an error, which may be that of to, part of the objects
// may have been written (D-23).
func (d *Directory) Objects(ctx context.Context, base string, audit bool, to io.Writer) (n, unread int, err error) {
	out := bufio.NewWriter(to)
	var failed error // error of writing an object; never ErrAway
	parts := int32(partsRead)
	if audit {
		parts = partsAll
	}
	err = d.with(ctx, func(c *conn) error {
		p, err := d.serverInfo(c)
		if err != nil {
			return err
		}
		if base == "" {
			base = p.base
		}
		// A retry must not write the first objects twice.
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
				if failed = e.write(out); failed != nil {
					return errOutput
				}
				return nil
			})
	})
	switch {
	case failed != nil:
		err = failed
	case err == nil:
		err = out.Flush()
	}
	return n, unread, err
}

// write writes an entry as LDIF, with an empty line after it. It returns an error if the server returned an attribute
// only in part, or a second value of one other than objectClass.
func (e *entry) write(out *bufio.Writer) error {
	line(out, "dn", []byte(e.DN))
	for _, name := range objectAttributes {
		values, _, all := e.values(name)
		if !all || len(values) > 1 && name != "objectClass" {
			return wrong("%s: the server returned %s more than once, or only a part of it", clip(e.DN), name)
		}
		for _, v := range values {
			line(out, name, v)
		}
	}
	_, err := out.WriteString("\n")
	return err
}

// line writes one attribute of an LDIF entry, in base64 unless it is plain text. Write errors are sticky in out.
func line(out *bufio.Writer, name string, value []byte) {
	_, _ = out.WriteString(name)
	if plain(value) {
		_, _ = fmt.Fprintf(out, ": %s\n", value)
		return
	}
	_, _ = fmt.Fprintf(out, ":: %s\n", base64.StdEncoding.EncodeToString(value))
}

// plain reports whether LDIF allows a value without base64 (RFC 2849). The empty value needs base64.
func plain(b []byte) bool {
	if len(b) == 0 || b[0] == ' ' || b[0] == ':' || b[0] == '<' || b[len(b)-1] == ' ' {
		return false
	}
	return !slices.ContainsFunc(b, func(c byte) bool { return c < 0x20 || c >= 0x7f })
}

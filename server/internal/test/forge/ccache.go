package forge

import (
	"encoding/binary"
	"strings"
	"time"
)

// ccache writes the file format of Kerberos credential caches, big endian.
type ccache struct{ b []byte }

// u32 appends a number of 32 bits.
func (c *ccache) u32(v uint32) { c.b = binary.BigEndian.AppendUint32(c.b, v) }

// data appends bytes after their length.
func (c *ccache) data(b []byte) {
	c.u32(uint32(len(b)))
	c.b = append(c.b, b...)
}

// principal appends a principal, whose name has components separated by slashes.
func (c *ccache) principal(name, realm string) {
	parts := strings.Split(name, "/")
	c.u32(1)
	c.u32(uint32(len(parts)))
	c.data([]byte(realm))
	for _, p := range parts {
		c.data([]byte(p))
	}
}

// Cache returns a credential cache, version 4, with the ticket. Programs that use libkrb5 take the ticket from it
// without contacting a KDC.
func (t *Ticket) Cache() []byte {
	ticket := t.Ticket()
	realm := t.ClientRealm
	if realm == "" {
		realm = t.Realm
	}
	c := ccache{b: []byte{5, 4, 0, 0}}
	c.principal(t.Client, realm)
	c.principal(t.Client, realm)
	c.principal(t.Service, t.Realm)
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(t.SessionKey.KeyType))
	c.data(t.SessionKey.KeyValue)
	start, end := t.Start, t.End
	if start.IsZero() {
		start = t.AuthTime
	}
	if end.IsZero() {
		end = t.AuthTime.Add(10 * time.Hour)
	}
	for _, at := range []time.Time{t.AuthTime, start, end, end} {
		c.u32(uint32(at.Unix()))
	}
	c.b = append(c.b, 0) // is_skey: the ticket is sealed with the service's key
	for range 3 {        // no flags, addresses, authorization data
		c.u32(0)
	}
	c.data(must(ticket.Marshal()))
	c.data(nil)
	return c.b
}

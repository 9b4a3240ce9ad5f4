package addc

import (
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// ports maps the first label of an SRV name to the service's port.
var ports = map[string]uint16{"_ldap": 389, "_kerberos": 88, "_gc": 3268, "_kpasswd": 464}

// resolver serves DNS at the controller's address until the test ends: its host name, and its services under any
// name. Members need it to find controllers. It skips the test if it cannot listen on port 53.
func (d *Domain) resolver() {
	d.t.Helper()
	c, err := net.ListenPacket("udp", net.JoinHostPort(d.Address, "53"))
	if err != nil {
		Skip(d.t, "port 53 of %s cannot be had: %v", d.Address, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := d.named(b[:n]); answer != nil {
				_, _ = c.WriteTo(answer, from)
			}
		}
	}()
	d.t.Cleanup(func() {
		_ = c.Close()
		<-ended
	})
}

// named is the test's DNS server: it returns the response to a DNS query, nil if b is not a query with one question.
func (d *Domain) named(b []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(b) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true,
		RecursionDesired: m.RecursionDesired, RecursionAvailable: true}, Questions: m.Questions}
	host := dnsmessage.MustNewName(Host + ".")
	a := &dnsmessage.AResource{A: [4]byte(net.ParseIP(d.Address).To4())}
	of := func(name dnsmessage.Name, t dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: name, Type: t, Class: dnsmessage.ClassINET, TTL: 60}
	}
	name := strings.ToLower(q.Name.String())
	service, _, _ := strings.Cut(name, ".")
	switch port := ports[service]; {
	case !strings.HasSuffix(name, "refmon.test."):
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeSRV && port != 0:
		m.Answers = []dnsmessage.Resource{{Header: of(q.Name, q.Type), Body: &dnsmessage.SRVResource{Port: port,
			Weight: 100, Target: host}}}
		m.Additionals = []dnsmessage.Resource{{Header: of(host, dnsmessage.TypeA), Body: a}}
	case q.Type == dnsmessage.TypeA && service[0] != '_':
		m.Answers = []dnsmessage.Resource{{Header: of(q.Name, q.Type), Body: a}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

var domain = sid.MustParse("S-1-5-21-10-20-30")

const base = "DC=example,DC=test"

// Short names of the server's messages.
var certificate, text, packet, ended, found = forge.Certificate, forge.LDAPText, forge.LDAPMessage, forge.LDAPResult,
	forge.LDAPEntry

// asked is a received search.
type asked struct {
	id         int64
	base       string
	below      bool
	filter     string
	attributes []string
	controls   []string
	cookie     string
	deref      int64  // how aliases are dereferenced; 0: never
	limits     string // limits of entries and seconds, and whether the client requests attribute types only
	critical   bool   // a control is critical
	parts      string // the flags of the SD flags control; "" without it
}

// fake is an LDAP server whose search replies the test defines.
type fake struct {
	t        testing.TB
	listener net.Listener
	bind     func(name, password string) int64 // nil: all binds succeed
	gss      *gss                              // nil: no Kerberos
	text     string                            // diagnostic message of a bind; guarded by mu
	// search returns the messages of the reply. nil sends nothing until the client disconnects.
	search func(a asked) [][]byte

	mu      sync.Mutex
	queries []asked           // guarded by mu
	binds   []string          // guarded by mu: names and passwords
	conns   map[net.Conn]bool // guarded by mu
	clear   bool              // guarded by mu: without TLS until StartTLS
	newest  uint16            // guarded by mu: the newest TLS version; 0: any
	refuses bool              // guarded by mu: no StartTLS
	open    atomic.Int64      // connections
	injects bool              // guarded by mu: bytes follow the answer to StartTLS
}

func serve(t testing.TB, search func(a asked) [][]byte) *fake {
	t.Helper()
	l := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	f := &fake{t: t, listener: l, search: search, conns: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[c] = true
			f.mu.Unlock()
			running.Go(func() { f.conn(c) })
		}
	})
	t.Cleanup(func() {
		f.stop()
		running.Wait()
	})
	return f
}

// stop ends the server and its connections.
func (f *fake) stop() {
	_ = f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

func (f *fake) config() Config {
	roots := x509.NewCertPool()
	roots.AddCert(certificate().Leaf)
	return Config{Servers: []string{"ldaps://" + f.listener.Addr().String()}, Security: TLS, Roots: roots, Domain: domain,
		Realm: "EXAMPLE.TEST", Account: "asker@EXAMPLE.TEST", Password: "pw-of-test", Limits: Limits{Wait: 2 * time.Minute}}
}

func (f *fake) directory(change func(*Config)) *Directory {
	f.t.Helper()
	cfg := f.config()
	if change != nil {
		change(&cfg)
	}
	d := check.Must(New(cfg))
	f.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (f *fake) conn(c net.Conn) {
	f.open.Add(1)
	defer f.open.Add(-1)
	defer c.Close()
	f.mu.Lock()
	clear := f.clear
	settings := &tls.Config{Certificates: []tls.Certificate{certificate()}, MaxVersion: f.newest,
		MinVersion: tls.VersionTLS10} //nolint:gosec // for a client certificate
	f.mu.Unlock()
	if !clear {
		c = tls.Server(c, settings)
	}
	for {
		p, err := ber.ReadPacket(c)
		if err != nil || len(p.Children) < 2 {
			return
		}
		id := p.Children[0].Value.(int64)
		op := p.Children[1]
		switch op.Tag {
		case goldap.ApplicationBindRequest:
			if f.gss != nil {
				if c, err = f.gss.bind(id, op, c); err != nil {
					return
				}
				continue
			}
			name, password := op.Children[1].Data.String(), op.Children[2].Data.String()
			f.mu.Lock()
			f.binds = append(f.binds, name+" "+password)
			f.mu.Unlock()
			code := int64(0)
			if f.bind != nil {
				code = f.bind(name, password)
			}
			f.mu.Lock()
			text := f.text
			f.mu.Unlock()
			if _, err := c.Write(ended(id, goldap.ApplicationBindResponse, code, text)); err != nil {
				return
			}
		case goldap.ApplicationExtendedRequest:
			f.mu.Lock()
			refuses := f.refuses
			f.mu.Unlock()
			if refuses {
				if _, err := c.Write(done(id, goldap.ApplicationExtendedResponse, goldap.LDAPResultUnavailable)); err != nil {
					return
				}
				continue
			}
			answer := done(id, goldap.ApplicationExtendedResponse, 0)
			f.mu.Lock()
			if f.injects { // unencrypted bytes after the response are not part of the TLS stream
				answer = append(answer, done(2, goldap.ApplicationBindResponse, 0)...)
			}
			f.mu.Unlock()
			if _, err := c.Write(answer); err != nil {
				return
			}
			c = tls.Server(c, settings)
		case goldap.ApplicationSearchRequest:
			a := read(id, p)
			f.mu.Lock()
			f.queries = append(f.queries, a)
			f.mu.Unlock()
			for _, m := range f.search(a) {
				if _, err := c.Write(m); err != nil {
					return
				}
			}
		case goldap.ApplicationUnbindRequest:
			return
		}
	}
}

// count returns the number of searches whose filter contains part.
func (f *fake) count(part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.queries {
		if strings.Contains(q.filter, part) {
			n++
		}
	}
	return n
}

func read(id int64, p *ber.Packet) asked {
	op := p.Children[1]
	a := asked{id: id, base: op.Children[0].Value.(string),
		below: op.Children[1].Value.(int64) == goldap.ScopeWholeSubtree, deref: op.Children[2].Value.(int64)}
	a.limits = fmt.Sprint(op.Children[3].Value, op.Children[4].Value, op.Children[5].Value)
	a.filter, _ = goldap.DecompileFilter(op.Children[6])
	for _, c := range op.Children[7].Children {
		a.attributes = append(a.attributes, c.Value.(string))
	}
	if len(p.Children) > 2 {
		for _, c := range p.Children[2].Children {
			a.controls = append(a.controls, c.Children[0].Value.(string))
			if must, is := c.Children[min(1, len(c.Children)-1)].Value.(bool); is && must {
				a.critical = true
			}
			if a.controls[len(a.controls)-1] == goldap.ControlTypeMicrosoftSDFlags {
				a.parts = fmt.Sprintf("%v %x", c.Children[1].Value, c.Children[len(c.Children)-1].Bytes())
			}
			if decoded, err := goldap.DecodeControl(c); err == nil {
				if paging, ok := decoded.(*goldap.ControlPaging); ok {
					a.cookie = string(paging.Cookie)
				}
			}
		}
	}
	return a
}

// done returns the final message of a reply with a result code.
func done(id int64, tag ber.Tag, code int64, controls ...goldap.Control) []byte {
	return ended(id, tag, code, "of the test", controls...)
}

// end returns the final message of a search, for a subtree search with the empty paging cookie.
func end(a asked) []byte {
	if a.below {
		return done(a.id, goldap.ApplicationSearchResultDone, 0, goldap.NewControlPaging(0))
	}
	return done(a.id, goldap.ApplicationSearchResultDone, 0)
}

// world is a small directory: entries by name. It answers queries for its root, for accounts by
// name, for groups by name or SID, and for single entries.
type world struct {
	mu      sync.Mutex
	root    map[string][]string            // guarded by mu
	entries map[string]map[string][]string // guarded by mu
}

// newWorld returns an Active Directory with alice, who is a member of 513 and 2001.
func newWorld() *world {
	return &world{root: map[string][]string{"defaultNamingContext": {base}, "supportedCapabilities": {activeDirectory},
		"dsServiceName": {"CN=one"}, "highestCommittedUSN": {"100"}},
		entries: map[string]map[string][]string{"CN=alice," + base: {"objectSid": {domain.WithRID(1104).Binary()},
			"sAMAccountName": {"alice"}, "userAccountControl": {"512"}, "primaryGroupID": {"513"}, "accountExpires": {"0"},
			"tokenGroups":                        {domain.WithRID(513).Binary(), domain.WithRID(2001).Binary()},
			"msDS-User-Account-Control-Computed": {"0"}}}}
}

// set sets an attribute of alice.
func (w *world) set(name string, values ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries["CN=alice,"+base][name] = values
}

func (w *world) answer(a asked) (out [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.base == "" {
		return [][]byte{found(a.id, "", w.root), end(a)}
	}
	for dn, e := range w.entries {
		name := strings.ToLower(strings.Join(e["sAMAccountName"], ""))
		switch {
		case !a.below && dn == a.base,
			a.below && name != "" && strings.Contains(strings.ToLower(a.filter), "(samaccountname="+name+")"),
			a.below && strings.Contains(a.filter, "(distinguishedName="+dn+")"),
			a.below && strings.HasPrefix(a.filter, "(objectSid=") && a.filter == canonical("(objectSid="+
				filterText(strings.Join(e["objectSid"], ""))+")"),
			a.below && a.filter == peopleFilter:
			out = append(out, found(a.id, dn, e))
		}
	}
	return append(out, end(a))
}

// filterText writes each byte of a filter's value as a backslash and two hexadecimal digits (RFC 4515, section 3).
func filterText(b string) string { return `\` + strings.ReplaceAll(fmt.Sprintf("% x", b), " ", `\`) }

// canonical returns a filter after a server parsed it.
func canonical(filter string) string {
	p, err := goldap.CompileFilter(filter)
	if err != nil {
		return err.Error()
	}
	text, err := goldap.DecompileFilter(p)
	if err != nil {
		return err.Error()
	}
	return text
}

// add appends an attribute with one value.
func (e *entry) add(name, value string) {
	e.Attributes = append(e.Attributes, goldap.NewEntryAttribute(name, []string{value}))
}

// groupsWorld returns a world that computes no groups. in lists the groups of each group, alice those of alice.
func groupsWorld(alice []string, in map[string][]string) *world {
	w := newWorld()
	w.root["supportedCapabilities"] = nil
	name := func(all []string) (out []string) {
		for _, n := range all {
			out = append(out, "CN="+n+","+base)
		}
		return out
	}
	w.entries["CN=alice,"+base]["memberOf"] = name(alice)
	w.entries["CN=Domain Users,"+base] = map[string][]string{"objectSid": {domain.WithRID(513).Binary()},
		"groupType": {"-2147483646"}}
	rid := uint32(2000)
	for n, of := range in {
		rid++
		w.entries["CN="+n+","+base] = map[string][]string{"objectSid": {domain.WithRID(rid).Binary()},
			"groupType": {"-2147483646"}, "memberOf": name(of)}
	}
	return w
}

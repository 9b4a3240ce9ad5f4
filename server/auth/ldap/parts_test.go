package ldap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/sid"
)

// TestAddresses: where a server is, by each form of its address, and what is no address (D-1).
func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{"ldaps://dc1": "dc1 dc1:636 true", "ldap://dc1": "dc1 dc1:389 false",
		"ldaps://dc1:3269/": "dc1 dc1:3269 true", "ldap://[2001:db8::1]": "2001:db8::1 [2001:db8::1]:389 false",
		"LDAPS://dc1": "dc1 dc1:636 true", "http://dc1": "", "dc1": "", "ldap://": "", "ldap://user@dc1": "",
		"ldaps://dc1?x": "",
		"ldaps://dc1/x": "", "ldap://:389": "", "ldap:dc1": "", "%": ""} {
		s, err := parseServer(text)
		got := ""
		if err == nil {
			got = fmt.Sprint(s.host, " ", s.address, " ", s.tls)
		}
		if got != want || (CheckServer(text) == nil) != (want != "") || err != nil && !strings.Contains(err.Error(),
			": want ldaps://HOST or ldap://HOST") {
			t.Errorf("D-1: %q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestConfigurations: why a configuration makes no directory, one reason beside its neighbour (D-1, D-2), and the
// limits of one that says none.
func TestConfigurations(t *testing.T) {
	good := func() Config {
		return Config{Servers: []string{"ldaps://dc1"}, Security: TLS, Domain: domain, Account: "a", Password: "p"}
	}
	for what, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"as it is":             {func(*Config) {}, ""},
		"no servers":           {func(c *Config) { c.Servers = nil }, "servers and the domain's SID"},
		"no domain":            {func(c *Config) { c.Domain = sid.SID{} }, "servers and the domain's SID"},
		"no security":          {func(c *Config) { c.Security = 0 }, "no security is chosen"},
		"a later security":     {func(c *Config) { c.Security = 3 }, "no security is chosen"},
		"signed without a key": {func(c *Config) { c.Security = Signed }, "messages are signed with Kerberos only"},
		"no password":          {func(c *Config) { c.Password = "" }, "needs a keytab, or a name and a password"},
		"no account":           {func(c *Config) { c.Account = "" }, "needs a keytab, or a name and a password"},
		"a keytab alone":       {func(c *Config) { c.Account, c.Password, c.Initiator = "", "", &kerberos.Initiator{} }, ""},
		"signed":               {func(c *Config) { c.Security, c.Initiator = Signed, &kerberos.Initiator{} }, ""},
		"a second server":      {func(c *Config) { c.Servers = append(c.Servers, "dc2") }, `server "dc2"`},
		"a base":               {func(c *Config) { c.Base = "DC=a" }, ""},
		"no base":              {func(c *Config) { c.Base = "x" }, "ldap: base: "},
		"a claim of no type": {func(c *Config) { c.Claims = map[string]Claim{"a": {Attribute: "x"}} },
			`claim "a": want an attribute`},
		"a claim of unsigned": {func(c *Config) { c.Claims = map[string]Claim{"a": {"x", claims.Uint64}} },
			`claim "a": want`},
		"a claim of nothing": {func(c *Config) { c.Claims = map[string]Claim{"a": {"", claims.String}} },
			`claim "a": want`},
		"a claim of no name": {func(c *Config) { c.Claims = map[string]Claim{"": {"x", claims.String}} },
			`claim "": want`},
		"two claims of a name": {func(c *Config) { c.Claims = map[string]Claim{"a": {"x", 3}, "A": {"y", 3}} },
			"another has that name"},
		"two claims of one key": {func(c *Config) { c.Claims = map[string]Claim{"a": {"x", 3}, "b": {"x", 1}} }, ""},
	} {
		cfg := good()
		c.change(&cfg)
		d, err := New(cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("D-2: %s: %v, want %q", what, err, c.want)
		}
		if err == nil && (d.cfg.Limits != Limits{10 * time.Second, 32 << 20, 10_000, 2_000_000, 10_000, 30 * time.Second,
			15 * time.Minute} || d.cache.most != 10_000 || len(d.servers) != len(cfg.Servers) || cap(d.idle) != 4) {
			t.Errorf("D-4: %s: %+v", what, d.cfg.Limits)
		}
	}
	l := Limits{1, 2, 3, 4, 5, -1, -6}
	if l.fill(); l != (Limits{1, 2, 3, 4, 5, 0, 0}) {
		t.Errorf("D-4: limits that are given become %+v", l)
	}
}

// TestClaimsOfAttributes: each type of claim from the text of an attribute, and what makes no claim (D-12).
func TestClaimsOfAttributes(t *testing.T) {
	of := []claimOf{{Claim{"n", claims.Int64}, "number"}, {Claim{"b", claims.Boolean}, "flag"},
		{Claim{"s", claims.String}, "text"}}
	for _, c := range []struct {
		name   string
		values []string
		want   string // as a token file lists them
		why    string
	}{
		{"n", []string{"-7", "9"}, `[{"name": "number", "type": "int64", "values": [-7, 9]}]`, ""},
		{"N", []string{"7"}, `[{"name": "number", "type": "int64", "values": [7]}]`, ""},
		{"n", []string{"7x"}, "", "the claim number is no number"},
		{"n", []string{"9223372036854775808"}, "", "the claim number is no number"},
		{"b", []string{"TRUE"}, `[{"name": "flag", "type": "boolean", "values": [true]}]`, ""},
		{"b", []string{"FALSE"}, `[{"name": "flag", "type": "boolean", "values": [false]}]`, ""},
		{"b", []string{"true"}, "", "the claim flag is neither TRUE nor FALSE"},
		{"s", []string{"a\"b", ""}, `[{"name": "text", "type": "string", "values": ["a\"b", ""]}]`, ""},
		{"s", nil, "", ""}, {"other", []string{"x"}, "", ""},
		{"s;range=0-1", []string{"x", "y"}, "", "the claim text has more than 1024 values"},
		{"s", strings.Split(strings.Repeat("x,", 1024)+"x", ","), "", "the claim text has more than 1024 values"},
		{"s", []string{"x", "x"}, "", "claims: "},
	} {
		e := &entry{}
		a := &goldap.EntryAttribute{Name: c.name}
		for _, v := range c.values {
			a.ByteValues = append(a.ByteValues, []byte(v))
		}
		e.Attributes = append(e.Attributes, a)
		set, all, err := e.claims(of)
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("D-12: %s of %.20q: %v, want %q", c.name, c.values, err, c.why)
		}
		if listed(all) != c.want || (set != nil) != (c.want != "") {
			t.Errorf("D-12: %s of %.20q is %s, want %s", c.name, c.values, listed(all), c.want)
		}
	}
	for text, want := range map[string]Claim{"a": {"a", claims.String}, "a:int64": {"a", claims.Int64},
		"a:boolean": {"a", claims.Boolean}, "a:string": {"a", claims.String}, "": {}, ":int64": {}, "a:": {}, "a:uint64": {},
		"a:int64:x": {}} {
		if c, err := ParseClaim(text); c != want || (err == nil) != (want.Attribute != "") {
			t.Errorf("D-12: %q: %+v, %v", text, c, err)
		}
	}
	d := &Directory{claims: of}
	if got := d.claimAttributes(); !slices.Equal(got, []string{"n", "b", "s"}) {
		t.Errorf("D-12: attributes %v", got)
	}
}

// TestParts: values of an entry by the names that a server writes, whole or a range of them (D-5).
func TestParts(t *testing.T) {
	for _, c := range []struct {
		names []string // each with one value, its place
		want  string
		to    string
		all   bool
	}{
		{nil, "", "", true}, {[]string{"memberOf"}, "0", "", true}, {[]string{"MEMBEROF"}, "0", "", true},
		{[]string{"memberOf;range=0-9"}, "0", "9", false}, {[]string{"memberOf;Range=0-*"}, "0", "", true},
		{[]string{"memberOf;binary"}, "0", "", true}, {[]string{"memberOf;range=0"}, "0", "", true},
		{[]string{"memberOf;rangy=0-9"}, "0", "", true}, {[]string{"memberOf;range=-9"}, "0", "", true},
		{[]string{"memberOf", "memberOf;range=1-5"}, "0 1", "5", false}, {[]string{"memberOff", "xmemberOf"}, "", "", true},
	} {
		e := &entry{}
		for i, n := range c.names {
			e.add(n, fmt.Sprint(i))
		}
		values, to, all := e.values("memberOf")
		var got []string
		for _, v := range values {
			got = append(got, string(v))
		}
		if strings.Join(got, " ") != c.want || to != c.to || all != c.all {
			t.Errorf("D-5: %v: %v to %q, all %t", c.names, got, to, all)
		}
	}
	for to, want := range map[string]string{"0": "1", "1499": "1500", "2147483647": "2147483648", "2147483648": "",
		"-1": "",
		"":   "", "x": ""} {
		if got, err := after(to); got != want || (err == nil) != (want != "") {
			t.Errorf("D-5: after %q comes %q, %v", to, got, err)
		}
	}
	two := &entry{}
	two.add("n", "1")
	two.add("n", "2")
	part := &entry{}
	part.add("n;range=0-0", "1")
	odd := &entry{}
	odd.add("n", "x")
	for what, c := range map[string]struct {
		e    *entry
		n    int64
		why  string
		text string
	}{"two": {two, 5, "n has several values", ""}, "a part": {part, 5, "n has several values", ""},
		"no number": {odd, 0, "n is no number", "x"}, "nothing": {&entry{}, 5, "", ""}} {
		n, err := c.e.number("n", 5)
		text, _ := c.e.one("n")
		if n != c.n || text != c.text || c.why == "" && err != nil ||
			c.why != "" && (err == nil || err.Error() != "ldap: "+c.why) {
			t.Errorf("D-8: %s: %d, %q, %v", what, n, text, err)
		}
	}
	if _, err := part.sids("n"); err == nil || err.Error() != "ldap: n is not told whole" {
		t.Errorf("D-5: %v", err)
	}
}

// TestBelow: an entry is a base, below it, or neither (D-13).
func TestBelow(t *testing.T) {
	for _, c := range []struct {
		name, base string
		want       bool
	}{{"DC=a,DC=b", "dc=A,dc=b", true}, {"CN=x,DC=a,DC=b", "DC=a,DC=b", true}, {"DC=b", "DC=a,DC=b", false},
		{"CN=x,DC=a,DC=c", "DC=a,DC=b", false}, {"CN=x,DC=b,DC=a", "DC=a,DC=b", false},
		{"DC=a,DC=b,CN=x", "DC=a,DC=b", false},
		{"DC=a", "", true}, {"", "DC=a", false}} {
		dn, err := parseDN(c.name)
		base, err2 := parseDN(c.base)
		if err != nil || err2 != nil || within(dn, base) != c.want {
			t.Errorf("D-13: %q below %q: %v, %v, want %t", c.name, c.base, err, err2, c.want)
		}
	}
	long := "CN=" + strings.Repeat("n", maxDN-3)
	for text, want := range map[string]bool{long: true, long + "n": false} {
		if _, err := parseDN(text); (err == nil) != want {
			t.Errorf("D-13: a name of %d bytes: %v", len(text), err)
		}
	}
}

// pipe is a connection whose reads come from a text.
type pipe struct {
	net.Conn
	io.Reader
	deadline time.Time
	wrote    int
	fails    error
}

func (p *pipe) Read(b []byte) (int, error)  { return p.Reader.Read(b) }
func (p *pipe) Write(b []byte) (int, error) { p.wrote += len(b); return len(b), nil }
func (p *pipe) SetWriteDeadline(at time.Time) error {
	p.deadline = at
	return p.fails
}

// TestMeter: as many bytes are read as are left, and a write has its time (D-4).
func TestMeter(t *testing.T) {
	p := &pipe{Reader: strings.NewReader("abcdef")}
	m := &meter{Conn: p, wait: time.Hour}
	m.left.Store(4)
	b := make([]byte, 3)
	for _, c := range []struct {
		n   int
		err error
	}{{3, nil}, {1, nil}, {0, errTooLong}, {0, errTooLong}} {
		if n, err := m.Read(b); n != c.n || !errors.Is(err, c.err) {
			t.Errorf("D-4: %d bytes, %v, want %d", n, err, c.n)
		}
	}
	m.left.Store(9)
	if n, err := m.Read(b); n != 2 || err != nil || m.left.Load() != 7 {
		t.Errorf("D-4: %d bytes, %v, %d are left", n, err, m.left.Load())
	}
	if n, err := m.Write([]byte("xy")); n != 2 || err != nil || time.Until(p.deadline) > time.Hour ||
		time.Until(p.deadline) < 0 {
		t.Errorf("D-4: %d bytes by %v, %v", n, p.deadline, err)
	}
	p.fails = io.ErrClosedPipe
	if n, err := m.Write([]byte("xy")); n != 0 || !errors.Is(err, io.ErrClosedPipe) || p.wrote != 2 {
		t.Errorf("D-4: without a time %d bytes, %v", n, err)
	}
}

// TestKeptIDs: an answer of an id counts for a minute, each question by itself; a directory that is away is left
// alone for ten seconds, and an answer of it that is kept still counts (D-34).
func TestKeptIDs(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	asked, away := 0, false
	n := IDs{now: func() time.Time { return now }, Ask: func(func(*Directory) error) error {
		if asked++; away {
			return fmt.Errorf("x: %w", ErrAway)
		}
		return nil
	}}
	ctx := context.Background()
	check := func(what string, want int, err error) {
		t.Helper()
		before := asked
		_, _, got := n.SIDOfUID(ctx, 7)
		if asked-before != want || !errors.Is(got, err) {
			t.Errorf("D-34: %s: asked %d times, %v, want %d, %v", what, asked-before, got, want, err)
		}
	}
	check("at first", 1, nil)
	check("again", 0, nil)
	for i, other := range []func(){func() { _, _, _ = n.SIDOfGID(ctx, 7) }, func() { _, _, _ = n.UIDOf(ctx, domain) },
		func() { _, _, _ = n.GIDOf(ctx, domain) }, func() { _, _, _ = n.SIDOfUID(ctx, 8) }} {
		if before := asked; true {
			other()
			other()
			if asked != before+1 {
				t.Errorf("D-34: question %d is asked %d times", i, asked-before)
			}
		}
	}
	now = now.Add(time.Minute - 1)
	check("within the minute", 0, nil)
	now, away = now.Add(1), true
	check("after it, away", 1, ErrAway)
	check("away a moment ago", 0, errSilent)
	now = now.Add(10*time.Second - 1)
	check("before ten seconds are over", 0, errSilent)
	now = now.Add(1)
	check("after them", 1, ErrAway)
	away = false
	check("back, and left alone", 0, errSilent)
	n.Forget()
	check("forgotten", 1, nil)
	n.Ask = nil
	check("kept, and there is no directory", 0, nil)
	n.Forget()
	check("there is no directory", 0, ErrAway)
}

package ldap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/sid"
)

// TestMalformedAddressIsRefused checks each form of a server's address, and malformed ones (D-1).
func TestMalformedAddressIsRefused(t *testing.T) {
	for text, want := range map[string]string{"ldaps://dc1": "dc1 dc1:636 true", "ldap://dc1": "dc1 dc1:389 false",
		"ldaps://dc1:3269/": "dc1 dc1:3269 true", "ldap://[2001:db8::1]": "2001:db8::1 [2001:db8::1]:389 false",
		"LDAPS://dc1": "dc1 dc1:636 true", "http://dc1": "", "dc1": "", "ldap://": "", "ldap://user@dc1": "",
		"ldaps://dc1?x": "",
		"ldaps://dc1/x": "", "ldap://:389": "", "ldap:dc1": "", "%": "",
		"ldaps://a:pw-of-test@dc1": "", "ldaps://a:pw-of-test@dc1:x": ""} {
		s, err := parseServer(text)
		got := ""
		if err == nil {
			got = fmt.Sprint(s.host, " ", s.address, " ", s.tls)
		}
		if got != want || (CheckServer(text) == nil) != (want != "") || err != nil && !strings.Contains(err.Error(),
			": want ldaps://HOST or ldap://HOST") {
			t.Errorf("D-1: %q: %q, %v, want %q", text, got, err, want)
		}
		check.That(t, err == nil || !strings.Contains(err.Error(), "pw-of-test"),
			"D-1: the error shows the password: %v", err)
	}
}

// TestRefusedConfigurationHasReason checks the reason for each rejected configuration (D-1, D-2), and the default
// limits.
func TestRefusedConfigurationHasReason(t *testing.T) {
	good := func() Config {
		return Config{Servers: []string{"ldaps://dc1"}, Security: TLS, Domain: domain, Account: "a", Password: "pw-of-test"}
	}
	for what, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"unchanged":            {func(*Config) {}, ""},
		"no servers":           {func(c *Config) { c.Servers = nil }, "servers and the domain's SID"},
		"no domain":            {func(c *Config) { c.Domain = sid.SID{} }, "servers and the domain's SID"},
		"no security":          {func(c *Config) { c.Security = 0 }, "no security is chosen"},
		"a later security":     {func(c *Config) { c.Security = 3 }, "no security is chosen"},
		"signed without a key": {func(c *Config) { c.Security = Signed }, "messages are signed with Kerberos only"},
		"no password":          {func(c *Config) { c.Password = "" }, "give a keytab, or a name and a password"},
		"no account":           {func(c *Config) { c.Account = "" }, "give a keytab, or a name and a password"},
		"a keytab alone":       {func(c *Config) { c.Account, c.Password, c.Initiator = "", "", &kerberos.Initiator{} }, ""},
		"signed":               {func(c *Config) { c.Security, c.Initiator = Signed, &kerberos.Initiator{} }, ""},
		"another scheme":       {func(c *Config) { c.Servers = []string{"ldapi:///x"} }, `server "ldapi:///x"`},
		"a server with a password": {func(c *Config) { c.Servers = []string{"ldaps://a:b@dc1"} },
			"want ldaps://HOST or ldap://HOST"},
		"a second server": {func(c *Config) { c.Servers = append(c.Servers, "dc2") }, `server "dc2"`},
		"a base":          {func(c *Config) { c.Base = "DC=a" }, ""},
		"no base":         {func(c *Config) { c.Base = "x" }, "ldap: base: "},
		"a claim of no type": {func(c *Config) { c.Claims = map[string]Claim{"a": {Attribute: "x"}} },
			`claim "a": want an attribute`},
		"a claim of unsigned": {func(c *Config) { c.Claims = map[string]Claim{"a": {"x", claims.Uint64}} },
			`claim "a": want`},
		"a claim without an attribute": {func(c *Config) { c.Claims = map[string]Claim{"a": {"", claims.String}} },
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
		check.That(t, (err == nil) == (c.want == "") && (err == nil || strings.Contains(err.Error(), c.want)),
			"D-2: %s: %v, want %q", what, err, c.want)
		check.That(t, err == nil || !strings.Contains(err.Error(), "pw-of-test"),
			"D-1: %s: %v, want a text without the password", what, err)
		if err == nil && (d.cfg.Limits != Limits{10 * time.Second, 32 << 20, 10_000, 2_000_000, 10_000, 30 * time.Second,
			15 * time.Minute} || d.cache.most != 10_000 || len(d.servers) != len(cfg.Servers) || cap(d.idle) != 4) {
			t.Errorf("D-4: %s: %+v", what, d.cfg.Limits)
		}
	}
	l := Limits{1, 2, 3, 4, 5, -1, -6}
	if l.fill(); l != (Limits{1, 2, 3, 4, 5, 0, 0}) {
		t.Errorf("D-4: fill changed explicit limits to %+v, want {1 2 3 4 5 0 0}", l)
	}
}

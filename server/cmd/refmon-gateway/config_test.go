package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway"
)

// TestGatewaySettingSetsItsField sets each key to a distinct value and checks that it reaches its field. A missing
// key has its default.
func TestGatewaySettingSetsItsField(t *testing.T) {
	print := strings.Repeat("ab", 32)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	write := func(text string) {
		t.Helper()
		check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	types := filepath.Join(t.TempDir(), "types.yaml")
	check.NoError(t, os.WriteFile(types, []byte("groups: [a]"), 0o600))
	write(`socket: /run/other.sock
owner: 61010
files: 127.0.0.1:1001
console: 127.0.0.1:1002
names: [files.test]
trees: [projects, share]
state: /var/lib/other
negotiate: true
certificates: {` + print + `: alice}
strictTransportSecurity: 16
authzen: {url: 'https://pdp.test', ask: 'O:SYG:SYD:', rate: 17, types: ` + types + `}
index: {socket: /run/index.sock, ask: 'O:SYG:SYD:', rate: 18}
forwardAuth: {path: X-Path, right: X-Right, client: X-C,
  proxies: [192.0.2.1, '2001:db8::/32', '::ffff:192.0.2.2', '::ffff:198.51.100.0/120']}
limits: {sessions: 11, sessionLife: 12, threads: 13, connections: 14, largestUpload: 15}
log: {level: warn}
`)
	c, err := load(file)
	check.NoError(t, err)
	want := config{level: slog.LevelWarn, life: 12 * time.Second, settings: settings{Socket: "/run/other.sock",
		Owner: 61010, Files: "127.0.0.1:1001", Console: "127.0.0.1:1002", Names: []string{"files.test"},
		Trees: []string{"projects", "share"}, State: "/var/lib/other", Negotiate: true,
		Certificates: map[string]string{print: "alice"}, Strict: 16, AuthZEN: authzenSettings{URL: "https://pdp.test",
			Ask: "O:SYG:SYD:", Rate: 17, Types: types}, Index: indexSettings{Socket: "/run/index.sock", Ask: "O:SYG:SYD:",
			Rate: 18}, ForwardAuth: forwardSettings{Proxies: []string{"192.0.2.1", "2001:db8::/32", "::ffff:192.0.2.2",
			"::ffff:198.51.100.0/120"}, Path: "X-Path", Right: "X-Right", Client: "X-C"}}}
	want.Limits.Sessions, want.Limits.SessionLife, want.Limits.Threads, want.Limits.Connections = 11, 12, 13, 14
	want.Limits.LargestUpload, want.Log.Level = 15, "warn"
	declared, err := authzen.ReadTypes([]byte("groups: [a]"))
	check.NoError(t, err)
	want.questions = &gateway.AuthZEN{URL: "https://pdp.test", Ask: "O:SYG:SYD:", Rate: 17, Types: declared}
	want.index = &gateway.Index{Socket: "/run/index.sock", Ask: "O:SYG:SYD:", Rate: 18}
	want.forward = gateway.ForwardAuth{Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"),
		netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.2/32"),
		netip.MustParsePrefix("198.51.100.0/24")}, Path: "X-Path", Right: "X-Right", Client: "X-C"}
	check.DeepEqual(t, *c, want, "read")
	log := slog.New(slog.DiscardHandler)
	got := c.gateway(log)
	if got.Dial == nil {
		t.Error("the gateway dials no one")
	} else if conn, err := got.Dial(); err == nil || !strings.Contains(err.Error(), "/run/other.sock") {
		t.Errorf("it dials %v, %v", conn, err)
	}
	got.Dial = nil
	if want := (gateway.Config{Trees: want.Trees, Names: want.Names, Negotiate: true, Certificates: want.Certificates,
		Sessions: 11, SessionLife: 12 * time.Second, Threads: 13, LargestUpload: 15,
		StrictTransport: 16 * time.Second, Log: log, AuthZEN: want.questions, Index: want.index,
		ForwardAuth: want.forward}); !reflect.DeepEqual(got, want) {
		t.Errorf("the gateway's configuration is\n%+v, want\n%+v", got, want)
	}
	plain, err := load("")
	check.NoError(t, err)
	write("trees: [share]\n")
	if c, err = load(file); err != nil {
		t.Fatal(err)
	}
	if plain.Trees = []string{"share"}; !reflect.DeepEqual(*c, *plain) {
		t.Errorf("with one key the configuration is %+v, want %+v", *c, *plain)
	}
}

// TestGatewaySettingBeyondBoundIsRejected checks both sides of each setting's bound, and each invalid value alone.
func TestGatewaySettingBeyondBoundIsRejected(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config)
		why    string
	}{
		"as shipped":    {func(*config) {}, ""},
		"one session":   {func(c *config) { c.Limits.Sessions = 1 }, ""},
		"no session":    {func(c *config) { c.Limits.Sessions = 0 }, "limits"},
		"no life":       {func(c *config) { c.Limits.SessionLife = 0 }, "limits"},
		"1000 threads":  {func(c *config) { c.Limits.Threads = 1000 }, ""},
		"1001 threads":  {func(c *config) { c.Limits.Threads = 1001 }, "limits"},
		"no thread":     {func(c *config) { c.Limits.Threads = 0 }, "limits"},
		"no connection": {func(c *config) { c.Limits.Connections = 0 }, "limits"},
		"a byte":        {func(c *config) { c.Limits.LargestUpload = 1 }, ""},
		"no byte":       {func(c *config) { c.Limits.LargestUpload = 0 }, "limits"},
		"no console":    {func(c *config) { c.Console = "" }, ""},
		"no files":      {func(c *config) { c.Files = "" }, "two addresses"},
		"a high port":   {func(c *config) { c.Files = "127.0.0.1:65536" }, "invalid port"},
		"one address":   {func(c *config) { c.Console = c.Files }, "two addresses"},
		"a tree":        {func(c *config) { c.Trees = []string{"a b"} }, ""},
		"an empty tree": {func(c *config) { c.Trees = []string{"a", ""} }, "not the name of a tree"},
		"a slash":       {func(c *config) { c.Trees = []string{"a/b"} }, "not the name of a tree"},
		"a backslash":   {func(c *config) { c.Trees = []string{`a\b`} }, "not the name of a tree"},
		"a colon":       {func(c *config) { c.Trees = []string{"a:b"} }, "not the name of a tree"},
		"a certificate": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 64): "x"} }, ""},
		"63 digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 63): "x"} },
			"SHA-256"},
		"65 digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 65): "x"} },
			"SHA-256"},
		"great digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("A", 64): "x"} },
			"SHA-256"},
		"four certificates": {func(c *config) {
			c.Certificates = map[string]string{"4": "x", "2": "x", "1": "x", "3": "x"}
		}, `certificates: "1"`},
		"no account": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 64): ""} },
			"account"},
		"a key alone":            {func(c *config) { c.Key = "k" }, "together"},
		"one without a key":      {func(c *config) { c.Certificate = "c" }, "together"},
		"files for all":          {func(c *config) { c.Files = "0.0.0.0:1" }, "not a loopback address"},
		"a console for all":      {func(c *config) { c.Console = "0.0.0.0:1" }, "not a loopback address"},
		"another host":           {func(c *config) { c.Files = "files.test:1" }, "not a loopback address"},
		"this host":              {func(c *config) { c.Files = "localhost:1" }, ""},
		"all with a key":         {func(c *config) { c.Files, c.Certificate, c.Key = ":1", "c", "k" }, ""},
		"no port":                {func(c *config) { c.Console = "127.0.0.1" }, "not an address and port"},
		"names":                  {func(c *config) { c.Names = []string{"a_b-1.test", "192.0.2.1", "::1"} }, ""},
		"an empty name":          {func(c *config) { c.Names = []string{"a.test", ""} }, `names: ""`},
		"a name with a port":     {func(c *config) { c.Names = []string{"a.test:8443"} }, "without a port"},
		"an address in brackets": {func(c *config) { c.Names = []string{"[::1]"} }, "without a port or brackets"},
		"a name beyond ASCII":    {func(c *config) { c.Names = []string{"\u00e4.test"} }, "in ASCII"},
		"the longest life":       {func(c *config) { c.Limits.SessionLife = 9223372036 }, ""},
		"the longest HSTS":       {func(c *config) { c.Strict = 9223372036 }, ""},
		"a longer HSTS":          {func(c *config) { c.Strict = 9223372037 }, "at most 9223372036 seconds"},
		"a second more":          {func(c *config) { c.Limits.SessionLife = 9223372037 }, "at most 9223372036 seconds"},
		"no names":               {func(c *config) { c.Names = nil }, "names"},
		"questions":              {func(c *config) { c.AuthZEN.URL = "https://h" }, ""},
		"no rate":                {func(c *config) { c.AuthZEN.URL, c.AuthZEN.Rate = "https://h", 0 }, "Rate"},
		"a file of no types": {func(c *config) { c.AuthZEN.URL, c.AuthZEN.Types = "https://h", "config.go" },
			"authzen.types: config.go: "},
		"a device as the file of types": {func(c *config) { c.AuthZEN.URL, c.AuthZEN.Types = "https://h", "/dev/null" },
			"authzen.types: /dev/null is not a regular file"},
		"no file of types": {func(c *config) { c.AuthZEN.URL, c.AuthZEN.Types = "https://h", "/nowhere" },
			"authzen.types"},
		"questions without an address": {func(c *config) { c.AuthZEN.URL, c.Console = "https://h", "" }, "set console"},
		"an index without an address":  {func(c *config) { c.Index.Socket, c.Console = "/s", "" }, "set console"},
		"a proxy without an address": {func(c *config) { c.ForwardAuth.Proxies, c.Console = []string{"::1"}, "" },
			"set console"},
		"a proxy with a zone": {func(c *config) { c.ForwardAuth.Proxies = []string{"fe80::1%1"} }, "neither an"},
		"a negative time":     {func(c *config) { c.Strict = -1 }, "strictTransportSecurity: -1, want at most"},
		"a proxy":             {func(c *config) { c.ForwardAuth.Proxies = []string{"::1"} }, ""},
		"every proxy":         {func(c *config) { c.ForwardAuth.Proxies = []string{"0.0.0.0/0"} }, "neither an"},
		"every IPv4 address":  {func(c *config) { c.ForwardAuth.Proxies = []string{"::ffff:0:0/96"} }, "neither an"},
		"a link-local proxy":  {func(c *config) { c.ForwardAuth.Proxies = []string{"fe80::1"} }, "link-local"},
		"a local network":     {func(c *config) { c.ForwardAuth.Proxies = []string{"fe80::/64"} }, "link-local"},
		"a mapped network":    {func(c *config) { c.ForwardAuth.Proxies = []string{"::ffff:0:0/95"} }, "neither an"},
		"a proxy by name":     {func(c *config) { c.ForwardAuth.Proxies = []string{"localhost"} }, "neither an"},
		"one header": {func(c *config) {
			c.ForwardAuth.Proxies, c.ForwardAuth.Right = []string{"::1"},
				"x-forwarded-uri"
		}, "different headers"},
		"no level": {func(c *config) { c.Log.Level = "" }, "log.level"},
	} {
		cfg, err := load("")
		check.NoError(t, err)
		c.change(cfg)
		if err := cfg.check(); (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	cfg, err := load(written(t, "limits: {sessionLife: 7}\nlog: {level: warn}\n"))
	if err != nil || cfg.life != 7*time.Second || cfg.level != slog.LevelWarn || cfg.Limits.Threads != 64 {
		t.Errorf("the configuration is %+v, %v, want sessions of %v, log level %v, 64 threads, no error", cfg, err,
			7*time.Second, slog.LevelWarn)
	}
}

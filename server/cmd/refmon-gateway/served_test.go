package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/server/gateway"
)

// TestBoundsOfSettings: each bound of a setting from both sides, and each thing that is wrong alone.
func TestBoundsOfSettings(t *testing.T) {
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
		"one address":   {func(c *config) { c.Console = c.Files }, "two addresses"},
		"a tree":        {func(c *config) { c.Trees = []string{"a b"} }, ""},
		"an empty tree": {func(c *config) { c.Trees = []string{"a", ""} }, "no name of a tree"},
		"a slash":       {func(c *config) { c.Trees = []string{"a/b"} }, "no name of a tree"},
		"a backslash":   {func(c *config) { c.Trees = []string{`a\b`} }, "no name of a tree"},
		"a colon":       {func(c *config) { c.Trees = []string{"a:b"} }, "no name of a tree"},
		"a certificate": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 64): "x"} }, ""},
		"63 digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 63): "x"} },
			"SHA-256"},
		"65 digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 65): "x"} },
			"SHA-256"},
		"great digits": {func(c *config) { c.Certificates = map[string]string{strings.Repeat("A", 64): "x"} },
			"SHA-256"},
		"no account":        {func(c *config) { c.Certificates = map[string]string{strings.Repeat("a", 64): ""} }, "account"},
		"a key alone":       {func(c *config) { c.Key = "k" }, "together"},
		"one without a key": {func(c *config) { c.Certificate = "c" }, "together"},
		"files for all":     {func(c *config) { c.Files = "0.0.0.0:1" }, "no loopback address"},
		"a console for all": {func(c *config) { c.Console = "0.0.0.0:1" }, "no loopback address"},
		"another host":      {func(c *config) { c.Files = "files.test:1" }, "no loopback address"},
		"this host":         {func(c *config) { c.Files = "localhost:1" }, ""},
		"all with a key":    {func(c *config) { c.Files, c.Certificate, c.Key = ":1", "c", "k" }, ""},
		"no port":           {func(c *config) { c.Console = "127.0.0.1" }, "no address and port"},
		"no names":          {func(c *config) { c.Names = nil }, "names"},
		"no level":          {func(c *config) { c.Log.Level = "" }, "log.level"},
	} {
		cfg, err := load("")
		if err != nil {
			t.Fatal(err)
		}
		c.change(cfg)
		if err := cfg.check(); (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	cfg, err := load(written(t, "limits: {sessionLife: 7}\nlog: {level: warn}\n"))
	if err != nil || cfg.life != 7*time.Second || cfg.level != slog.LevelWarn || cfg.Limits.Threads != 64 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// TestChannels: a ticket is bound to a certificate that was signed with SHA-256 or less, and to none with a longer hash
// (RFC 5929, 4.1).
func TestChannels(t *testing.T) {
	for algorithm, bound := range map[x509.SignatureAlgorithm]bool{x509.SHA256WithRSA: true, x509.ECDSAWithSHA256: true,
		x509.SHA1WithRSA: true, x509.MD5WithRSA: true, x509.SHA256WithRSAPSS: true, x509.SHA384WithRSA: false,
		x509.ECDSAWithSHA384: false, x509.SHA384WithRSAPSS: false, x509.SHA512WithRSA: false, x509.ECDSAWithSHA512: false,
		x509.SHA512WithRSAPSS: false, x509.PureEd25519: false} {
		got := channel(&tls.Certificate{Leaf: &x509.Certificate{Raw: []byte("raw"), SignatureAlgorithm: algorithm}})
		// base64 of "tls-server-end-point:" and the SHA-256 of "raw".
		const want = "dGxzLXNlcnZlci1lbmQtcG9pbnQ6"
		if (got != "") != bound || bound && (!strings.HasPrefix(got, want) || len(got) != 72) {
			t.Errorf("%v: %q", algorithm, got)
		}
	}
	if got := channel(&tls.Certificate{}); got != "" {
		t.Errorf("of no certificate: %q", got)
	}
}

// TestCertificateMadeAnew: one of less than a month, one without its key and one that cannot be read are made anew;
// one of a
// configuration is never made.
func TestCertificateMadeAnew(t *testing.T) {
	c := config{settings: settings{State: t.TempDir(), Names: []string{"localhost", "127.0.0.1", "::1"}}}
	first, made, err := c.certificate()
	if err != nil || made != filepath.Join(c.State, "loopback.pem") {
		t.Fatal(made, err)
	}
	leaf := first.Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life != 365*24*time.Hour+time.Hour || len(leaf.IPAddresses) != 2 ||
		len(leaf.DNSNames) != 1 || leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature ||
		len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || time.Now().Before(leaf.NotBefore) {
		t.Errorf("%v, %+v", life, leaf)
	}
	key := filepath.Join(c.State, "loopback.key")
	for _, spoil := range []func() error{func() error { return os.Remove(key) },
		func() error { return os.WriteFile(made, []byte("x"), 0o600) }} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		again, at, err := c.certificate()
		if err != nil || at != made || bytes.Equal(again.Certificate[0], first.Certificate[0]) {
			t.Errorf("it is not made anew: %s, %v", at, err)
		}
	}
	given := config{settings: settings{State: t.TempDir(), Certificate: made, Key: key}}
	if cert, at, err := given.certificate(); err != nil || at != "" || len(cert.Certificate) != 1 {
		t.Errorf("of a configuration: %q, %v", at, err)
	}
	given.Key = "/none"
	if _, _, err := given.certificate(); err == nil {
		t.Error("one that cannot be read is made")
	}
	if names, _ := os.ReadDir(given.State); len(names) != 0 {
		t.Errorf("made are %v", names)
	}
}

// noted is a log that any goroutine may write.
type noted struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (n *noted) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

func (n *noted) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

var readyAt = regexp.MustCompile(`msg=ready (files|console)=(https://[^\s]+)`)

// TestBothAddresses: files are served at one address and the console at the other, until the end is told; where one
// address
// cannot be had neither is served.
func TestBothAddresses(t *testing.T) {
	cfg, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	cfg.State, cfg.Files, cfg.Console = t.TempDir(), "127.0.0.1:0", "localhost:0"
	cert, _, err := cfg.certificate()
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Dial: func() (*client.Conn, error) { return nil, os.ErrNotExist },
		Names: cfg.Names})
	if err != nil {
		t.Fatal(err)
	}
	var out noted
	log := slog.New(slog.NewTextHandler(&out, nil))
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- cfg.serve(ctx, g, &cert, log) }()
	at := map[string]string{}
	for begun := time.Now(); len(at) < 2; time.Sleep(time.Millisecond) {
		for _, m := range readyAt.FindAllStringSubmatch(out.text(), -1) {
			at[m[1]] = m[2]
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("it is not ready: %s", out.text())
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	ask := func(where, path string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at[where]+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			return "none"
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return fmt.Sprint(answer.StatusCode, " ", string(b))
	}
	const busy, absent = "503 refmond cannot serve this now\n", "404 there is nothing of that name\n"
	for _, c := range [][3]string{{"files", "/health", busy}, {"console", "/health", busy}, {"files", "/share/x", busy},
		{"console", "/share/x", absent}, {"console", "/trail", busy}} {
		if got := ask(c[0], c[1]); got != c[2] {
			t.Errorf("%s%s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	transport.CloseIdleConnections()
	end()
	if err := errors.Join(<-served, g.Close()); err != nil {
		t.Errorf("told to end: %v", err)
	}
	for where := range at {
		if got := ask(where, "/"); got != "none" {
			t.Errorf("after the end %s says %q", where, got)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg.Files = taken.Addr().String()
	if err := cfg.serve(t.Context(), g, &cert, log); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("an address that is taken: %v", err)
	}
}

package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
)

// local is a forward-auth configuration for proxies of this host.
func local(c *Config) {
	c.ForwardAuth = ForwardAuth{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Path: "X-Forwarded-Uri",
		Right: "X-Refmon-Right"}
}

// forward sends a proxy's request to the endpoint and returns the response.
func (w *world) forward(user, from string, headers ...string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), http.MethodGet, "https://other.test"+ForwardAuthPath, nil)
	r.RemoteAddr = from
	r.TLS.PeerCertificates = []*x509.Certificate{{Raw: []byte("proxy")}}
	if user != "" {
		name, password, _ := strings.Cut(user, ":")
		r.SetBasicAuth(name, password)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.g.Console().ServeHTTP(rec, r)
	return rec
}

// TestForwardAuthNeedsOnePathAndRight checks the three statuses, and that a request which is not exactly one path and
// one right from a proxy of the configuration is denied (G-66, G-67). The proxy's own certificate logs no client on.
func TestForwardAuthNeedsOnePathAndRight(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})", local, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&out, nil))
		c.Certificates = map[string]string{fmt.Sprintf("%x", sha256.Sum256([]byte("proxy"))): "alice"}
	})
	w.file("f", "x", "O:BAG:SYD:P(A;;FR;;;{alice})")
	w.file("ä b", "x", "O:BAG:SYD:P(A;;FR;;;{alice})")
	const here, path, right = "127.0.0.1:5", "X-Forwarded-Uri", "X-Refmon-Right"
	for _, c := range []struct {
		name, user, from string
		headers          []string
		want             int
	}{
		{"allowed", "alice:pw-x", here, []string{path, "/share/f", right, "read"}, 200},
		{"a query", "alice:pw-x", here, []string{path, "/share/f?a=/../b", right, "read"}, 200},
		{"an encoded name", "alice:pw-x", here, []string{path, "/share/%C3%A4%20b", right, "read"}, 200},
		{"IPv4 in IPv6", "alice:pw-x", "[::ffff:127.0.0.1]:5", []string{path, "/share/f", right, "read"}, 200},
		{"another right", "alice:pw-x", here, []string{path, "/share/f", right, "write"}, 403},
		{"another user", "bob:pw-x", here, []string{path, "/share/f", right, "read"}, 403},
		{"a missing file", "alice:pw-x", here, []string{path, "/share/g", right, "read"}, 403},
		{"a missing tree", "alice:pw-x", here, []string{path, "/other/f", right, "read"}, 403},
		{"no credential", "", here, []string{path, "/share/f", right, "read"}, 401},
		{"a wrong password", "alice:wrong", here, []string{path, "/share/f", right, "read"}, 401},
		{"another host", "alice:pw-x", "10.0.0.1:5", []string{path, "/share/f", right, "read"}, 403},
		{"no address", "alice:pw-x", "@", []string{path, "/share/f", right, "read"}, 403},
		{"no path", "alice:pw-x", here, []string{right, "read"}, 403},
		{"no right", "alice:pw-x", here, []string{path, "/share/f"}, 403},
		{"two paths", "alice:pw-x", here, []string{path, "/share/f", path, "/share/f", right, "read"}, 403},
		{"two rights", "alice:pw-x", here, []string{path, "/share/f", right, "read", right, "read"}, 403},
		{"an unknown right", "alice:pw-x", here, []string{path, "/share/f", right, "GET"}, 403},
		{"the maximum", "alice:pw-x", here, []string{path, "/share/f", right, "MAXIMUM_ALLOWED"}, 403},
		{"an alternative", "alice:pw-x", here, []string{path, "/share/f", right, "control"}, 403},
		{"a dotted path", "alice:pw-x", here, []string{path, "/share/./f", right, "read"}, 403},
		{"an encoded dot", "alice:pw-x", here, []string{path, "/share/x/%2e%2e/f", right, "read"}, 403},
		{"an encoded slash", "alice:pw-x", here, []string{path, "/share%2ff", right, "read"}, 403},
		{"two slashes", "alice:pw-x", here, []string{path, "/share//f", right, "read"}, 403},
		{"slashes in front", "alice:pw-x", here, []string{path, "//share/f", right, "read"}, 403},
		{"a whole URL", "alice:pw-x", here, []string{path, "https://h/share/f", right, "read"}, 403},
		{"a fragment", "alice:pw-x", here, []string{path, "/share/f#x", right, "read"}, 403},
		{"a scheme", "alice:pw-x", here, []string{path, "x:/share/f", right, "read"}, 403},
		{"the root without a credential", "", here, []string{path, "/", right, "read"}, 403},
		{"the root", "alice:pw-x", here, []string{path, "/", right, "read"}, 403},
		{"a directory", "alice:pw-x", here, []string{path, "/share", right, "read"}, 200},
		{"a directory with its slash", "alice:pw-x", here, []string{path, "/share/?a", right, "read"}, 403},
	} {
		got := w.forward(c.user, c.from, c.headers...)
		if got.Code != c.want || (got.Code == 401) != (got.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d %v, want %d", c.name, got.Code, got.Header(), c.want)
		}
	}
	for range 4 {
		w.forward("alice:wrong", here, path, "/share/f", right, "read")
	}
	check.Equal(t, w.forward("alice:wrong", here, path, "/share/f", right, "read").Code, 403, "too many wrong passwords")
	w.must(w.g.Close())
	check.Equal(t, w.forward("alice:pw-x", here, path, "/share/f", right, "read").Code, 403, "without refmond")
	// The log names the administrator's mistakes: the nine rows from another host to an alternative, and the last.
	check.Equal(t, strings.Count(out.String(), "cannot decide about"), 10, "lines of "+out.String())
	for _, part := range []string{"forwardAuth.proxies", "X-Forwarded-Uri 0 times", "X-Refmon-Right 2 times", `\"GET\"`} {
		check.That(t, strings.Contains(out.String(), part), "no line has %s: %s", part, out.String())
	}
}

// TestForwardAuthLogsUntriedLogon checks that a 403 for a logon that refmond did not try has a line in the log, because
// the client's credentials may be right (G-66).
func TestForwardAuthLogsUntriedLogon(t *testing.T) {
	var out bytes.Buffer
	var a *refusing
	w := newWorldOf(t, shared, func(s *lsa.Store) logon.Authority { a = &refusing{Store: s}; return a }, local,
		func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	a.status.Store(uint32(ntstatus.NoLogonServers))
	got := w.forward("alice:pw-x", "127.0.0.1:5", "X-Forwarded-Uri", "/share/f", "X-Refmon-Right", "read")
	check.Equal(t, got.Code, 403, "G-66: a logon that was not tried")
	check.That(t, strings.Contains(out.String(), "STATUS_NO_LOGON_SERVERS"), "no line for the 403: %q", out.String())
}

// TestForwardAuthCountsWrongPasswordsPerClient checks that the wrong passwords of one client of a proxy do not refuse
// another one, and that a request without exactly one address is denied (G-67, L-65).
func TestForwardAuthCountsWrongPasswordsPerClient(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})", func(c *Config) {
		local(c)
		c.ForwardAuth.Client = "X-Client"
	})
	w.file("f", "x", "O:BAG:SYD:P(A;;FR;;;{alice})")
	ask := func(password string, more ...string) int {
		more = append(more, "X-Forwarded-Uri", "/share/f", "X-Refmon-Right", "read")
		return w.forward("alice:"+password, "127.0.0.1:5", more...).Code
	}
	for range wrongOfName {
		check.Equal(t, ask("wrong", "X-Client", "192.0.2.1"), 401, "G-67: a wrong password")
	}
	for _, c := range []struct {
		name   string
		client []string
		want   int
	}{
		{"the client of the wrong passwords", []string{"X-Client", "192.0.2.1"}, 403},
		{"as IPv6", []string{"X-Client", "::ffff:192.0.2.1"}, 403},
		{"no address", nil, 403}, {"two addresses", []string{"X-Client", "192.0.2.2", "X-Client", "192.0.2.3"}, 403},
		{"a list", []string{"X-Client", "192.0.2.2, 192.0.2.3"}, 403}, {"a port", []string{"X-Client", "192.0.2.2:1"}, 403},
		{"another client", []string{"X-Client", "192.0.2.2"}, 200},
	} {
		check.Equal(t, ask("pw-x", c.client...), c.want, "G-67: "+c.name)
	}
	got, err := w.g.cfg.ForwardAuth.fromClient(w.request("", "GET", "/", "", "X-Client", "fe80::1%eth0"))
	check.That(t, err == nil && got.RemoteAddr == "[fe80::1]:0", "L-65: an address with a zone: %+v, %v", got, err)
}

// TestForwardAuthIs404WithoutProxies checks that without proxies the endpoint does not exist, and that a configuration
// needs two headers.
func TestForwardAuthIs404WithoutProxies(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	if got := w.forward("alice:pw-x", "127.0.0.1:5", "X-Forwarded-Uri", "/share/", "X-Refmon-Right",
		"read"); got.Code != 404 {
		t.Errorf("status %d, want 404", got.Code)
	}
	for _, names := range [][3]string{{"", "b"}, {"a", ""}, {"a", "A"}, {"a", "b", "A"}, {"a", "b", "B"}} {
		cfg := Config{Dial: w.g.cfg.Dial}
		local(&cfg)
		cfg.ForwardAuth.Path, cfg.ForwardAuth.Right, cfg.ForwardAuth.Client = names[0], names[1], names[2]
		check.That(t, check.Err(New(cfg)) != nil, "headers %q are accepted", names)
	}
}

// nginxConfig serves a folder with auth_request to the gateway. A client cannot choose the right or the path.
const nginxConfig = `
daemon off;
pid DIR/pid;
error_log DIR/error.log;
events {}
http {
	access_log off;
	client_body_temp_path DIR/t1; proxy_temp_path DIR/t2;
	fastcgi_temp_path DIR/t3; uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
	server {
		listen unix:DIR/http.sock;
		location /share/ {
			auth_request /refmon;
			alias TREE/;
		}
		location = /refmon {
			internal;
			proxy_pass GATEWAY` + ForwardAuthPath + `;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header X-Forwarded-Uri $request_uri;
			proxy_set_header X-Refmon-Right read;
		}
	}
}
`

// TestNginxAuthRequestPasses401And403 checks that auth_request of Debian's nginx passes 401 and 403 on, and that
// headers of the client do not reach the gateway (G-66, G-67).
func TestNginxAuthRequestPasses401And403(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		check.RequireThat(t, os.Getenv("REFMON_WEB") != "required", "%v", err)
		t.Skip("nginx is not installed")
	}
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;{alice})", local)
	w.file("f", "content of f", "O:BAG:SYD:P(A;;FR;;;{alice})")
	w.file("g", "content of g", "O:BAG:SYD:P(A;;FR;;;{bob})")
	w.folder("d", "O:BAG:SYD:P(A;;FA;;;{alice})")
	w.file("d/index.html", "content of d", "O:BAG:SYD:P(A;;FR;;;{bob})")
	dir := t.TempDir()
	config := strings.NewReplacer("DIR", dir, "TREE", w.root, "GATEWAY",
		w.console.URL).Replace("user root;" + nginxConfig)
	write(t, filepath.Join(dir, "nginx.conf"), []byte(config))
	cmd := exec.CommandContext(t.Context(), nginx, "-c", filepath.Join(dir, "nginx.conf"), "-p", dir)
	cmd.Stderr = t.Output()
	// The context ends before the cleanup. A killed master would leave its worker behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	w.must(cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // an error means that the context ended
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "http.sock"))
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("unix", filepath.Join(dir, "http.sock")); err == nil {
			_ = c.Close()
			break
		}
	}
	for _, c := range []struct {
		user, path string
		want       int
		headers    []string
	}{
		{"alice", "/share/f", 200, nil},
		{"bob", "/share/f", 403, nil},
		{"alice", "/share/g", 403, nil},
		{"bob", "/share/g", 200, nil},
		{"", "/share/f", 401, nil},
		{"alice", "/share/missing", 403, nil},
		{"alice", "/share//g", 403, nil},
		{"alice", "/share/x/../g", 403, nil},
		{"alice", "/share/%67", 403, nil},
		{"alice", "/share/%66?x=1", 200, nil},
		{"alice", "/share/d", 301, nil},
		{"alice", "/share/d/", 403, nil}, // nginx serves index.html in it
		{"alice", "/share/g", 403, []string{"X-Forwarded-Uri", "/share/f"}},
		{"alice", "/share/g", 403, []string{"X-Forwarded-Uri", "/share/f", "X-Refmon-Right", "SYNCHRONIZE"}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://nginx.test"+c.path, nil)
		w.must(err)
		if c.user != "" {
			r.SetBasicAuth(c.user, "pw-x")
		}
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
		got := check.Must(client.Do(r))
		_ = got.Body.Close()
		if got.StatusCode != c.want || got.StatusCode == http.StatusUnauthorized && got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s gets %s with %q: %d, want %d", c.user, c.path, c.headers, got.StatusCode, c.want)
		}
	}
}

// TestHandlersAnswerInJSON checks the endpoints behind the checks of the gateway: the metadata, a batch, the echo of
// X-Request-ID even for a rejected client, and the rejection of a page of another site.
func TestHandlersAnswerInJSON(t *testing.T) {
	w := newWorld(t, openToPEP, everyoneAsks)
	w.file("f", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;FR;;;{alice})")
	ask := func(method, path, body, user string, headers ...string) *httptest.ResponseRecorder {
		rec := w.onConsole(user, method, path, body, append(headers, "X-Request-ID", "id 1")...)
		check.That(t, rec.Header().Get("X-Request-Id") == "id 1", "%s %s: no echo of X-Request-ID", method, path)
		return rec
	}
	var of struct {
		Point string `json:"policy_decision_point"`
	}
	got := ask(http.MethodGet, "/.well-known/authzen-configuration", "", "")
	if err := json.Unmarshal(got.Body.Bytes(), &of); err != nil || of.Point != "https://localhost" {
		t.Errorf("metadata: %v %s", err, got.Body)
	}
	check.Equal(t, ask(http.MethodDelete, "/.well-known/authzen-configuration", "", "").Code, 405, "another method")
	batch := `{"action":{"name":"read"},"resource":{"type":"file","id":"/share/f"},"evaluations":[`
	for i, who := range []string{"alice", "bob"} {
		batch += strings.Repeat(",", min(i, 1)) + fmt.Sprintf(`{"subject":{"type":"user","id":%s}}`, strconv.Quote(who))
	}
	got = ask(http.MethodPost, "/access/v1/evaluations", batch+"]}", "carol")
	if got.Code != 200 || !strings.HasPrefix(got.Body.String(),
		`{"evaluations":[{"decision":true},{"decision":false,`) {
		t.Errorf("a batch: %d %s", got.Code, got.Body)
	}
	if got = ask(http.MethodPost, "/access/v1/evaluations", batch+"]}", "carol", "Origin",
		"https://evil.test"); got.Code != 403 {
		t.Errorf("from another site: %d", got.Code)
	}
}

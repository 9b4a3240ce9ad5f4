package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
)

// TestOperations: the daemon's own user reads metrics and profiles at a socket in the
// state folder, and others are turned away (W-30).
func TestOperations(t *testing.T) {
	s, cfg, err := demoDaemon(t.TempDir(), &streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c, err := client.Dial(cfg.Socket)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(cfg.State, operationsSocket)
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", at) }}}
	get := func(path string) string {
		r, err := web.Get("http://refmond" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, r.Status, err)
		}
		return string(b)
	}
	value := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(get("/metrics"))
		if m == nil {
			t.Fatalf("no metric %s:\n%s", name, get("/metrics"))
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := value("refmond_calls_total")
	for range 10 {
		c.Thread().NtClose(4)
	}
	// A call is counted at the end of its turn, which may come after its answer.
	for end := time.Now().Add(time.Minute); value("refmond_calls_total") < before+10 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if after := value("refmond_calls_total"); after != before+10 {
		t.Errorf("%g calls after 10 more than %g", after, before)
	}
	if n := value("refmond_connections"); n != 1 {
		t.Errorf("%g connections, want 1", n)
	}
	if !strings.Contains(get("/debug/pprof/"), "goroutine") {
		t.Error("no profiles")
	}
	if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if !mayOperate(0) || !mayOperate(uint32(os.Geteuid())) || mayOperate(uint32(os.Geteuid())+1) {
		t.Error("another user is told how the daemon does")
	}
	_ = c.Close()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(at); err == nil {
		t.Error("the socket is left")
	}
}

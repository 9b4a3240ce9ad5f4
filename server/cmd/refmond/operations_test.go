package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
)

// TestOperationsSocketServesOnlyDaemonUser checks that the daemon's own user can read metrics and profiles at a socket
// in the state folder, and that other users are rejected (W-30).
func TestOperationsSocketServesOnlyDaemonUser(t *testing.T) {
	s, cfg, err := demoDaemon(t.TempDir(), &streams{out: io.Discard, err: io.Discard})
	check.NoError(t, err)
	stop := serving(t, s)
	c, err := client.Dial(cfg.Socket)
	check.NoError(t, err)
	at := filepath.Join(cfg.State, operationsSocket)
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", at) }}}
	get := func(path string) string {
		r, err := web.Get("http://refmond" + path)
		check.NoError(t, err)
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		check.RequireThat(t, err == nil && r.StatusCode == http.StatusOK, "%s: %s, %v", path, r.Status, err)
		return string(b)
	}
	value := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(get("/metrics"))
		if m == nil {
			t.Fatalf("no metric %s:\n%s", name, get("/metrics"))
		}
		v := check.Must(strconv.ParseFloat(m[1], 64))
		return v
	}
	before := value("refmond_calls_total")
	for range 10 {
		c.Thread().NtClose(4)
	}
	after := value("refmond_calls_total")
	check.That(t, after == before+10, "%g calls after 10 more than %g, want %g", after, before, before+10)
	check.That(t, strings.Contains(get("/debug/pprof/"), "goroutine"), "no profiles")
	if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the operations socket: %v, %v, want mode 0600, no error", info, err)
	}
	check.That(t, mayOperate(0) && mayOperate(uint32(os.Geteuid())) && !mayOperate(uint32(os.Geteuid())+1),
		"mayOperate must accept root and the daemon's own user, and reject all others")
	_ = c.Close()
	stop()
	check.That(t, check.Err(os.Stat(at)) != nil, "the socket is left")
	check.ErrorIs(t, s.stopping.Err(), context.Canceled, "logons of the directory after the end")
}

// TestMetricsPrintEachCounter checks that each counter has its own name, and an account's quota its uid.
func TestMetricsPrintEachCounter(t *testing.T) {
	var out strings.Builder
	writeMetrics(&out, daemon.Stats{Connections: 1, Users: 2, Refused: 3, Calls: 4, Served: 5 * time.Second, Denied: 6,
		RecordsLeftOut: 7, Watchers: 8, Objects: 9, Handles: 10, References: 11, Charged: 12,
		Quotas: []daemon.Quota{{UID: 14, Administrator: true, Used: 13, Limit: 15}}})
	writeTrail(&out, &trailState{State: auditlog.State{Records: 14, Lost: 15, Bytes: 16, Since: time.Unix(17, 0),
		Free: 18, Reserved: 19, Reserve: 99}})
	for i, name := range []string{"connections", "users", "refused_total", "calls_total", "service_seconds_total",
		"denied_total", "audit_left_out_total", "watchers", "objects", "handles", "references", "charged_bytes",
		`quota_used_bytes{uid="14",administrator="true"}`, "audit_records_total", "audit_lost_total", "audit_bytes",
		"audit_oldest_seconds", "audit_free_bytes", "audit_reserve_bytes"} {
		line := fmt.Sprintf("\nrefmond_%s %d\n", name, i+1)
		check.That(t, strings.Contains(out.String(), line), "no line %q in the metrics\n%s", line, &out)
	}
}

// strange is a uid without an account.
const strange = 65533

// TestOperationsSocketRejectsOtherUsers checks that the operations socket hangs up on another user before it reads a
// request, and that it serves the next client (W-30).
func TestOperationsSocketRejectsOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@refmond-strangers-" + strconv.Itoa(os.Getpid()), Net: "unix"})
	check.NoError(t, err)
	served := make(chan uint32, 3)
	go func() {
		defer close(served)
		for {
			c, err := own{l}.Accept()
			if err != nil {
				return
			}
			uid, _ := auth.UID(c.(*net.UnixConn))
			served <- uid
			_ = c.Close()
		}
	}()
	for _, who := range []int{strange, 0, strange} {
		if _, err := asuser.Run(who, who, func() ([]byte, error) {
			c, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
			if err != nil {
				return nil, err
			}
			defer c.Close()
			return io.ReadAll(c) // returns when the server closes the connection
		}); err != nil {
			t.Errorf("uid %d: %v, want the end of the connection", who, err)
		}
	}
	_ = l.Close()
	var list []uint32
	for uid := range served {
		list = append(list, uid)
	}
	check.That(t, slices.Equal(list, []uint32{0}), "served were the uids %v, want root alone", list)
}

// TestOperationsReplacesStaleSocketsOnly checks that a stale socket at the path is replaced, and any other file and a
// socket on which a program listens stay (W-16).
func TestOperationsReplacesStaleSocketsOnly(t *testing.T) {
	dir := t.TempDir()
	file, stale, used := filepath.Join(dir, "file"), filepath.Join(dir, "stale"), filepath.Join(dir, "used")
	check.NoError(t, os.WriteFile(file, []byte("kept"), 0o600))
	for _, at := range []string{stale, used} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
		check.NoError(t, err)
		l.SetUnlinkOnClose(false)
		if at == used {
			defer l.Close()
		} else if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for at, replaced := range map[string]bool{file: false, stale: true, used: false} {
		before := check.Must(os.Lstat(at))
		o, err := operate(at, func(io.Writer) {}, nil, func() uint64 { return 0 }, slog.New(slog.DiscardHandler))
		if (err == nil) != replaced {
			t.Errorf("W-16: operate(%s): %v, want success %t", filepath.Base(at), err, replaced)
		}
		after, statErr := os.Lstat(at)
		if statErr != nil || !replaced && !os.SameFile(before, after) || replaced && after.Mode().Perm() != 0o600 {
			t.Errorf("W-16: %s afterwards: %v, error %v, want replaced %t", filepath.Base(at), after, statErr, replaced)
		}
		if err == nil {
			check.NoError(t, o.close())
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "kept" {
		t.Errorf("W-16: the file holds %q, error %v, want %q", b, err, "kept")
	}
}

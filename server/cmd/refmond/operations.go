package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/daemon"
)

// operationsSocket is the name of the socket, below the state folder, at which a
// daemon tells its metrics and profiles.
const operationsSocket = "operations.sock"

// operations answers HTTP at a socket for the daemon's own user and root, and for no
// other (W-30).
type operations struct {
	server http.Server
	ended  chan error
}

// operate starts to answer. The state folder's lock is held, so that a socket that is
// there is stale.
func operate(state string, stats func() daemon.Stats, log *slog.Logger) (*operations, error) {
	at := filepath.Join(state, operationsSocket)
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("operations: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	if err := os.Chmod(at, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("operations: %w", err), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writeMetrics(w, stats())
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	o := &operations{ended: make(chan error, 1)}
	o.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	go func() { o.ended <- o.server.Serve(own{l}) }()
	return o, nil
}

// close ends the answers.
func (o *operations) close() error {
	err := o.server.Close()
	if ended := <-o.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// own hands out the connections of the daemon's own user and of root.
type own struct{ *net.UnixListener }

// Accept implements net.Listener.
func (l own) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peerUID(c); err == nil && mayOperate(uid) {
			return c, nil
		}
		_ = c.Close()
	}
}

// mayOperate reports whether a user is told how the daemon does. W-30
func mayOperate(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

func peerUID(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}

// writeMetrics writes the counts in the text format of Prometheus.
func writeMetrics(w io.Writer, s daemon.Stats) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, x := range []struct {
		name, kind, help string
		value            float64
	}{
		{"refmond_connections", "gauge", "Connections, each a process.", float64(s.Connections)},
		{"refmond_users", "gauge", "Users of the host that are connected.", float64(s.Users)},
		{"refmond_refused_total", "counter", "Connections and threads beyond a bound.", float64(s.Refused)},
		{"refmond_calls_total", "counter", "Services performed.", float64(s.Calls)},
		{"refmond_service_seconds_total", "counter", "Time spent in services.", s.Served.Seconds()},
		{"refmond_denied_total", "counter", "Calls that were denied.", float64(s.Denied)},
		{"refmond_watchers", "gauge", "Connections that watch calls.", float64(s.Watchers)},
		{"refmond_objects", "gauge", "Objects of the kernel.", float64(s.Objects)},
		{"refmond_handles", "gauge", "Open handles.", float64(s.Handles)},
		{"refmond_references", "gauge", "References on objects.", float64(s.References)},
		{"refmond_goroutines", "gauge", "Goroutines of the daemon.", float64(runtime.NumGoroutine())},
		{"refmond_heap_bytes", "gauge", "Heap in use.", float64(m.HeapInuse)},
	} {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", x.name, x.help, x.name, x.kind, x.name, x.value)
	}
}

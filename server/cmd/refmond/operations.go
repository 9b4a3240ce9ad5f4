package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"time"

	"github.com/refmon/refmon/auditlog"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
)

// operationsSocket is the name of the socket for metrics and profiles in the state folder.
const operationsSocket = "operations.sock"

// operations serves HTTP on a socket for the daemon's own user and root only (W-30).
type operations struct {
	server http.Server
	ended  chan error
}

// operate starts the HTTP server for operators on the Unix socket at. An existing file is replaced only if it is a
// socket on which no program listens (W-16). The caller closes the server. l is the audit log; if nil, /audit returns
// 404. An error of serving is sent to ended.
func operate(at string, metrics func(io.Writer), l *auditlog.Log, leftOut func() uint64,
	log *slog.Logger) (*operations, error) {
	socket, err := daemon.ListenPrivate(at)
	if err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		metrics(w)
		if l != nil {
			if s, err := stateOf(l); err == nil {
				writeTrail(w, &s)
			}
		}
	})
	mux.HandleFunc("GET /audit", func(w http.ResponseWriter, _ *http.Request) {
		if l == nil {
			http.Error(w, "no records are kept", http.StatusNotFound)
			return
		}
		s, err := stateOf(l)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(trailReport{s, leftOut()}) // an error means that the client has disconnected
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	o := &operations{ended: make(chan error, 1)}
	o.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	go func() { o.ended <- o.server.Serve(own{socket}) }()
	return o, nil
}

// close stops the server.
func (o *operations) close() error {
	err := o.server.Close()
	if ended := <-o.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// own is a listener that accepts only connections of the daemon's own user and of root.
type own struct{ *net.UnixListener }

// Accept waits for a connection of a user that may operate the daemon, and closes those of others. It implements
// net.Listener. Each rejected connection is closed without an answer.
func (l own) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := auth.UID(c); err == nil && mayOperate(uid) {
			return c, nil
		}
		_ = c.Close()
	}
}

// mayOperate reports whether a user may read metrics and profiles (W-30).
func mayOperate(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

// writeMetrics writes the metrics of the daemon and of each account's quota in the text format of Prometheus. It
// ignores errors of w.
func writeMetrics(w io.Writer, s daemon.Stats) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, x := range []metric{
		{"refmond_connections", "gauge", "Connections, each a process.", float64(s.Connections)},
		{"refmond_users", "gauge", "Users of the host that are connected.", float64(s.Users)},
		{"refmond_refused_total", "counter", "Connections and threads beyond a bound.", float64(s.Refused)},
		{"refmond_calls_total", "counter", "Calls that were answered.", float64(s.Calls)},
		{"refmond_service_seconds_total", "counter", "Time spent in services.", s.Served.Seconds()},
		{"refmond_denied_total", "counter", "Calls that were denied.", float64(s.Denied)},
		{"refmond_audit_left_out_total", "counter", "Audit records of connections and unchecked logons beyond a user's rate.",
			float64(s.RecordsLeftOut)},
		{"refmond_watchers", "gauge", "Connections that watch calls.", float64(s.Watchers)},
		{"refmond_objects", "gauge", "Objects of the kernel.", float64(s.Objects)},
		{"refmond_handles", "gauge", "Open handles.", float64(s.Handles)},
		{"refmond_references", "gauge", "References on objects.", float64(s.References)},
		{"refmond_goroutines", "gauge", "Goroutines of the daemon.", float64(runtime.NumGoroutine())},
		{"refmond_heap_bytes", "gauge", "Heap in use.", float64(m.HeapInuse)},
		{"refmond_charged_bytes", "gauge", "Bytes that clients have refmond keep.", float64(s.Charged)},
	} {
		x.write(w)
	}
	fmt.Fprint(w, "# HELP refmond_quota_used_bytes Bytes that one account has refmond keep.\n"+
		"# TYPE refmond_quota_used_bytes gauge\n")
	for _, q := range s.Quotas {
		fmt.Fprintf(w, "refmond_quota_used_bytes{uid=\"%d\",administrator=\"%t\"} %d\n", q.UID, q.Administrator, q.Used)
	}
}

// metric is one value in the text format of Prometheus.
type metric struct {
	name, kind, help string
	value            float64
}

// write writes the metric in the text format of Prometheus. It ignores errors.
func (m *metric) write(w io.Writer) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", m.name, m.help, m.name, m.kind, m.name, m.value)
}

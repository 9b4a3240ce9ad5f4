package queries

import (
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMalformedServerReplyFallsBackToFolder checks that the client reads the index from its folder if the server's
// reply is malformed, too short or missing.
func TestMalformedServerReplyFallsBackToFolder(t *testing.T) {
	type response struct {
		status int
		body   string
	}
	var next atomic.Pointer[response]
	dir := t.TempDir()
	l := check.Must(net.Listen("unix", filepath.Join(dir, SocketName)))
	s := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r := next.Load()
		if r.status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.body)
	})}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	c, err := Dial(dir)
	check.NoError(t, err)
	defer c.Close()
	check.Equal(t, c.http.Timeout, 15*time.Second, "longest wait for an answer")
	for _, x := range []struct {
		status int
		body   string
		noRun  bool
	}{
		{200, `{"current":true,"answers":[]}`, true}, // fewer answers than documents
		{200, `{"current":true,"answers":[{"allowed":true},{"allowed":true}]}`, true},
		{200, `{"current":true,"Answers":[{"allowed":true}]}`, true},
		{200, `{"current":true,"answers":[{"allowed":true,"allowed":true}]}`, true},
		{200, "", true}, {200, "\x00", true}, {500, "no", true}, {403, `{"error":"no"}`, true}, {429, "", true},
		{422, "no", true}, {0, "", true}, {422, `{"error":"the index has no heartbeat yet"}`, false},
	} {
		next.Store(&response{x.status, x.body})
		list, current, err := c.CanRead([]string{"/a"}, About{})
		check.That(t, errors.Is(err, ErrNoRun) == x.noRun && err != nil && list == nil && !current,
			"%d %s: %+v, %t, %v, want no run %t", x.status, x.body, list, current, err, x.noRun)
		check.That(t, x.noRun || strings.Contains(x.body, err.Error()), "%v, want the server's text", err)
	}
}

package gateway

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// counted counts the writes to a connection.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

type counting struct {
	net.Listener
	writes *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return counted{c, l.writes}, err
}

// TestSmallResponseIsOneWrite checks that a small file over HTTP/1.1 and TLS is sent in one write. Larger files,
// responses over HTTP/2 and later responses on the connection arrive completely.
func TestSmallResponseIsOneWrite(t *testing.T) {
	bodies := map[string]string{"/none": "", "/4k": strings.Repeat("4", 4096), "/8k": strings.Repeat("8", mostGathered),
		"/9k": strings.Repeat("9", mostGathered+1)}
	for _, version := range []string{"1.1", "2"} {
		var writes atomic.Int64
		s := httptest.NewUnstartedServer(patient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(bodies[r.URL.Path])))
			atOnce(w, r, []byte(bodies[r.URL.Path]))
		})))
		s.Listener, s.Config.ConnContext = gathering{counting{s.Listener, &writes}}, withGathered
		s.EnableHTTP2 = version == "2"
		s.StartTLS()
		t.Cleanup(s.Close)
		for _, path := range []string{"/none", "/4k", "/8k", "/9k", "/4k"} {
			before := writes.Load()
			r := check.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil))
			answer := check.Must(s.Client().Do(r))
			got, err := io.ReadAll(answer.Body)
			if err = errors.Join(err, answer.Body.Close()); err != nil || string(got) != bodies[path] {
				t.Errorf("HTTP/%s %s: %d bytes, want %d, %v", version, path, len(got), len(bodies[path]), err)
			}
			// The first response of a connection sends the TLS session ticket, in its own write.
			if n := writes.Load() - before; version == "1.1" && path == "/4k" && n != 1 {
				t.Errorf("%s: %d writes, want 1", path, n)
			}
		}
	}
}

// broken is a connection whose client has disconnected.
type broken struct {
	net.Conn
	closed bool
}

func (*broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (b *broken) Close() error {
	b.closed = true
	return nil
}

// TestLostResponseClosesConnection checks that a buffered response which cannot be sent ends its connection.
func TestLostResponseClosesConnection(t *testing.T) {
	below := &broken{}
	c := &gathered{Conn: below}
	c.hold()
	if n, err := c.Write([]byte("answer")); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	c.release()
	check.That(t, below.closed, "the connection stays open")
}

// TestReleaseSendsOneWrite checks that buffered data leaves in one write at release, or before data that does
// not fit, and that none is lost or repeated.
//
// +checklocksignore
func TestReleaseSendsOneWrite(t *testing.T) {
	for _, sizes := range [][]int{{10}, {10, 20}, {roomGathered}, {roomGathered, 1}, {1, roomGathered}, {roomGathered + 1},
		{5, roomGathered - 5}, {5, roomGathered - 4, 3}} {
		ours, theirs := net.Pipe()
		var wrote strings.Builder
		got := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(theirs)
			got <- string(b)
		}()
		var writes atomic.Int64
		c := &gathered{Conn: counted{ours, &writes}}
		c.hold()
		for i, n := range sizes {
			text := strings.Repeat(string(rune('a'+i)), n)
			wrote.WriteString(text)
			if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%v: %d, %v, want %d, nil", sizes, n, err, len(text))
			}
		}
		c.release()
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if n := writes.Load(); (n == 1) != (sum <= roomGathered || len(sizes) == 1) {
			t.Errorf("%v leave in %d pieces", sizes, n)
		}
		check.That(t, c.room == nil && c.n == 0, "%v: it still holds", sizes)
		if _, err := c.Write([]byte("after")); err != nil {
			t.Error(err)
		}
		_ = ours.Close()
		if text := <-got; text != wrote.String()+"after" {
			t.Errorf("%v: received %d bytes, want %d", sizes, len(text), wrote.Len()+5)
		}
	}
	check.That(t, withGathered(t.Context(), &tls.Conn{}) == t.Context(),
		"withGathered changed the context of a plain connection, want it unchanged")
}

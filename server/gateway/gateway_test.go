package gateway

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
)

// TestNewFillsDefaults checks the defaults of a configuration, and that Dial is required.
func TestNewFillsDefaults(t *testing.T) {
	check.That(t, check.Err(New(Config{})) != nil, "a gateway without a way to refmond")
	dial := func() (*client.Conn, error) { return nil, os.ErrNotExist }
	g, err := New(Config{Dial: dial})
	check.NoError(t, err)
	c := g.cfg
	if c.Sessions != 4096 || c.SessionLife != 5*time.Minute || c.Threads != 64 || c.LargestUpload != 16<<30 ||
		c.Now == nil || c.Log == nil || g.dav.MostListed != 20_000 ||
		g.levels != (levels{nameStep, logonStep}) {
		t.Errorf("%+v, %d", c, g.dav.MostListed)
	}
	g, err = New(Config{Dial: dial, Sessions: 1, SessionLife: 2, Threads: 3, LargestUpload: 4})
	if c := g.cfg; err != nil || c.Sessions != 1 || c.SessionLife != 2 || c.Threads != 3 || c.LargestUpload != 4 {
		t.Errorf("%+v, %v", c, err)
	}
	rec := httptest.NewRecorder()
	g.Files().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/share/f", nil))
	if rec.Code != 503 || rec.Header().Get("Retry-After") != "5" || rec.Header().Get("Cache-Control") != "no-store" ||
		rec.Body.String() != "refmond is not available now: try again later\n" {
		t.Errorf("without refmond: %d %v %q", rec.Code, rec.Header(), rec.Body)
	}
	check.NoError(t, g.Close())
	check.ErrorIs(t, check.Err(g.link.process()), errStopped, "after the end")
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout != 10*time.Second || s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 96<<10 ||
		s.HTTP2.MaxConcurrentStreams != 64 || s.HTTP2.WriteByteTimeout != 30*time.Second ||
		s.HTTP2.MaxReceiveBufferPerStream != 1<<20 {
		t.Errorf("G-24: %+v", s)
	}
}

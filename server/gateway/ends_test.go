package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestFacts: what a file's facts say to package webdav: its name, length, time, tag and type, and of its mode whether
// it is a
// directory and no more.
func TestFacts(t *testing.T) {
	f := facts{name: "a.TXT", size: 0x1f, written: 0x1c08d967e1fd4c0}
	tag, err1 := f.ETag(t.Context())
	kind, err2 := f.ContentType(t.Context())
	if err := errors.Join(err1, err2); err != nil || f.Name() != "a.TXT" || f.Size() != 0x1f ||
		!f.ModTime().Equal(moment) ||
		f.IsDir() || f.Mode() != 0 || f.Sys() != nil || tag != `"1c08d967e1fd4c0-1f"` || kind != "text/plain; charset=utf-8" {
		t.Errorf("%+v: %q %q %v", f, tag, kind, err)
	}
	if d := (facts{dir: true}); !d.IsDir() || d.Mode() != fs.ModeDir {
		t.Errorf("a directory is %v", d.Mode())
	}
	var d described
	for what, err := range map[string]error{"read": second(d.Read(nil)), "seek": second(d.Seek(0, 0)),
		"write": second(d.Write(nil)),
		"list":  second(d.Readdir(0))} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s of what is only described: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestElsewhere: a destination is on this server if its host is the request's, whatever the scheme of HTTP; a name
// and password
// in it, and another scheme, are of another.
func TestElsewhere(t *testing.T) {
	for text, want := range map[string]bool{"/x": false, "http://h/x": false, "https://H/x": false, "//h/x": false,
		"ftp://h/x": true, "https://g/x": true, "https://h:1/x": true, "https://u@h/x": true, "mailto:x": true,
		"http:/x":      true,
		"http://h/x?a": false} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := elsewhere(u, "h"); got != want {
			t.Errorf("%s is elsewhere: %t", text, got)
		}
	}
}

// TestSchemes: a certificate counts where no other proof is sent: a scheme that is not known, or is without its
// value, is no
// proof, and what is sent beside it neither (G-3, G-7).
func TestSchemes(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) {
		c.Certificates = map[string]string{fingerprint(shown): "alice"}
	})
	for header, code := range map[string]int{"": 404, "Bearer": 401, "Basic": 401, "Bearer x": 401, "Negotiate x": 401,
		"Basic !": 401} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://files.test/share/none", nil)
		r.TLS = shown
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		rec := httptest.NewRecorder()
		w.g.Files().ServeHTTP(rec, r)
		if rec.Code != code {
			t.Errorf("G-7: with %q: %d, want %d", header, rec.Code, code)
		}
	}
	if fingerprint(nil) != "" || fingerprint(&tls.ConnectionState{}) != "" {
		t.Error("G-7: a fingerprint of no certificate")
	}
}

// shown is a connection whose client has shown a certificate.
var shown = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("first")}, {Raw: []byte("second")}}}

// TestEndsOfUploads: an upload that is closed twice lets go of its files once; one that is broken off has no name,
// and says so
// each time; what follows a failure is not written (G-14).
func TestEndsOfUploads(t *testing.T) {
	w := newExactly(t, shared)
	w.file("old", "old", shared)
	q := w.of("alice")
	left := w.now()
	for _, name := range []string{"old", "new"} {
		u, refused := q.upload(place{"share", name})
		if refused != nil {
			t.Fatal(refused)
		}
		if _, err := u.Write([]byte("fresh")); err != nil {
			t.Fatal(err)
		}
		other, st := q.open(place{"share", "old"}, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
		if st != ntstatus.Success || u.Close() != nil || u.Close() != nil {
			t.Fatal(st)
		}
		again, st := q.open(place{"share", "old"}, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
		if u.Close() != nil || st != ntstatus.Success || w.content(name) != "fresh" {
			t.Errorf("G-14: %s has %q", name, w.content(name))
		}
		q.s.p.release(other)
		q.s.p.release(again)
		if now := w.now(); now != left {
			t.Errorf("G-14: left are %v, which were %v", now, left)
		}
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	broken := &request{g: w.g, s: q.s, ctx: ctx}
	u, refused := broken.upload(place{"share", "never"})
	if refused != nil {
		t.Fatal(refused)
	}
	end()
	for range 2 {
		if err := u.commit(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("G-14: broken off: %v", err)
		}
	}
	if _, err := u.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("G-14: broken off, it is %v", err)
	}
	if err := u.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("G-14: broken off and closed: %v", err)
	}
	if _, err := os.Stat(w.root + "/never"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("G-14: it has its name")
	}
	if now := w.now(); now != left {
		t.Errorf("G-14: left are %v, which were %v", now, left)
	}
}

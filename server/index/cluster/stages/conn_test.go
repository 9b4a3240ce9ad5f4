package stages

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// reads returns "" if a message was accepted, and otherwise a part of the error.
func reads(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDialNeedsTheRolesKey checks that Dial requires the role's key, that errors do not contain the key, and that
// Close ends the connection.
func TestDialNeedsTheRolesKey(t *testing.T) {
	h := newOpenSite(t, 1)
	for role, seed := range map[site.Role]string{site.Work: h.seeds[site.Follow], site.Follow: "SUA",
		"stranger": h.seeds[site.Work]} {
		if _, err := Dial(h.site, role, seed, Options{InProcess: h.server}); err == nil || strings.Contains(err.Error(),
			seed) {
			t.Errorf("as %s: %v", role, err)
		}
	}
	c, err := Dial(h.site, site.Follow, " "+h.seeds[site.Follow]+"\n", Options{InProcess: h.server})
	if err != nil {
		t.Fatal(err)
	}
	c.warn(errMayPass) // it is dropped
	if c.Site() != h.site || c.nc.IsClosed() {
		t.Error("of another site, or closed")
	}
	if c.Close(); !c.nc.IsClosed() {
		t.Error("the connection is open after Close, want closed")
	}
	var told []error
	c, err = Dial(h.site, site.Follow, h.seeds[site.Follow], Options{InProcess: h.server,
		Warn: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	if c.warn(errMayPass); len(told) != 1 {
		t.Errorf("warnings %v: len(told) = %d, want 1", told, len(told))
	}
	c.Close()
	if _, err := c.last(t.Context(), site.StreamFence, "fence.x"); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("after the end: %v, want %v", err, nats.ErrConnectionClosed)
	}
}

var errMayPass = errors.New("what may pass")

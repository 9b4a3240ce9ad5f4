package client

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Servers of root and of the client's own user are trusted, and no others (W-24).
func TestOnlyOwnAndRootServersAreTrusted(t *testing.T) {
	for _, c := range []struct {
		owner, uid uint32
		want       bool
	}{{0, 1000, true}, {1000, 1000, true}, {1001, 1000, false}, {1000, 0, false}} {
		check.Equal(t, trusted(c.owner, c.uid), c.want, "trusted(server of uid %d, client of uid %d)", c.owner, c.uid)
	}
}

// serverUID returns the uid of the process that listens.
func TestServerUIDIsTheListeners(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skipf("no Unix sockets: %v", err)
	}
	defer l.Close()
	c := check.Must(net.Dial("unix", l.Addr().String()))
	defer c.Close()
	if uid, known, err := serverUID(c.(*net.UnixConn)); err != nil || known && int(uid) != os.Getuid() {
		t.Errorf("serverUID: %d, %v; want %d, nil", uid, err, os.Getuid())
	}
}

// Dial's error tells a refmond that does not run from an invalid address.
func TestDialErrorNamesTheCause(t *testing.T) {
	for address, want := range map[string]string{
		filepath.Join(t.TempDir(), "nothing"): "refmond is not there",
		"fd:x":                                "names no descriptor",
		"fd:999":                              "fd:999",
	} {
		if _, err := Dial(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Dial(%s): %v, want an error with %q", address, err, want)
		}
	}
}

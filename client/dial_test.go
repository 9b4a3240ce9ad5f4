package client

import (
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

// Dial's error tells a refmond that does not run from an invalid address.
func TestDialErrorNamesTheCause(t *testing.T) {
	for address, want := range map[string]string{
		filepath.Join(t.TempDir(), "nothing"): "refmond is not running",
		"fd:x":                                "names no descriptor",
		"fd:":                                 "names no descriptor",
		"fd:-1":                               "names no descriptor",
		"fd:65536":                            "names no descriptor",
		"fd:0x3":                              "names no descriptor",
		"fd:999":                              "fd:999",
	} {
		if _, err := Dial(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Dial(%s): %v, want an error with %q", address, err, want)
		}
	}
}

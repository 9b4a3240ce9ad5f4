package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// answers are the replies of a fake service, by method and key.
type answers map[string][]string

func user(name string, uid, gid uint64) string {
	return fmt.Sprintf(`{"parameters":{"record":{"userName":%q,"uid":%d,"gid":%d},"incomplete":true}}`, name, uid, gid)
}

func group(name string, gid uint64) string {
	return fmt.Sprintf(`{"parameters":{"record":{"groupName":%q,"gid":%d}}}`, name, gid)
}

func joins(name, group string, more bool) string {
	return fmt.Sprintf(`{"parameters":{"userName":%q,"groupName":%q},"continues":%v}`, name, group, more)
}

// TestRootNameIsFoundOnHost looks up root, which every host has.
func TestRootNameIsFoundOnHost(t *testing.T) {
	n := New()
	if name, ok := n.UserName(context.Background(), 0); !ok || name != "root" {
		t.Skipf("uid 0 is %q %v: neither the service nor getent answers here", name, ok)
	}
	if gids, ok := n.Groups(context.Background(), "root"); !ok || gids[0] != 0 {
		t.Errorf("root's groups: %v, %t, want 0 as the first, true", gids, ok)
	}
}

// TestValidKeyRejectsNumbersAndColons checks both sides of each bound of a name that can be looked up.
func TestValidKeyRejectsNumbersAndColons(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "alice": true, "": false, "-alice": false, "al-ice": true,
		"a:b": false, ":": false, "a\nb": false, "a\x00": false, "a\x7f": false, "0": false, "1000": false,
		"1000a": true, "a1000": true,
		"1a0": true, "\xff": false, "ü": true, "a b": true, strings.Repeat("n", 256): true, strings.Repeat("n", 257): false} {
		check.Equal(t, validKey(name), want, "validKey(%q)", name)
	}
}

// TestWriteBeyondMaximumLengthFails checks that an answer may have its maximum length, in parts or in one write, and
// not a byte more.
func TestWriteBeyondMaximumLengthFails(t *testing.T) {
	var f firstBytes
	part := make([]byte, maxLine-1)
	for _, c := range []struct {
		n    int
		want bool
		kept int
	}{{maxLine - 1, true, 4095}, {2, false, 4095}, {1, true, 4096}, {0, true, 4096}, {1, false, 4096}} {
		n, err := f.Write(part[:c.n])
		if (err == nil) != c.want || c.want && n != c.n || !c.want && (n != 0 || !errors.Is(err, errTooMuch)) ||
			len(f.b) != c.kept {
			t.Errorf("Write of %d bytes: %d, %v, %d bytes kept, want %d", c.n, n, err, len(f.b), c.kept)
		}
	}
	if n, err := (&firstBytes{}).Write(make([]byte, maxLine+1)); n != 0 || err == nil {
		t.Errorf("one write of a byte more than the maximum: %d, %v, want 0, an error", n, err)
	}
}

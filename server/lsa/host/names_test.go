package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// answers are the replies of a fake service, by method and key.
type answers map[string][]string

// serve plays io.systemd.Multiplexer and returns its socket.
func serve(t *testing.T, a answers) *Names {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	check.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c, a)
		}
	}()
	getent := filepath.Join(t.TempDir(), "getent") // which finds nothing
	check.NoError(t, os.WriteFile(getent, []byte("#!/bin/sh\nexit 2\n"), 0o700))
	return &Names{socket: path, getent: getent}
}

func talk(c net.Conn, a answers) {
	defer c.Close()
	in := bufio.NewScanner(c)
	in.Split(splitAtZero)
	for in.Scan() {
		var q struct {
			Method     string
			More       bool
			Parameters map[string]any
		}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil || q.Parameters["service"] != service {
			return
		}
		delete(q.Parameters, "service")
		key := strings.TrimPrefix(q.Method, "io.systemd.UserDatabase.")
		for _, v := range q.Parameters {
			key += fmt.Sprintf(" %v", v)
		}
		all, ok := a[key]
		if !ok {
			all = []string{`{"error":"io.systemd.UserDatabase.NoRecordFound","parameters":{}}`}
		}
		for _, text := range all {
			if _, err := c.Write(append([]byte(text), 0)); err != nil {
				return
			}
		}
	}
}

func user(name string, uid, gid uint64) string {
	return fmt.Sprintf(`{"parameters":{"record":{"userName":%q,"uid":%d,"gid":%d},"incomplete":true}}`, name, uid, gid)
}

func group(name string, gid uint64) string {
	return fmt.Sprintf(`{"parameters":{"record":{"groupName":%q,"gid":%d}}}`, name, gid)
}

func in(name, group string, more bool) string {
	return fmt.Sprintf(`{"parameters":{"userName":%q,"groupName":%q},"continues":%v}`, name, group, more)
}

// TestAmbiguousUserRecordIsUnknown checks records by name and number, and memberships merged from all services with
// the primary group first. A missing, ambiguous or malformed record is unknown (L-14).
func TestAmbiguousUserRecordIsUnknown(t *testing.T) {
	n := serve(t, answers{
		"GetUserRecord alice": {user("alice", 1000, 100)}, "GetUserRecord 1000": {user("alice", 1000, 100)},
		"GetGroupRecord wheel": {group("wheel", 10)}, "GetGroupRecord 10": {group("wheel", 10)},
		"GetGroupRecord big":   {group("big", 1<<40)},
		"GetMemberships alice": {in("alice", "wheel", true), in("alice", "gone", true), in("alice", "wheel", false)},
		"GetUserRecord twice": {`{"parameters":{"record":{"userName":"twice","uid":5,"gid":5}},"continues":true}`,
			user("twice", 6, 5)},
		"GetUserRecord liar":     {user("root", 0, 0)},
		"GetUserRecord 4":        {user("other", 5, 5)},
		"GetUserRecord away":     {`{"error":"io.systemd.UserDatabase.ServiceNotAvailable"}`},
		"GetUserRecord garbage":  {`]`},
		"GetUserRecord half":     {user("half", 7, 7)},
		"GetMemberships half":    {`{"error":"io.systemd.UserDatabase.ServiceNotAvailable"}`},
		"GetUserRecord negative": {`{"parameters":{"record":{"userName":"negative","uid":-1,"gid":1}}}`},
	})
	ctx := context.Background()
	if uid, ok := n.UID(ctx, "alice"); uid != 1000 || !ok {
		t.Errorf("alice is %d %v, want 1000, true", uid, ok)
	}
	if name, ok := n.UserName(ctx, 1000); name != "alice" || !ok {
		t.Errorf(`1000 is %q %v, want "alice", true`, name, ok)
	}
	if gid, ok := n.GID(ctx, "wheel"); gid != 10 || !ok {
		t.Errorf("wheel is %d %v, want 10, true", gid, ok)
	}
	if name, ok := n.GroupName(ctx, 10); name != "wheel" || !ok {
		t.Errorf(`10 is %q %v, want "wheel", true`, name, ok)
	}
	if gids, ok := n.Groups(ctx, "alice"); !ok || !reflect.DeepEqual(gids, []uint32{100, 10}) {
		t.Errorf("Groups(alice) = %v, %t, want [100 10]", gids, ok)
	}
	for _, name := range []string{"zoe", "twice", "liar", "away", "garbage", "negative"} {
		if uid, ok := n.UID(ctx, name); ok {
			t.Errorf("UID(%s) = %d, want none", name, uid)
		}
	}
	if gid, ok := n.GID(ctx, "big"); ok {
		t.Errorf("GID of 2^40 = %d, want none", gid)
	}
	if name, ok := n.UserName(ctx, 4); ok {
		t.Errorf("UserName(4) = %q, want none", name)
	}
	if gids, ok := n.Groups(ctx, "half"); ok {
		t.Errorf("Groups of an answer cut in half = %v, want none", gids)
	}
}

// TestRootNameIsFoundOnHost looks up root, which every host has.
func TestRootNameIsFoundOnHost(t *testing.T) {
	n := New()
	if name, ok := n.UserName(context.Background(), 0); !ok || name != "root" {
		t.Skipf("uid 0 is %q %v: neither the service nor getent answers here", name, ok)
	}
	if gids, ok := n.Groups(context.Background(), "root"); !ok || gids[0] != 0 {
		t.Errorf("root's groups: %v %v, want ok = true, gids[0] = 0", gids, ok)
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

// TestServiceWorksWithoutGetent checks that the service works on a host without getent.
func TestServiceWorksWithoutGetent(t *testing.T) {
	h := newFakeHost(t, answers{
		"GetUserRecord uid=1": {user("one", 1, 100)}, "GetUserRecord userName=one": {user("one", 1, 100)},
		"GetGroupRecord gid=10": {group("ten", 10)}, "GetGroupRecord groupName=ten": {group("ten", 10)},
	}, "none) ;;")
	h.getent = ""
	t.Setenv("PATH", t.TempDir())
	ctx := context.Background()
	name, ok := h.UserName(ctx, 1)
	uid, ok2 := h.UID(ctx, "one")
	in, ok3 := h.GroupName(ctx, 10)
	gid, ok4 := h.GID(ctx, "ten")
	gids, ok5 := h.Groups(ctx, "one")
	if !ok || !ok2 || !ok3 || !ok4 || !ok5 || name != "one" || uid != 1 || in != "ten" || gid != 10 || len(gids) != 1 ||
		gids[0] != 100 {
		t.Errorf("%q %t, %d %t, %q %t, %d %t, %v %t", name, ok, uid, ok2, in, ok3, gid, ok4, gids, ok5)
	}
	if name, ok := h.UserName(ctx, 2); ok {
		t.Errorf("UserName(2) without a program = %q, want none", name)
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

package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// answers are those of a made-up service, by method and the value asked for.
type answers map[string][]string

// serve plays io.systemd.Multiplexer and returns its socket.
func serve(t *testing.T, a answers) *Names {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
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
	if err := os.WriteFile(getent, []byte("#!/bin/sh\nexit 2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Names{socket: path, getent: getent}
}

func talk(c net.Conn, a answers) {
	defer c.Close()
	in := bufio.NewScanner(c)
	in.Split(untilZero)
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

// TestUserDatabase: records by name and number, memberships of all services merged,
// the primary group first; what is not found, or answered in two ways, or does not
// fit, is not known (L-14).
func TestUserDatabase(t *testing.T) {
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
		t.Errorf("alice is %d %v", uid, ok)
	}
	if name, ok := n.UserName(ctx, 1000); name != "alice" || !ok {
		t.Errorf("1000 is %q %v", name, ok)
	}
	if gid, ok := n.GID(ctx, "wheel"); gid != 10 || !ok {
		t.Errorf("wheel is %d %v", gid, ok)
	}
	if name, ok := n.GroupName(ctx, 10); name != "wheel" || !ok {
		t.Errorf("10 is %q %v", name, ok)
	}
	if gids, ok := n.Groups(ctx, "alice"); !ok || !reflect.DeepEqual(gids, []uint32{100, 10}) {
		t.Errorf("alice's groups: %v %v", gids, ok)
	}
	for _, name := range []string{"zoe", "twice", "liar", "away", "garbage", "negative"} {
		if uid, ok := n.UID(ctx, name); ok {
			t.Errorf("%s is %d", name, uid)
		}
	}
	if gid, ok := n.GID(ctx, "big"); ok {
		t.Errorf("a gid of 2^40 is %d", gid)
	}
	if name, ok := n.UserName(ctx, 4); ok {
		t.Errorf("4 is %q", name)
	}
	if gids, ok := n.Groups(ctx, "half"); ok {
		t.Errorf("half of the groups are %v", gids)
	}
}

// TestGetent: the lines of getent, of a program that is made up here.
func TestGetent(t *testing.T) {
	getent := filepath.Join(t.TempDir(), "getent")
	if err := os.WriteFile(getent, []byte(`#!/bin/sh
case "$1 $2" in
"passwd alice" | "passwd 1000") echo alice:x:1000:100:Alice:/home/alice:/bin/sh ;;
"passwd odd") echo odd:x:-5:100::: ;;
"passwd two") echo two:x:1:1:::; echo two:x:2:2::: ;;
"passwd twice") echo twice:x:7:7::: ;;
"initgroups twice") echo 'twice                 8'; echo 9 ;;
"group wheel" | "group 10") echo wheel:x:10:alice ;;
"initgroups alice") echo 'alice                 10 100 27' ;;
"initgroups "*) echo "$2" ;; # an unknown user, and status 0
*) exit 2 ;;
esac
`), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Names{{getent: getent}, {getent: getent, socket: getent + ".none"}} {
		ctx := context.Background()
		uid, ok := n.UID(ctx, "alice")
		name, ok2 := n.UserName(ctx, 1000)
		gid, ok3 := n.GID(ctx, "wheel")
		in, ok4 := n.GroupName(ctx, 10)
		gids, ok5 := n.Groups(ctx, "alice")
		if !ok || !ok2 || !ok3 || !ok4 || !ok5 || uid != 1000 || name != "alice" || gid != 10 || in != "wheel" ||
			!reflect.DeepEqual(gids, []uint32{100, 10, 27}) {
			t.Errorf("%d %q %d %q %v", uid, name, gid, in, gids)
		}
		if gids, ok := n.Groups(ctx, "twice"); ok {
			t.Errorf("of two lines the groups %v were taken", gids)
		}
		for _, name := range []string{"zoe", "odd", "two", "1000", "", "-x", "a:b", "a\nb", "\xff",
			strings.Repeat("n", 300)} {
			if uid, ok := n.UID(ctx, name); ok {
				t.Errorf("%q is %d", name, uid)
			}
			if gids, ok := n.Groups(ctx, name); ok {
				t.Errorf("%q is in %v", name, gids)
			}
		}
	}
}

// TestThisHost: root is root everywhere.
func TestThisHost(t *testing.T) {
	n := New()
	if name, ok := n.UserName(context.Background(), 0); !ok || name != "root" {
		t.Skipf("uid 0 is %q %v: neither the service nor getent answers here", name, ok)
	}
	if gids, ok := n.Groups(context.Background(), "root"); !ok || gids[0] != 0 {
		t.Errorf("root's groups: %v %v", gids, ok)
	}
}

// FuzzReplies: nothing that a service says ends the program.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(user("alice", 1, 1) + "\x00"))                 // a record
	f.Add([]byte(in("a", "b", true) + "\x00" + "{}\x00"))       // one that continues
	f.Add([]byte(`{"error":"x"}` + "\x00"))                     // an error
	f.Add([]byte(`{"parameters":{"record":{"uid":1e99}}}\x00`)) // a number that does not fit
	f.Fuzz(func(_ *testing.T, b []byte) {
		replies(strings.NewReader(string(b)), func(p json.RawMessage) error {
			var m struct{ Record userRecord }
			return json.Unmarshal(p, &m)
		})
	})
}

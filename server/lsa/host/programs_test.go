package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/sid"
)

// TestAskable: which names can be asked for, each bound from both sides.
func TestAskable(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "alice": true, "": false, "-alice": false, "al-ice": true,
		"a:b": false, ":": false, "a\nb": false, "a\x00": false, "a\x7f": false, "0": false, "1000": false,
		"1000a": true, "a1000": true,
		"1a0": true, "\xff": false, "ü": true, "a b": true, strings.Repeat("n", 256): true, strings.Repeat("n", 257): false} {
		if askable(name) != want {
			t.Errorf("%q can be asked for: %t", name, !want)
		}
	}
}

// TestPrograms: without a name of its own the program is the one of PATH, and this host's service is asked.
func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"getent": "echo root:x:0:0:::", "wbinfo": "echo S-1-5-21-9-8-7-1103"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	if name, ok := (&Names{}).UserName(context.Background(), 0); !ok || name != "root" {
		t.Errorf("uid 0 is %q, %t", name, ok)
	}
	if id, ok, err := NewDomains().SIDOfUID(context.Background(), 7); !ok || err != nil || id.RID() != 1103 {
		t.Errorf("uid 7 is %v, %t, %v", id, ok, err)
	}
	if n := New(); n.socket != "/run/systemd/userdb/io.systemd.Multiplexer" || n.getent != "" {
		t.Errorf("this host is asked at %q, and by %q", n.socket, n.getent)
	}
}

// TestLinesOfGetent: one line, of at most as many bytes as a reply has.
func TestLinesOfGetent(t *testing.T) {
	dir := t.TempDir()
	n := &Names{getent: filepath.Join(dir, "getent")}
	for text, want := range map[string]string{"a\n": "a", "": "", "a": "", "a\nb\n": "", "\n": "", "a\n\n": "",
		strings.Repeat("n", maxReply-1) + "\n": strings.Repeat("n", maxReply-1), strings.Repeat("n", maxReply) + "\n": ""} {
		if err := os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(n.getent, []byte("#!/bin/sh\ncat "+dir+"/text\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		line, ok := n.run(context.Background(), "passwd", "a")
		if ok != (want != "" || text == "\n") || line != want {
			t.Errorf("%.9q of %d bytes is a line of %d, %t", text, len(text), len(line), ok)
		}
	}
}

// TestFourQuestions: uids and gids of winbind are different questions, and so are their kept answers; "not found"
// and "not mapped" are no errors, in either direction (L-55, L-61, L-62).
func TestFourQuestions(t *testing.T) {
	d, runs, _ := winbindOf(t, `case "$1 $2" in
"-U 7") echo S-1-5-21-9-8-7-1 ;;
"-G 7") echo S-1-5-21-9-8-7-2 ;;
"-S S-1-5-21-9-8-7-7") echo 71 ;;
"-Y S-1-5-21-9-8-7-7") echo 72 ;;
"-U 2147483647" | "-G 2147483647") echo S-1-5-21-9-8-7-3 ;;
"--unix-ids-to-sids u2147483648") echo S-1-5-21-9-8-7-4 ;;
"--unix-ids-to-sids g2147483648") echo S-1-5-21-9-8-7-5 ;;
"--unix-ids-to-sids u3000000000" | "--unix-ids-to-sids g3000000000") echo NOT MAPPED ;;
"-S S-1-5-21-9-8-7-1") echo -2147483648 ;;
"-S S-1-5-21-9-8-7-2") echo 4294967294 ;;
"-S S-1-5-21-9-8-7-3") echo 4294967295 ;;
"-S S-1-5-21-9-8-7-4") echo 0 ;;
*) echo WBC_ERR_DOMAIN_NOT_FOUND >&2; exit 1 ;;
esac
`)
	ctx := context.Background()
	machine := sid.MustParse("S-1-5-21-9-8-7")
	for range 2 {
		for _, c := range []struct {
			id       uint32
			uid, gid uint32 // the RIDs; 0 for an id of no account
		}{{7, 1, 2}, {8, 0, 0}, {1<<31 - 1, 3, 3}, {1 << 31, 4, 5}, {3000000000, 0, 0}} {
			for i, ask := range []func(context.Context, uint32) (sid.SID, bool, error){d.SIDOfUID, d.SIDOfGID} {
				rid := []uint32{c.uid, c.gid}[i]
				s, ok, err := ask(ctx, c.id)
				if err != nil || ok != (rid != 0) || ok && s != machine.WithRID(rid) || !ok && !s.IsZero() {
					t.Errorf("L-62: %d is %v, %t, %v, want the RID %d", c.id, s, ok, err, rid)
				}
			}
		}
		for rid, want := range map[uint32]int64{7: 71, 1: 1 << 31, 2: 1<<32 - 2, 3: -2, 4: 0, 9: -1} {
			n, ok, err := d.UIDOf(ctx, machine.WithRID(rid))
			if ok != (want >= 0) || ok && int64(n) != want || (err != nil) != (want == -2) || want == -1 && n != 0 {
				t.Errorf("L-62: RID %d is %d, %t, %v, want %d", rid, n, ok, err, want)
			}
		}
		if n, ok, err := d.GIDOf(ctx, machine.WithRID(7)); n != 72 || !ok || err != nil {
			t.Errorf("L-55: RID 7 is the gid %d, %t, %v", n, ok, err)
		}
	}
	if n := runs(); n != 17 {
		t.Errorf("L-61: 34 questions were asked %d times, want 17", n)
	}
}

// TestServiceAlone: the service is asked where no program is named, as on a host that has none.
func TestServiceAlone(t *testing.T) {
	h := newTold(t, answers{
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
		t.Errorf("without a program 2 is %q", name)
	}
}

// TestKeptLines: as many answers are kept as may be, and the next begins anew (L-61).
//
// +checklocksignore
func TestKeptLines(t *testing.T) {
	d, _, clock := winbindOf(t, "echo S-1-5-21-9-8-7-1103\n")
	d.known = map[string]remembered{}
	for i := range maxAnswers - 1 {
		d.known[strconv.Itoa(i)] = remembered{until: clock.Add(time.Hour)}
	}
	for _, c := range []struct {
		uid  uint32
		kept int
	}{{1, maxAnswers}, {2, 1}, {3, 2}} {
		if _, ok, err := d.SIDOfUID(context.Background(), c.uid); !ok || err != nil || len(d.known) != c.kept {
			t.Errorf("L-61: %d: %t, %v, %d are kept, want %d", c.uid, ok, err, len(d.known), c.kept)
		}
	}
}

// TestFirstBytes: as many bytes as an answer has, in parts or at once, and no more.
func TestFirstBytes(t *testing.T) {
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
			t.Errorf("%d bytes more: %d, %v, %d are kept", c.n, n, err, len(f.b))
		}
	}
	if n, err := (&firstBytes{}).Write(make([]byte, maxLine+1)); n != 0 || err == nil {
		t.Errorf("one byte too many at once: %d, %v", n, err)
	}
}

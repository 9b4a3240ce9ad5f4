package index_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/index"
)

// TestAgain: a run goes on from what the last one wrote, finds what was changed meanwhile,
// writes nothing anew that is as it was, and half a line at the end is nothing.
func TestAgain(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.settle()
	l.end()
	name := filepath.Join(l.state, "events.jsonl")
	first, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l.put("plan", forCarol)
	if err := os.RemoveAll(l.path("sub")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(bytes.Clone(first), `{"seq":99,"ti`...), 0o600); err != nil {
		t.Fatal(err)
	}
	l.start()
	l.settle()
	x := l.open(time.Minute)
	l.want(x, "plan", "c")
	l.want(x, "sub/offer", "")
	l.end()
	second, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(second, first) {
		t.Fatalf("what was written is not kept: %v", err)
	}
	var what []string
	for line := range strings.Lines(string(second[len(first):])) {
		e, err := index.ParseEvent([]byte(strings.TrimSpace(line)))
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Gone != "":
			what = append(what, "gone "+strings.TrimPrefix(e.Gone, l.tree))
		case e.Row != nil:
			what = append(what, "row "+strings.TrimPrefix(e.Row.Path, l.tree))
		case e.Class != nil:
			what = append(what, "class")
		case e.Directory != "":
			what = append(what, "directory")
		}
	}
	if got := strings.Join(what, ", "); got != "directory, class, row /plan, gone /sub, gone /sub/offer" {
		t.Errorf("written anew: %s", got)
	}
}

// TestOneWriter: a second run of one folder is refused, and the first goes on (N-10).
func TestOneWriter(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.settle()
	err := index.Run(t.Context(), l.config)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second run: %v", err)
	}
	l.settle()
}

// TestNobodys: documents that cannot be read, that are unknown, or whose name two people
// have belong to no one (N-5, N-6).
func TestNobodys(t *testing.T) {
	l := newLive(t, true)
	two := strings.Replace(firm, `"dave"`, `"bob2"`, 1)
	if err := os.WriteFile(l.config.Directory, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(l.path("plan"), "security.NTACL", []byte("nonsense"), 0); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(l.tree, "\xff\xfe")
	if err := os.WriteFile(bad, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	l.start()
	l.settle()
	x := l.open(time.Minute)
	for _, c := range []struct{ path, who, right, because string }{
		{l.path("plan"), "alice", "read", "could not be read"},
		{bad, "alice", "read", "no such document"},
		{l.path("nothing"), "alice", "read", "no such document"},
		{l.path("sub/offer"), "mallory", "read", "no such person"},
		{l.path("sub/offer"), "alice", "write", "not about the right"},
	} {
		if a := x.CanRead(c.path, c.who, c.right); a.Allowed || !strings.Contains(a.Because, c.because) {
			t.Errorf("%s of %s: %+v", c.who, c.path, a)
		}
	}
	a := x.CanRead(l.path("sub/offer"), "S-1-5-21-1-2-3-1107", "")
	if !a.Allowed || a.Class == "" || a.Descriptor == "" || a.Directory == "" || a.Time.IsZero() {
		t.Errorf("evidence: %+v", a)
	}
}

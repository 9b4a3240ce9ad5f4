package feed

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	filetree "github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/token"
)

// FuzzBatch checks that a decoded batch contains only documents of the requested tree, and that a
// document without a descriptor index has no descriptor.
func FuzzBatch(f *testing.F) {
	for _, s := range []string{`{}`, `{"begin":true,"seen":[{"path":"/srv/x","descriptor":1}],"descriptors":["AQAEgA=="]}`,
		`{"seen":[{"path":"/srvx"}]}`, `{"seen":[{"path":"/srv","descriptor":-1}]}`, `{"seen":[{"raw":"L3Nydi//"}]}`,
		`{"time":1,"up":2,"end":true,"seen":[{"path":"/srv/a","gone":true,"error":"x"}]}`} {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"unnameable":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := decode(text, "/srv")
		if err != nil {
			return
		}
		check.That(t, b.Unnameable >= 0, "%d unnameable changes, want none or more", b.Unnameable)
		for _, s := range b.Seen {
			if s.Path != "/srv" && !strings.HasPrefix(s.Path, "/srv/") || s.Err != nil && s.Descriptor != nil {
				t.Errorf("%+v", s)
			}
		}
	})
}

// served is a server on a socket of its own.
type served struct {
	*testing.T
	socket, tree string
	server       *Server
	listener     *net.UnixListener
}

func serve(t *testing.T, s *Server) *served {
	t.Helper()
	x := &served{T: t, socket: filepath.Join(t.TempDir(), "s"), tree: t.TempDir(), server: s}
	if s.Trees == nil {
		s.Trees = map[string]Tree{x.tree: {Traverse: "never"}}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: x.socket, Net: "unix"})
	check.NoError(t, err)
	x.listener = l
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = l.Close()
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return x
}

// follow runs a follower until the test stops it.
func (x *served) follow(f Follower) (out chan watch.Batch, end func() error) {
	ctx, stop := context.WithCancel(x.Context())
	done := make(chan error, 1)
	out = make(chan watch.Batch)
	go func() { done <- f.Run(ctx, out) }()
	return out, func() error {
		stop()
		return <-done
	}
}

// watching returns the number of clients that watch.
func (x *served) watching() int {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	return len(x.server.watches)
}

func admitAll(*net.UnixConn) (*token.Token, error) { return token.New(token.LocalSystem()) }

// TestServeContinuesAfterAcceptError checks that an error of accept ends neither the server nor later clients' watches.
func TestServeContinuesAfterAcceptError(t *testing.T) {
	x := serve(t, &Server{May: admitAll})
	for _, until := range []time.Time{time.Unix(1, 0), {}} { // accept fails in between
		check.NoError(t, x.listener.SetDeadline(until))
		time.Sleep(50 * time.Millisecond)
	}
	out, end := x.follow(Follower{Socket: x.socket, Root: x.tree, Traverse: "never", Beat: time.Hour})
	batches, ended := 0, make(chan error, 1)
	for wait, quiet := 10*time.Second, false; !quiet; {
		select {
		case <-out:
			batches, wait = batches+1, 100*time.Millisecond
		case <-time.After(wait):
			quiet = true
		}
	}
	check.That(t, batches > 0, "no batch within 10 s of an error of accept, want one")
	go func() { ended <- end() }() // the next line of the server comes in an hour
	select {
	case err := <-ended:
		check.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Error("the follower does not end with its context")
	}
	check.Eventually(t, func() bool { return x.watching() == 0 }, "the watch of a client that has left goes on")
}

// TestFollowerReportsEndOfWait checks that a follower warns once while no server listens, and once when one does.
func TestFollowerReportsEndOfWait(t *testing.T) {
	x := serve(t, &Server{May: admitAll})
	later := x.socket + ".later"
	said := make(chan string, 9)
	warn := func(err error) { said <- err.Error() }
	out, end := x.follow(Follower{Socket: later, Root: x.tree, Beat: quickest, Warn: warn})
	first := <-said
	time.Sleep(3 * quickest)
	check.NoError(t, os.Symlink(x.socket, later))
	<-out
	second := <-said
	check.That(t, strings.HasSuffix(first, "; trying again") && second == "source "+x.tree+": connected" && len(said) == 0,
		"%q and %q, want a wait and its end", first, second)
	check.NoError(t, end())
}

// TestServerRejectsClients checks that a client that may not watch, names another tree, or has another
// configuration gets an error and no batch (N-17, N-18).
func TestServerRejectsClients(t *testing.T) {
	no := func(*net.UnixConn) (*token.Token, error) { return nil, errors.New("not you") }
	for _, c := range []struct {
		may  func(*net.UnixConn) (*token.Token, error)
		more func(*Follower)
		want string
	}{
		{nil, func(*Follower) {}, "watching is disabled"},
		{no, func(*Follower) {}, "not you"},
		{admitAll, func(f *Follower) { f.Root += "/sub" }, "is not a tree that is served"},
		{admitAll, func(f *Follower) { f.Share = "D:" }, "give the same values"},
		{admitAll, func(f *Follower) { f.Traverse = "always" }, "give the same values"},
		{admitAll, func(f *Follower) { f.Share = strings.Repeat("x", 8<<20) }, "question"}, // closed while it is sent
	} {
		x := serve(t, &Server{May: c.may})
		f := Follower{Socket: x.socket, Root: x.tree, Warn: func(err error) { t.Error(err) }}
		c.more(&f)
		if err := f.Run(t.Context(), make(chan watch.Batch)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestMalformedFeedRequestsAreRejected checks that a server rejects requests that are malformed, of another version or
// too long, with an error (N-18).
func TestMalformedFeedRequestsAreRejected(t *testing.T) {
	x := serve(t, &Server{May: admitAll})
	for text, want := range map[string]string{"{}\n": "version 0", "x\n": "question",
		`{"version":1,"tre":""}` + "\n": "question", strings.Repeat("x", maxQuestion): "question"} {
		c := check.Must(net.Dial("unix", x.socket))
		_, _ = c.Write([]byte(text)) // the server may reject the request while it is sent
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		if !strings.Contains(string(b[:n]), `{"error":`) || !strings.Contains(string(b[:n]), want) {
			t.Errorf("%.20q: %q", text, b[:n])
		}
		_ = c.Close()
	}
}

// TestFollowerGetsWalkThenChanges checks that a follower receives a walk, then changes, each before its heartbeat, and
// another walk after a reconnect (N-7).
func TestFollowerGetsWalkThenChanges(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changes of a file system are reported to root only")
	}
	x := serve(t, &Server{May: admitAll})
	put := func(name string) {
		t.Helper()
		check.NoError(t, os.WriteFile(filepath.Join(x.tree, name), nil, 0o600))
	}
	put("plan")
	for range 2 {
		out, end := x.follow(Follower{Socket: x.socket, Root: x.tree, Beat: quickest})
		next := func() watch.Batch {
			t.Helper()
			select {
			case b := <-out:
				return b
			case <-time.After(time.Minute):
				t.Fatal("no batch arrived within a minute:", end())
			}
			return watch.Batch{}
		}
		b := next()
		check.RequireThat(t, b.Begin, "it begins with %+v", b)
		names := ""
		for ; !b.End; b = next() {
			for _, s := range b.Seen {
				names += strings.TrimPrefix(s.Path, x.tree) + " "
			}
		}
		check.That(t, strings.Contains(names, " /plan "), `a walk has %q, want text containing " /plan "`, names)
		put("new")
		present := time.Now()
		for seen := false; ; {
			b = next()
			for _, s := range b.Seen {
				seen = seen || strings.HasSuffix(s.Path, "/new")
			}
			if b.Heartbeat.Time.After(present) {
				check.That(t, seen, "a heartbeat arrived before the events that it covers")
				break
			}
		}
		check.NoError(t, end())
		_ = os.Remove(filepath.Join(x.tree, "new"))
	}
}

// TestFileWithoutAttributeHasNoDescriptor checks that in a tree that does not derive descriptors from permissions, a
// file without the attribute has no descriptor (N-18).
func TestFileWithoutAttributeHasNoDescriptor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changes of a file system are reported to root only")
	}
	tree := t.TempDir()
	s := &Server{May: admitAll, Trees: map[string]Tree{tree: {Traverse: "never",
		Options: filetree.Options{Required: true}}}}
	x := serve(t, s)
	check.NoError(t, os.WriteFile(filepath.Join(tree, "open"), nil, 0o644))
	out, end := x.follow(Follower{Socket: x.socket, Root: tree})
	for b := range out {
		for _, s := range b.Seen {
			check.That(t, s.Descriptor == nil && s.Err != nil, "%+v", s)
		}
		if b.End {
			break
		}
	}
	check.NoError(t, end())
}

// TestSocketOfAnotherUserIsRejected checks that a socket of another user's program is rejected (N-17).
func TestSocketOfAnotherUserIsRejected(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a socket of another user is made by root only")
	}
	x := serve(t, &Server{May: admitAll})
	f := Follower{Socket: x.socket, Root: x.tree}
	socket := filepath.Join(t.TempDir(), "s")
	fd := check.Must(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	defer unix.Close(fd)
	check.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: socket}))
	// The kernel keeps the listener's credentials.
	check.NoError(t, check.Err(asuser.Run(4001, 4001, func() (bool, error) { return true, unix.Listen(fd, 1) })))
	f.Socket = socket
	if err := f.Run(t.Context(), make(chan watch.Batch)); err == nil || !strings.Contains(err.Error(), "uid 4001 serves") {
		t.Error(err)
	}
}

package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestFeedLineBeyondLimitIsRejected checks both sides of each limit of a line: documents outside the tree, descriptor
// indexes, and the precedence of contradictory fields.
func TestFeedLineBeyondLimitIsRejected(t *testing.T) {
	text := string(check.Must(encode(&watch.Batch{Seen: []watch.Seen{
		{Path: "/t/a", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")},
		{Path: "/t/b", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}}})))
	for place, good := range map[string]bool{"0": true, "1": true, "2": true, "3": false, "-1": false} {
		_, err := decode([]byte(strings.Replace(text, `"descriptor":2`, `"descriptor":`+place, 1)), "/t")
		check.That(t, (err == nil) == good, "descriptor %s of two: %v", place, err)
	}
	for path, trees := range map[string]string{"/t": "/t /", "/t/x": "/t /", "/tx": "/", "/": "/", "": "", "t/x": "",
		"/s/x": "/ /s", "/t/": "/t /"} {
		for _, tree := range []string{"/t", "/", "/s"} {
			want := strings.Contains(" "+trees+" ", " "+tree+" ")
			for _, gone := range []string{"", `,"gone":true`} {
				_, err := decode([]byte(`{"seen":[{"path":"`+path+`"`+gone+`}]}`), tree)
				check.That(t, (err == nil) == want, "N-51: a document %q%s of %s: %v", path, gone, tree, err)
			}
		}
	}
	b, err := decode([]byte(`{"end":true,"time":5,"up":6,"seen":[{"path":"/t/a","gone":true,"error":"x","folder":true},`+
		`{"raw":"L3Qv/w=="}]}`), "/t")
	if err != nil || !b.End || !b.Heartbeat.Time.Equal(time.Unix(0, 5)) || b.Heartbeat.Up != 6 || !b.Seen[0].Gone ||
		!b.Seen[0].Folder ||
		!errors.Is(b.Seen[0].Err, fs.ErrNotExist) || b.Seen[1].Path != "/t/\xff" || b.Seen[1].Gone || b.Seen[1].Err != nil {
		t.Errorf("%+v, %v", b, err)
	}
	for text, want := range map[string]string{`{"unnameable":-1}`: "unnameable: -1: want 0 or more",
		`{"descriptors":["AQ=="]}`: "descriptor 1: ", `{"failed":"no room"}`: "ended the watch: no room"} {
		_, err := decode([]byte(text), "/t")
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%s: %v, want %q", text, err, want)
	}
	if b, err := decode([]byte(`{"up":6}`), "/t"); err != nil || b.Heartbeat != (watch.Heartbeat{}) {
		t.Errorf("decode of a line without a heartbeat = %+v, %v, want none", b.Heartbeat, err)
	}
}

// TestSeventeenthFollowerIsRejected checks that sixteen followers may watch, that one more is rejected, and that an
// ended one frees its slot. After Close none may watch.
func TestSeventeenthFollowerIsRejected(t *testing.T) {
	s, one := &Server{}, new(net.UnixConn)
	s.begin()
	enter := func() bool { return s.enter(new(net.UnixConn), nil, 0) == nil }
	check.NoError(t, s.enter(one, nil, 0))
	for i := range 15 {
		check.RequireThat(t, enter(), "there is no room for another watch than %d", i)
	}
	check.That(t, !enter(), "a watch too many")
	if s.leave(one); s.enter(one, nil, 0) != nil || enter() {
		t.Error("one has ended, and there is not room for one")
	}
	s.leave(one)
	check.NoError(t, s.ask(1001))
	var ended atomic.Bool
	go func() {
		<-s.ctx.Done()
		time.Sleep(20 * time.Millisecond) // a Close that does not wait ends earlier
		ended.Store(true)
		s.all.Done()
	}()
	if s.Close(); !ended.Load() || enter() {
		t.Error("Close does not wait for a client, or there is a watch after the end")
	}
	check.ErrorIs(t, s.ask(1001), errClosed, "a client after the end")
	x := serve(t, &Server{May: admitAll})
	x.server.begin()
	for range 16 {
		check.NoError(t, x.server.enter(new(net.UnixConn), nil, 0))
	}
	for _, asked := range []int{0, mostAsked} { // by the same user
		x.server.mu.Lock()
		if asked != 0 {
			clear(x.server.watches) // only the user's own requests are too many
		}
		x.server.pending = map[uint32]int{uint32(os.Geteuid()): asked}
		x.server.mu.Unlock()
		c := check.Must(net.Dial("unix", x.socket))
		defer c.Close()
		_, err := readAnswer(bufio.NewReader(c))
		check.Equal(t, fmt.Sprint(err), errBusy.Error(), "the answer to a client too many")
	}
}

// TestRevocationRefusesClientUnderDecision checks that a client whose token was computed before a revocation does not
// watch after it, and may try again (W-98).
func TestRevocationRefusesClientUnderDecision(t *testing.T) {
	s := new(Server)
	s.May = func(*net.UnixConn) (*token.Token, error) {
		client, err := token.New(token.LocalSystem())
		s.Revoke(func(*token.Token) bool { return true })
		return client, err
	}
	x := serve(t, s)
	c := check.Must(net.Dial("unix", x.socket))
	defer c.Close()
	a, err := readAnswer(bufio.NewReader(c))
	check.That(t, a.Busy && err != nil && strings.Contains(err.Error(), errRevoked.Error()),
		"W-98: answer %+v, %v, want %q and busy", a, err, errRevoked)
}

// TestRevokedWatchEnds checks that a revocation ends the watches of the selected clients only, and that the server
// decides about such a client again (W-98).
func TestRevokedWatchEnds(t *testing.T) {
	calls := make(chan bool, 2)
	x := serve(t, &Server{May: func(*net.UnixConn) (*token.Token, error) {
		calls <- true
		return token.New(token.LocalSystem())
	}})
	lost := make(chan error, 1)
	out, end := x.follow(Follower{Socket: x.socket, Root: x.tree, Beat: time.Millisecond,
		Warn: func(err error) { lost <- err }})
	go func() {
		for {
			select {
			case <-out:
			case <-t.Context().Done():
				return
			}
		}
	}()
	<-calls
	check.Eventually(t, func() bool { return x.watching() == 1 }, "W-98: the client does not watch")
	x.server.Revoke(func(*token.Token) bool { return false })
	select {
	case err := <-lost:
		t.Errorf("W-98: the watch of another client ended: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	x.server.Revoke(func(client *token.Token) bool { return client.User().SID == sid.LocalSystem })
	<-lost
	<-calls
	check.NoError(t, end())
}

// TestWatcherFollowsTheRequest checks that a watcher has the requested tree and heartbeat interval, at most a
// hundred per second (N-18).
func TestWatcherFollowsTheRequest(t *testing.T) {
	ids := strings.Repeat("1,", maxIDs/2)
	s := &Server{May: admitAll, Trees: map[string]Tree{"/t": {Share: "D:", Traverse: "always"}, "/u": {Traverse: "never"}}}
	for text, want := range map[string]string{
		`{"version":1,"tree":"/t","share":"D:","traverse":"always"}`:                 "/t 0s",
		`{"version":1,"tree":"/t","share":"D:","traverse":"always","beat":10000000}`: "/t 10ms",
		`{"version":1,"tree":"/t","share":"D:","traverse":"always","beat":9999999}`:  "/t 10ms",
		`{"version":1,"tree":"/t","share":"D:","traverse":"always","beat":10000001}`: "/t 10.000001ms",
		`{"version":1,"tree":"/t","share":"D:","traverse":"always","beat":-1}`:       "/t 0s",
		`{"version":2,"tree":"/t","share":"D:","traverse":"always"}`:                 "version 2: want 1",
		`{"version":1,"tree":"/t","share":"D:"}`:                                     "give the same values",
		`{"version":1,"tree":"/t","traverse":"always"}`:                              "give the same values",
		`{"version":1,"tree":"/v","share":"D:","traverse":"always"}`:                 "is not a tree that is served",
		`{"version":1,"tree":"/u","traverse":"never"}`:                               "/u 0s",
		`{"version":1,"tree":"/u","tree":"/t","traverse":"never"}`:                   "the question",
		`{"version":1,"tree":"/u","traverse":"never","users":[` + ids + `1],"groups":[` + ids[2:] + `1]}`: fmt.Sprint(
			maxIDs+1, " uids and gids"),
	} {
		l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: "", Net: "unix"}))
		c := check.Must(net.Dial("unix", l.Addr().String()))
		in, err := l.AcceptUnix()
		check.NoError(t, err)
		check.NoError(t, check.Err(c.Write([]byte(text+"\n"))))
		w, _, err := s.watcher(in)
		got := ""
		if err != nil {
			got = err.Error()
		} else if w != nil {
			got = w.Root + " " + w.Beat.String()
		}
		check.That(t, strings.Contains(got, want) && (err == nil) == strings.HasPrefix(want, "/"),
			"N-18: %s: %s, want %s", text, got, want)
		_, _, _ = c.Close(), in.Close(), l.Close()
	}
	(&Follower{}).warn(errBusy) // drops it
	check.Equal(t, (&Follower{}).traverse(), "never", "without a policy")
	check.Equal(t, (&Follower{Traverse: "always"}).traverse(), "always", "with a policy")
	check.Equal(t, (&Follower{}).beatInterval(), watch.DefaultBeat, "without an interval")
	check.Equal(t, (&Follower{Beat: 1}).beatInterval(), 1, "with an interval")
}

// TestRejectionEndsFollower checks that a server's rejection ends the follower with its message, that a
// malformed response or a closed connection does not, and that a line may exceed the read buffer.
func TestRejectionEndsFollower(t *testing.T) {
	f := &Follower{Root: "/t"}
	long := strings.Repeat("x", 3<<20)
	for text, want := range map[string]string{`{"error":"not you"}` + "\n": "watch: not you", "{}\n{}\n": "EOF",
		"{}\n" + `{"seen":[{"path":"/t/` + long + `"}]}` + "\n": "EOF", "{}\n{}": "EOF", "": "EOF", "{}\nx\n": "value",
		`{"errors":""}` + "\n": "unknown field", "{}\n" + `{"seen":[{"path":"/u"}]}` + "\n": "not in the tree"} {
		out := make(chan watch.Batch, 4)
		err := f.read(t.Context(), bufio.NewReader(strings.NewReader(text)), out, func() {})
		var no *refusal
		if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, &no) != strings.Contains(text, "not you") {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
		if n := strings.Count(text, "\n") - 1; want == "EOF" && text != "" && len(out) != n {
			t.Errorf("%.60q: %d batches", text, len(out))
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	err := f.read(ended, bufio.NewReader(strings.NewReader("{}\n{}\n")), nil, func() {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v, want %v", err, context.Canceled)
	}
}

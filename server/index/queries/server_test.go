package queries

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// SIDs and uids of the people of a run. bob and bert share a uid. Uids below 65536 also work with setresuid on 386.
const (
	alice                         = "S-1-5-21-1-2-3-1107"
	aliceUID, bobUID, strangerUID = 30001, 30002, 30009
)

const people = `users:
- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 30001, memberOf: [staff]}
- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 30002}
- {name: bert, sid: S-1-5-21-1-2-3-1109, uid: 30002}
- {name: nobody, sid: S-1-5-21-1-2-3-1110, uid: 65534}
groups:
- {name: staff, sid: S-1-5-21-1-2-3-2001}
`

// served is a run with a server whose peers have the uid that the test sets.
type served struct {
	*testing.T
	*Server
	tree, state string
	list        string        // the directory file
	uid         atomic.Uint32 // of the next connection
	peerErr     atomic.Bool   // errInjected instead of a uid
}

// newServed starts a run over a tree with the files open, which everyone may read, and own, which only its owner may.
func newServed(t *testing.T, change func(*Config)) *served {
	t.Helper()
	s := &served{T: t, tree: t.TempDir(), state: filepath.Join(t.TempDir(), "state")}
	s.uid.Store(aliceUID)
	s.list = filepath.Join(t.TempDir(), "people.yaml")
	err := errors.Join(os.WriteFile(s.list, []byte(people), 0o600), os.Chmod(s.tree, 0o755))
	for name, mode := range map[string]os.FileMode{"open": 0o644, "own": 0o600} {
		at := filepath.Join(s.tree, name)
		err = errors.Join(err, os.WriteFile(at, nil, mode), os.Chmod(at, mode))
	}
	check.NoError(t, err)
	run(t, index.Config{Trees: []string{s.tree}, Directory: s.list, Rights: "read", State: s.state,
		NoEvents: true, Every: 20 * time.Millisecond, Beat: 10 * time.Millisecond,
		Query: func(x *index.Index) (func(), error) {
			c := Config{Index: x, Socket: filepath.Join(s.state, SocketName), peer: s.peer}
			if change != nil {
				change(&c)
			}
			var err error
			s.Server, err = Listen(c)
			return func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}, err
		}})
	return s
}

// run starts a run, which ends with the test, and waits until it is ready.
func run(tb testing.TB, c index.Config) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	c.Ready = func() { close(ready) }
	go func() { ended <- index.Run(ctx, c) }()
	select {
	case <-ready:
	case err := <-ended:
		stop()
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
}

var errInjected = errors.New("injected")

func (s *served) peer(*net.UnixConn) (uint32, error) {
	if s.peerErr.Load() {
		return 0, errInjected
	}
	return s.uid.Load(), nil
}

// dial returns a client whose connections have a uid.
func (s *served) dial(uid uint32) *Client {
	s.Helper()
	s.uid.Store(uid)
	c, err := Dial(s.state)
	check.NoError(s, err)
	s.Cleanup(func() { _ = c.Close() })
	return c
}

var aboutMe = About{Subject: Subject{Caller: true}, Right: "read"}

// TestCallersAskAboutThemselves checks the callers' rights: root and the uids in Ask may query everybody, other uids
// only their own person, and a uid without a unique person nobody (N-98).
func TestCallersAskAboutThemselves(t *testing.T) {
	s := newServed(t, func(c *Config) { c.Ask = []uint32{strangerUID, unmapped} })
	ids := []string{s.tree + "/open", s.tree + "/own", s.tree + "/none"}
	about := func(who string) About { return About{Subject: Subject{Who: who}, Right: "read"} }
	for _, c := range []struct {
		uid  uint32
		who  About
		want string // the answers, or a part of the error
	}{
		{aliceUID, aboutMe, "[true false false]"},
		{aliceUID, about("alice"), "may ask only"},
		{aliceUID, about("bob"), "may ask only"},
		{aliceUID, About{Subject: Subject{Token: []byte(`{"user":"` + alice + `"}`)}}, "may ask only"},
		{bobUID, aboutMe, "no person, or several, with uid 30002"},
		{30008, aboutMe, "no person, or several, with uid 30008"},
		{unmapped, aboutMe, "no run answers: Post"},
		{strangerUID, about("alice"), "[true false false]"},
		{strangerUID, aboutMe, "no person, or several, with uid 30009"},
		{0, about("bob"), "[true false false]"},
		{0, About{Subject: Subject{Token: []byte(`{"user":"` + alice + `"}`)}}, "[false false false]"},
	} {
		list, current, err := s.dial(c.uid).CanRead(ids, c.who)
		var got []bool
		for _, a := range list {
			got = append(got, a.Allowed)
		}
		if text := fmt.Sprint(got); err == nil && (text != c.want || !current) ||
			err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("uid %d, %+v: %v, %v, want %s", c.uid, c.who, got, err, c.want)
		}
	}
	// A document that alice may not read looks like a missing one.
	begun := time.Now()
	list, _, err := s.dial(aliceUID).CanRead([]string{ids[1], ids[2], ids[0]}, aboutMe)
	check.That(t, time.Since(begun) >= denialStep, "N-98: a denial before the end of a time step")
	check.RequireThat(t, err == nil && len(list) == 3 && list[2].Class != "", "%+v, %v", list, err)
	no := index.Answer{Seq: list[2].Seq, Directory: list[2].Directory}
	check.DeepEqual(t, list[:2], []index.Answer{no, no}, "answers about a refused and a missing document")
	if list, _, err = s.dial(0).CanRead(ids, about("alice")); err != nil || list[1].Class == "" || list[2].Because == "" {
		t.Errorf("%+v, %v, want whole answers for root", list, err)
	}
	f, err := s.dial(aliceUID).Filter(aboutMe, index.FormList)
	check.That(t, err == nil && len(f.Classes) != 0, "%+v, %v, want alice's classes", f, err)
	for name, ask := range map[string]func(c *Client) error{
		"why": func(c *Client) error { _, err := c.Evidence(ids[0], aboutMe); return err },
		"status": func(c *Client) error {
			sources, counts, err := c.Status(0)
			check.That(t, err != nil || len(sources) == 2 && counts.Documents == 3, "status: %+v, %+v", sources, counts)
			return err
		},
		"listed": func(c *Client) error { _, err := c.Listed(); return err },
	} {
		if err := ask(s.dial(aliceUID)); !errors.Is(err, ErrNoRun) || !strings.Contains(err.Error(), "may ask only") {
			t.Errorf("%s of alice: %v, want a refusal", name, err)
		}
		if err := ask(s.dial(0)); name != "why" && err != nil {
			t.Errorf("%s of root: %v", name, err)
		}
	}
}

// TestKernelNamesCaller connects as another user of the host: the kernel's credentials count, not what the client says.
func TestKernelNamesCaller(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir := check.Must(os.MkdirTemp("", "refmon-queries"))
	check.NoError(t, os.Chmod(dir, 0o755))
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "public.sock")
	s := newServed(t, func(c *Config) { c.Socket, c.peer = socket, nil })
	ask := func(uid int, who string) string {
		c, err := asuser.Run(uid, uid, func() (net.Conn, error) { return net.Dial("unix", socket) })
		check.NoError(t, err)
		defer c.Close()
		body := `{` + who + `,"ids":["` + s.tree + `/open"]}`
		fmt.Fprintf(c, "POST /v1/can-read HTTP/1.0\r\nX-Uid: 0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		text, _ := io.ReadAll(c)
		return string(text)
	}
	for _, c := range []struct {
		uid       int
		who, want string
	}{
		{aliceUID, `"caller":true`, `{"allowed":true,`}, {aliceUID, `"who":"alice"`, "403 Forbidden"},
		{strangerUID, `"caller":true`, "403 Forbidden"}, {0, `"who":"alice"`, `{"allowed":true,`},
		{unmapped, `"who":"alice"`, ""},
	} {
		if got := ask(c.uid, c.who); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("uid %d, %s: %q, want %q", c.uid, c.who, got, c.want)
		}
	}
}

// TestConcurrentQueriesAndChangesAreRaceFree sends all kinds of queries while documents and groups change. The race
// detector checks that they share no state without a lock.
func TestConcurrentQueriesAndChangesAreRaceFree(t *testing.T) {
	s := newServed(t, nil)
	stop, changed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changed)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			text := strings.Replace(people, "memberOf: [staff]", []string{"memberOf: []", "memberOf: [staff]"}[i/30%2], 1)
			if err := errors.Join(os.WriteFile(s.list+".new", []byte(text), 0o600), os.Rename(s.list+".new", s.list),
				os.WriteFile(fmt.Sprint(s.tree, "/new", i%50), nil, 0o600), os.Chmod(fmt.Sprint(s.tree, "/new", i%50),
					os.FileMode(0o600+i%0o70))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var all sync.WaitGroup
	about := About{Subject: Subject{Who: "alice"}, Right: "read", Limit: time.Hour}
	ids := []string{s.tree + "/open", s.tree + "/own", s.tree + "/new1", s.tree + "/new2"}
	c := s.dial(0)
	for _, ask := range []func() error{
		func() error {
			list, _, err := c.CanRead(ids, about)
			if err == nil && (!list[0].Allowed || list[1].Allowed) {
				err = fmt.Errorf("%+v, want yes and no", list[:2])
			}
			return err
		},
		func() error { _, err := c.Evidence(ids[1], about); return err },
		func() error {
			_, err := c.Filter(about, index.FormSIDs)
			if err != nil && strings.Contains(err.Error(), ": use classes") {
				return nil // a class that just changed cannot be given as SIDs
			}
			return err
		},
		func() error { _, _, err := c.Status(time.Hour); return err },
		func() error { _, err := c.Listed(); return err },
	} {
		all.Go(func() {
			for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
				if err := ask(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	close(stop)
	<-changed
}

// TestUnknownPeerIsRefused checks that a connection is closed if the kernel does not name its uid (N-98), and that the
// server continues.
func TestUnknownPeerIsRefused(t *testing.T) {
	warned := make(chan error, 100)
	s := newServed(t, func(c *Config) { c.Warn = func(err error) { warned <- err } })
	c := s.dial(aliceUID)
	time.Sleep(20 * time.Millisecond) // the first connection of dial was identified
	s.peerErr.Store(true)
	if _, _, err := c.CanRead([]string{"/a"}, aboutMe); !errors.Is(err, ErrNoRun) {
		t.Errorf("%v, want %v", err, ErrNoRun)
	}
	(&Server{}).warn(errInjected) // drops it
	reported := 0
	w := &Server{config: Config{Warn: func(error) { reported++ }}}
	for range 3 {
		w.warn(errors.New("injected"))
	}
	check.Equal(t, reported, 1, "errors reported of three at once")
	w.warned = time.Now().Add(-time.Second)
	w.warn(errors.New("injected"))
	check.Equal(t, reported, 2, "errors reported a second later")
	check.ErrorIs(t, <-warned, errInjected, "warning")
	s.peerErr.Store(false)
	if _, _, err := s.dial(aliceUID).CanRead([]string{"/a"}, aboutMe); err != nil {
		t.Error(err)
	}
}

// TestUntrustedCallerCannotExtendLimit checks that an untrusted caller cannot extend the age limit of answers (N-98).
func TestUntrustedCallerCannotExtendLimit(t *testing.T) {
	s := newServed(t, func(c *Config) { c.Limit = time.Nanosecond })
	hour := aboutMe
	hour.Limit = time.Hour
	list, current, err := s.dial(aliceUID).CanRead([]string{s.tree + "/open"}, hour)
	check.That(t, err == nil && !current && !list[0].Allowed, "%+v, %t, %v, want no answer", list, current, err)
	hour.Subject = Subject{Who: "alice"}
	if list, _, err = s.dial(0).CanRead([]string{s.tree + "/open"}, hour); err != nil || !list[0].Allowed {
		t.Errorf("%+v, %v, want yes for root's own limit", list, err)
	}
	for limit, withheld := range map[time.Duration]bool{time.Hour: false, 0: true} { // 0: that of the server
		sources, _, err := s.dial(0).Status(limit)
		check.RequireThat(t, err == nil && len(sources) > 0, "status: %+v, %v", sources, err)
		for _, x := range sources {
			check.Equal(t, x.Withheld != "", withheld, "source %s is too old for the limit %v", x.Source, limit)
		}
	}
	s = newServed(t, nil)
	check.Equal(t, s.config.Limit, 10*time.Second, "the limit of a server without one")
	sources, _, err := s.dial(0).Status(time.Nanosecond)
	check.That(t, err == nil && len(sources) > 0 && sources[0].Withheld != "", "within 1 ns: %+v, %v", sources, err)
	moment := aboutMe
	moment.Limit = time.Nanosecond
	list, current, err = s.dial(aliceUID).CanRead([]string{s.tree + "/open"}, moment)
	check.That(t, err == nil && !current && !list[0].Allowed,
		"%+v, %t, %v, want no answer within 1 ns", list, current, err)
}

// TestQuestionsAreStrict checks the status of malformed questions, and that none of them is answered.
func TestQuestionsAreStrict(t *testing.T) {
	s := newServed(t, nil)
	c := s.dial(0)
	const ok = `{"who":"alice","ids":["/a"]}`
	for _, x := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "can-read", ok, 200}, {"POST", "can-read", `{"who":"alice","ids":["/a"],"right":"fly"}`, 422},
		{"POST", "why", ok, 200}, {"POST", "why", `{"who":"alice","ids":["/a"],"right":"fly"}`, 422},
		{"POST", "can-read", ok + ok, 400}, {"POST", "can-read", "", 400}, {"POST", "can-read", "null", 400},
		{"POST", "can-read", `{"who":"alice","ids":["/a"]`, 400}, {"POST", "can-read", "\x00\xff", 400},
		{"POST", "can-read", `{"who":"alice","who":"bob","ids":["/a"]}`, 400},
		{"POST", "can-read", `{"Who":"alice","ids":["/a"]}`, 400},
		{"POST", "can-read", `{"user":"alice","ids":["/a"]}`, 400},
		{"POST", "can-read", `{"who":"alice"}`, 400}, {"POST", "can-read", `{"who":"alice","ids":null}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":[]}`, 400}, {"POST", "can-read", `{"who":"alice","ids":[1]}`, 400},
		{"POST", "can-read", `{"who":"","ids":["/a"]}`, 400}, {"POST", "can-read", `{"ids":["/a"]}`, 400},
		{"POST", "can-read", `{"who":"alice","caller":true,"ids":["/a"]}`, 400},
		{"POST", "can-read", `{"caller":false,"ids":["/a"]}`, 400},
		{"POST", "can-read", `{"token":{},"ids":["/a"]}`, 400}, {"POST", "can-read", `{"token":null,"ids":["/a"]}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":["/a"],"limit":"0s"}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":["/a"],"limit":"-5s"}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":["/a"],"limit":"soon"}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":["/a"],"form":"list"}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":[` + strings.Repeat(`"/a",`, maxIDs) + `"/a"]}`, 400},
		{"POST", "can-read", `{"who":"alice","ids":["` + strings.Repeat("a", maxBody) + `"]}`, 413},
		{"POST", "can-read", strings.Repeat("[", maxBody-1), 400},
		{"POST", "why", `{"who":"alice","ids":["/a","/b"]}`, 400},
		{"POST", "filter", `{"who":"alice","form":"list"}`, 400},
		{"POST", "filter", `{"who":"alice","right":"read"}`, 400},
		{"POST", "filter", `{"who":"alice","right":"read","form":"List"}`, 400},
		{"POST", "filter", `{"who":"alice","right":"read","form":"list","ids":["/a"]}`, 400},
		{"POST", "filter", `{"who":"nobody else","right":"read","form":"list"}`, 422},
		{"POST", "filter", `{"who":"alice","right":"fly","form":"list"}`, 422},
		{"POST", "filter", `{"who":"alice","right":"read","form":"list","ids":[]}`, 400},
		{"POST", "status", `{"who":"alice"}`, 400}, {"POST", "status", `{}`, 200},
		{"POST", "status", `{"ids":["/a"]}`, 400},
		{"POST", "listed", `{"right":"read"}`, 400},
		{"GET", "can-read", ok, 405}, {"POST", "can-read/", ok, 404}, {"POST", "Can-Read", ok, 404},
		{"POST", "", ok, 404}, {"POST", "../v1/status", `{}`, 404},
	} {
		r := check.Must(http.NewRequest(x.method, "http://index/v1/"+x.path, strings.NewReader(x.body)))
		got, err := c.http.Do(r)
		check.RequireThat(t, err == nil, "%s %.60s: %v", x.path, x.body, err)
		got.Body.Close()
		check.Equal(t, got.StatusCode, x.status, "%s %s %.60q: status", x.method, x.path, x.body)
	}
	got, err := c.http.Post("http://index/v1/listed", "application/json", strings.NewReader("{}"))
	check.NoError(t, err)
	defer got.Body.Close()
	check.Equal(t, string(check.Must(io.ReadAll(got.Body))), `{"classes":[]}`+"\n", "listed without a class")
	check.Equal(t, got.Header.Get("Content-Type"), "application/json", "type of the answer")
}

// TestFloodIsCharged checks that one uid's connections are limited and leave room for others, that its subordinate uids
// share the limit, and that some connections are reserved for trusted callers (N-99).
func TestFloodIsCharged(t *testing.T) {
	subuids := filepath.Join(t.TempDir(), "subuid")
	check.NoError(t, os.WriteFile(subuids, fmt.Appendf(nil, "%d:500000:65536\n0:600000:65536\n", aliceUID), 0o600))
	s := newServed(t, func(c *Config) { c.subuids = []string{subuids} })
	open := func(uid uint32) (served bool) {
		s.uid.Store(uid)
		c := check.Must(net.Dial("unix", short(s.folder, SocketName)))
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: index\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.HasPrefix(line, "HTTP/1.1 404")
	}
	for i := range connectionsOfUser + 3 {
		uid := uint32(aliceUID)
		if i%2 == 1 {
			uid = 500000 + uint32(i)
		}
		if got, want := open(uid), i < connectionsOfUser; got != want {
			t.Fatalf("connection %d of one user: %t, want %t", i, got, want)
		}
	}
	n := connectionsOfUser
	for range connectionsOfUser {
		check.RequireThat(t, open(600000), "a container of root was refused connection %d", n)
		n++
	}
	for uid := uint32(80000); n < connections-reserved; n++ {
		check.RequireThat(t, open(uid+uint32(n/connectionsOfUser)), "connection %d was refused", n)
	}
	check.That(t, !open(90000), "a connection beyond the limit of all was accepted")
	check.That(t, open(0), "root has no connection during a flood")
}

// TestConnectionIsUnchargedOnce checks that a connection that is closed twice leaves the charge of its user's others.
func TestConnectionIsUnchargedOnce(t *testing.T) {
	at := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	l := check.Must(net.ListenUnix("unix", at))
	defer l.Close()
	conn, err := net.DialUnix("unix", nil, at)
	check.NoError(t, err)
	s, c := &Server{}, caller{uid: aliceUID}
	c.user = s.callers.connect(c)
	s.callers.connect(c)
	x := &charged{UnixConn: conn, caller: c, s: s}
	check.NoError(t, x.Close())
	check.That(t, x.Close() != nil && c.user.connections == 1, "%d connections are charged, want 1", c.user.connections)
}

// TestSlowClientsAreCut checks that a silent client and one that sends half a question lose their connection, and that
// their charges end.
func TestSlowClientsAreCut(t *testing.T) {
	s := newServed(t, func(c *Config) {
		c.tune = func(h *http.Server) {
			check.Equal(t, [4]time.Duration{h.ReadHeaderTimeout, h.ReadTimeout, h.WriteTimeout, h.IdleTimeout},
				[4]time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, 30 * time.Second}, "limits of time")
			check.Equal(t, h.MaxHeaderBytes, 4096, "longest header")
			h.ReadHeaderTimeout, h.ReadTimeout, h.IdleTimeout = 50*time.Millisecond, 100*time.Millisecond,
				50*time.Millisecond
		}
	})
	for _, text := range []string{"", "POST /v1/can-read HTTP/1.1\r\n", "\x16\x03\x01\x00",
		"POST /v1/can-read HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{\"who\"",
		"POST /v1/status HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
		"POST /v1/status HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<16)} {
		c, err := net.Dial("unix", short(s.folder, SocketName))
		check.NoError(t, err)
		_, _ = c.Write([]byte(text)) // the server may have closed it
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		for b := make([]byte, 1<<10); ; {
			if _, err := c.Read(b); os.IsTimeout(err) {
				t.Fatalf("%.40q: the connection is still open", text)
			} else if err != nil {
				break
			}
		}
		c.Close()
	}
	check.Eventually(t, func() bool {
		s.callers.mu.Lock()
		defer s.callers.mu.Unlock()
		return len(s.callers.users) == 0 && s.callers.open == 0
	}, "users have connections, want none")
}

// TestConcurrentQueriesAreLimitedPerUID checks that a uid's queries wait for its slots, that those of another uid do
// not, and that a cancelled query releases its charge (N-99).
func TestConcurrentQueriesAreLimitedPerUID(t *testing.T) {
	var s callers
	alice, bob := caller{uid: 1, payer: payer{uid: 1}}, caller{uid: 2, payer: payer{uid: 2}}
	alice.user, bob.user = s.connect(alice), s.connect(bob)
	for range placesOfUser {
		check.RequireThat(t, s.enter(t.Context(), alice), "no place for a question below the limit")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	check.That(t, !s.enter(gone, alice), "a question beyond the limit has a place")
	check.That(t, s.enter(t.Context(), bob), "another uid waits")
	s.disconnect(alice)
	check.That(t, s.connect(alice) == alice.user, "a uid with questions in progress got new places")
	s.disconnect(alice)
	for range placesOfUser {
		s.leave(alice)
	}
	check.That(t, s.users[alice.payer] == nil, "%+v, want no charge", s.users[alice.payer])
	w := httptest.NewRecorder()
	(&Server{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/status", nil))
	check.Equal(t, w.Code, 429, "status for a connection without a user")
	var server Server
	alice.user = server.callers.connect(alice)
	p := &placeRecorder{ResponseWriter: w, user: alice.user}
	server.ServeHTTP(p, httptest.NewRequest(http.MethodPost, "/none", nil).WithContext(
		context.WithValue(t.Context(), callerKey{}, alice)))
	check.That(t, p.writing == 1 && len(alice.user.places) == 0, "N-99: %d places while the answer is written", p.writing)
}

// placeRecorder records how many places a user has while the server writes an answer.
type placeRecorder struct {
	http.ResponseWriter
	user    *user
	writing int
}

func (p *placeRecorder) WriteHeader(int) { p.writing = len(p.user.places) }

// TestListenReplacesStaleSocketsOnly checks that neither a file nor a socket in use is replaced, that a stale one is,
// and that a path may be longer than the kernel's 107 bytes.
func TestListenReplacesStaleSocketsOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	at := filepath.Join(dir, SocketName)
	check.NoError(t, errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(at, []byte("data"), 0o600)))
	refused := func(at, want string) {
		t.Helper()
		_, err := Listen(Config{Socket: at})
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%s: %v, want %q", at, err, want)
	}
	refused(at, "not a socket")
	refused(filepath.Join(dir, "none", SocketName), "no such file")
	check.NoError(t, os.Remove(at))
	s, err := Listen(Config{Socket: at, Private: true})
	check.NoError(t, err)
	if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info, err)
	}
	refused(at, "another program listens")
	s.socket.SetUnlinkOnClose(false) // as after a crash
	check.NoError(t, s.Close())
	s, err = Listen(Config{Socket: at})
	check.NoError(t, err)
	check.NoError(t, s.Close())
	check.ErrorIs(t, check.Err(os.Stat(at)), os.ErrNotExist, "socket after Close")
	for _, state := range []string{dir, filepath.Join(dir, "none")} {
		check.ErrorIs(t, check.Err(Dial(state)), ErrNoRun, "Dial without a run")
	}
}

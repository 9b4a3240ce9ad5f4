package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway/refmonv1/refmonv1connect"
	"github.com/refmon/refmon/winnt"
)

// TestFailedImpersonationOpensNothing checks that if a thread fails to impersonate, the gateway's own account opens,
// creates and deletes no file, and the thread has the process's identity afterwards (G-1, G-2).
func TestFailedImpersonationOpensNothing(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;WD)") // the gateway's account, too
	p := check.Must(w.g.link.process())
	th := check.Must(p.conn.NewThread())
	kept := w.present()
	q := &request{g: w.g}
	for _, tok := range []winnt.Handle{0, 0x7770, winnt.NtCurrentProcess} {
		for _, in := range []nt.CreateFileIn{
			q.creation(place{tree: "share", path: "f"}, winnt.GENERIC_READ, winnt.FILE_OPEN, 0),
			q.creation(place{tree: "share", path: "new"}, winnt.GENERIC_READ, winnt.FILE_OPEN_IF, 0),
			q.creation(place{tree: "share", path: "f"}, winnt.DELETE, winnt.FILE_OPEN, uint32(fileaccess.DeleteOnClose)),
		} {
			o, st := p.conn.OpenFileAs(th, tok, in)
			check.That(t, !st.IsSuccess() && o == (client.OpenedAs{Reverted: true}), "with the token %#x: %+v, %v", tok, o, st)
		}
	}
	w.awaitIdle(kept)
	w.want(200, "alice", "GET", "/share/f", "")
	w.want(404, "alice", "GET", "/share/new", "")
}

// TestReplacedThreadsAreClosed checks that threads which may still impersonate do not fill the limit of the connection
// (G-2).
func TestReplacedThreadsAreClosed(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", func(c *Config) { c.Threads = 1 })
	p := check.Must(w.g.link.process())
	kept := w.present()
	for range wire.MaxThreads {
		st := p.run(t.Context(), 0x7770, func(*nt.Thread) ntstatus.Status { return ntstatus.Success })
		check.RequireThat(t, st == ntstatus.InvalidHandle, "a call with an invalid token: %v, want %v", st,
			ntstatus.InvalidHandle)
	}
	w.awaitIdle(kept)
	w.want(404, "alice", "GET", "/share/missing", "")
}

// TestLateConnectionIsClosed checks that a connection is closed if another request has connected first, or if the
// gateway was closed while it connected. The request gets the other connection, or an error.
func TestLateConnectionIsClosed(t *testing.T) {
	for _, stops := range []bool{false, true} {
		var first *process
		var late *client.Conn
		var w *world
		w = newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", func(cfg *Config) {
			cfg.Dial = func() (*client.Conn, error) {
				conn, err := w.dial(gate)
				if late == nil {
					late = conn
					if first, _ = w.g.link.process(); stops {
						check.NoError(t, w.g.link.close())
					}
				}
				return conn, err
			}
		})
		got, err := w.g.link.process()
		if stops {
			check.That(t, got == nil && errors.Is(err, errStopped), "after close: %v, %v", got, err)
		} else {
			check.That(t, got == first && err == nil, "the first connection is not used: %v", err)
		}
		check.That(t, late.Err() != nil, "closed %t: the late connection is open", stops)
	}
}

// TestConnectionLogsMistakesOfTheSetup checks that the first request logs a missing privilege of the gateway's account
// and a tree that refmond does not serve. Clients see both only as 404. Without a mistake it logs nothing.
func TestConnectionLogsMistakesOfTheSetup(t *testing.T) {
	for _, c := range []struct {
		uid   uint32
		trees []string
		want  []string
	}{
		{gate, []string{"share"}, nil},
		{gate, []string{"share", "shore", "store"}, []string{"tree=shore", "tree=store"}},
		{gate + 1, []string{"share"}, []string{"S-1-22-1-61011 SeImpersonatePrivilege"}},
	} {
		var out bytes.Buffer
		var w *world
		w = newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)S:(AU;SAFA;FA;;;WD)", func(cfg *Config) {
			cfg.Dial = func() (*client.Conn, error) { return w.dial(c.uid) }
			cfg.Trees, cfg.Log = c.trees, slog.New(slog.NewTextHandler(&out, nil))
		})
		w.auditKind(audit.FileSystem)
		check.Must(w.g.link.process())
		check.Must(w.g.link.process())
		check.Equal(t, strings.Count(out.String(), "\n"), len(c.want), "lines of %q", out.String())
		for _, part := range c.want {
			check.That(t, strings.Contains(out.String(), part), "no %q in %s", part, out.String())
		}
		check.Equal(t, len(w.sink.Drain()), 0, "audit records")
	}
}

// serveOpen serves a client on conn as refmond does: it answers an impersonation, an open and the end of the
// impersonation with st, and any later request with STATUS_SUCCESS. A client sends the three alone or in one write.
func serveOpen(t *testing.T, conn net.Conn, st [3]ntstatus.Status) {
	r := wire.NewReader(conn)
	answer := func(f *wire.Frame, st ntstatus.Status, out []byte) {
		body := append(binary.LittleEndian.AppendUint32(nil, uint32(st)), 0) // without a reason
		body = append(body, out...)
		_, _ = conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.Answer, Request: f.Request, Body: body}))
	}
	if _, err := r.Frame(); err != nil { // the client's hello
		t.Error(err)
		return
	}
	hello := wire.HelloBody{Profile: uint8(nt.Observed), Process: 4, Thread: "gateway/1"}
	_, _ = conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, hello)}))
	for i := range st {
		f, err := r.Frame()
		if err != nil {
			t.Error(err)
			return
		}
		var out []byte
		if i == 1 && st[i] == ntstatus.Success {
			row := wire.Rows()[nt.NtTable.Find("NtCreateFile").Info().Number]
			out, _ = row.AppendOut(nil, nt.CreateFileOut{FileHandle: 8, Information: fileaccess.Opened})
		}
		answer(f, st[i], out)
	}
	for {
		f, err := r.Frame()
		if err != nil {
			return // the client has closed the connection
		}
		answer(f, ntstatus.Success, nil)
	}
}

// TestOpenReplacesThreadThatStillImpersonates checks that a thread whose impersonation did not end does not serve the
// next request, whether or not it opened the file. Any other thread does (G-2).
func TestOpenReplacesThreadThatStillImpersonates(t *testing.T) {
	const yes, no = ntstatus.Success, ntstatus.AccessDenied
	for _, c := range []struct {
		opened, reverted ntstatus.Status
		atOnce           bool // the client sends the three calls in one write
	}{{yes, yes, true}, {no, yes, true}, {yes, no, true}, {no, no, true}, {no, yes, false}, {yes, no, false}} {
		ours, theirs := net.Pipe()
		over := make(chan struct{})
		go func() {
			defer close(over)
			serveOpen(t, theirs, [3]ntstatus.Status{yes, c.opened, c.reverted})
		}()
		conn := check.Must(client.New(ours))
		p := newProcess(conn, &Config{Threads: 1, Now: time.Now})
		<-p.threads
		p.threads <- conn.Thread()
		in := nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ, CreateDisposition: winnt.FILE_OPEN}
		var st ntstatus.Status
		if c.atOnce {
			_, st = p.openAs(t.Context(), 4, in)
		} else {
			st = p.as(t.Context(), 4, func(th *nt.Thread) ntstatus.Status {
				_, _, st := th.NtCreateFile(in)
				return st
			})
		}
		check.Equal(t, st, c.opened, "an open with the statuses %+v", c)
		th := <-p.threads
		check.That(t, (th != nil) == (c.reverted == yes), "G-2: statuses %+v: the thread is used again: %t, want %t", c,
			th != nil, c.reverted == yes)
		check.NoError(t, conn.Close())
		<-over
	}
}

// TestReadRecordNamesClientAndGateway checks that the audit record of a read names the client and the gateway, for
// inline contents and for a passed descriptor (G-31, F-157).
func TestReadRecordNamesClientAndGateway(t *testing.T) {
	w := newWorld(t, shared)
	w.auditKind(audit.FileSystem)
	w.file("short", "f", shared+"S:(AU;SA;CC;;;WD)")
	w.file("long", string(make([]byte, mostAtOnce+1)), shared)
	for _, name := range []string{"short", "long"} {
		w.sink.Drain()
		w.want(200, "alice", "GET", "/share/"+name, "")
		found := 0
		for _, e := range w.sink.Drain() {
			if object, _ := e.Field("ObjectName"); e.ID != 4663 || !strings.HasSuffix(object, name) {
				continue
			}
			found++
			user, _ := e.Field("SubjectUserSid")
			primary, _ := e.Field("PrimaryUserSid")
			if user != w.sids["alice"].String() || primary != "S-1-22-1-61010" {
				t.Errorf("G-31: %s is read by %s, for whom %s acts, want %s, S-1-22-1-61010", name, user, primary,
					w.sids["alice"].String())
			}
		}
		check.That(t, found == 1, "G-31: %s has %d records, want 1", name, found)
	}
}

// TestReadWithoutTokenFails checks that nothing is opened or read without a client's token (G-1, G-30).
func TestReadWithoutTokenFails(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end() // no thread is waited for
	p := &process{}
	check.Equal(t, p.as(ended, 0, nil), ntstatus.NoToken, "G-1")
	check.Equal(t, check.Status(p.openAs(ended, 0, nt.CreateFileIn{})), ntstatus.NoToken, "G-1: an open")
	check.Equal(t, check.Status(p.readAs(ended, 0, nt.CreateFileIn{}, nil)), ntstatus.NoToken, "G-30")
}

// TestGatewayReconnectsToRefmond checks that a gateway that lost its connection to refmond makes a new one with new
// sessions, and returns an error while refmond is down.
func TestGatewayReconnectsToRefmond(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.want(200, "bob", "GET", "/share/f", "")
	p := check.Must(w.g.link.process())
	w.must(p.conn.Close())
	w.want(200, "bob", "GET", "/share/f", "")
	again := check.Must(w.g.link.process())
	check.That(t, again != p, "the old connection is used")
	dial := w.g.link.dial
	w.must(again.conn.Close())
	w.g.link.dial = failing
	if got := w.want(503, "bob", "GET", "/share/f", ""); got.header.Get("Retry-After") == "" {
		t.Errorf("without refmond: %v", got.header)
	}
	w.g.link.dial = dial
	w.want(200, "bob", "GET", "/share/f", "")
}

// failing dials a refmond that does not run.
func failing() (*client.Conn, error) { return nil, errors.New("refmond is gone") }

// openable returns which of the files a thread can open for reading, for writing or at all.
func openable(th *nt.Thread, files ...string) (opened []string) {
	for _, name := range files {
		for _, want := range []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.READ_CONTROL,
			winnt.WRITE_DAC, winnt.WRITE_OWNER, winnt.DELETE, winnt.FILE_READ_ATTRIBUTES} {
			h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: want, CreateDisposition: winnt.FILE_OPEN,
				ShareAccess: shareAll, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\` + name})})
			if st == ntstatus.Success {
				th.NtClose(h)
				opened = append(opened, name)
				break
			}
		}
	}
	return opened
}

// TestStolenConnectionOpensOnlyFilesOfKnownClients speaks the wire protocol like an attacker who took over the gateway:
// with its account, connection and handles, only files of currently known clients can be opened (G-1).
func TestStolenConnectionOpensOnlyFilesOfKnownClients(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;SY)")
	for name := range w.sids {
		w.file(name, name, "O:{"+name+"}G:SYD:P(A;;FA;;;{"+name+"})")
	}
	all := []string{"alice", "bob", "carol"}
	w.want(200, "alice", "GET", "/share/alice", "") // alice is known; bob and carol never connected
	p := check.Must(w.g.link.process())
	th := check.Must(p.conn.NewThread())
	if got := openable(th, all...); len(got) > 0 {
		t.Errorf("G-1: the gateway's own account opens %v, want no file", got)
	}
	tokens := 0
	for h := winnt.Handle(4); h < 4096; h += 4 { // every possible handle
		if th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h) != ntstatus.Success {
			continue
		}
		tokens++
		if got := openable(th, all...); len(got) != 1 || got[0] != "alice" {
			t.Errorf(`G-1: with the token %d it opens %v, want only "alice"`, h, got)
		}
		w.revert(th)
	}
	check.That(t, tokens == 1, "G-1: %d tokens are open, want 1 for the one client", tokens)
	w.checkNoOther(th)
	again := check.Must(w.dial(gate))
	defer again.Close()
	if got := openable(again.Thread(), all...); len(got) > 0 {
		t.Errorf("G-1: another connection of the account opens %v, want no file", got)
	}
}

func (w *world) revert(th *nt.Thread) {
	w.Helper()
	check.Success(w, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0))
}

// checkNoOther checks that the connection cannot act for a client that never connected.
func (w *world) checkNoOther(th *nt.Thread) {
	w.Helper()
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.S4ULogon, UserName: "bob"}})
	check.Success(w, st)
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, out.Token); st.IsSuccess() {
		if got := openable(th, "bob", "carol"); len(got) > 0 {
			w.Errorf("G-1: a logon without a password opens %v, want no file", got)
		}
		w.revert(th)
	}
	level := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}}
	if h, st := th.NtDuplicateToken(out.Token, winnt.TOKEN_ALL_ACCESS, level, false, winnt.TokenImpersonation); st ==
		ntstatus.Success {
		w.Errorf("G-1: an identification token was duplicated to the impersonation token %d, want an error", h)
	}
	if _, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "bob",
			Password: "guessed"}}); st != ntstatus.LogonFailure {
		w.Errorf("G-1: a guessed password: %v, want %v", st, ntstatus.LogonFailure)
	}
}

// TestLogonWithoutThreadIsNotTried checks that a logon gets no thread, and is not tried, if others have all threads for
// logons for half a minute (G-55).
func TestLogonWithoutThreadIsNotTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := newProcess(nil, &Config{Threads: 7}), time.Now()
		check.That(t, p.logons.Enter(t.Context(), ""), "G-55: one of seven threads is for logons")
		st := p.logOn(t.Context(), "", nil)
		check.Equal(t, st, ntstatus.InsufficientResources, "G-55: the status")
		check.Equal(t, time.Since(began), 30*time.Second, "G-55: the time")
	})
}

// TestCallsOfOthersDoNotDelayRequest checks that the calls of a request wait for a few calls of another user and of no
// user, however many wait for a thread (G-55).
func TestCallsOfOthersDoNotDelayRequest(t *testing.T) {
	w := newExactly(t, shared, everyoneAsks, local, func(c *Config) {
		c.ForwardAuth.Proxies = append(c.ForwardAuth.Proxies, netip.MustParsePrefix("192.0.2.0/24"))
	})
	w.file("f", "f", shared)
	p := check.Must(w.g.link.process())
	p.subjects.most = 1
	busy := p.subjects.get(p.subjects.name("", "busy"), func(one *session) { one.token = w.own(p) })
	defer p.subjects.put(busy) // the cache is full, so each question closes the token of its subject
	left := 400                // calls that wait
	ran, next := make(chan bool, left+1), make(chan bool)
	var all sync.WaitGroup
	defer all.Wait()
	defer close(next)
	for i := range left + 1 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = forUser(ctx, &session{user: w.sids["bob"]})
		}
		all.Go(func() {
			p.do(ctx, func(*nt.Thread) ntstatus.Status {
				ran <- true
				<-next
				return ntstatus.Success
			})
		})
	}
	<-ran
	check.Eventually(t, func() bool { return p.turns.Waiting() == left }, "the calls do not wait")
	files, console, json := w.g.Files(), w.g.Console(), []string{"Content-Type", "application/json"}
	for _, c := range []struct {
		h                  http.Handler
		method, path, body string
		headers            []string
	}{
		{files, http.MethodGet, "/share/f", "", nil}, {files, http.MethodGet, "/share/", "", nil},
		{files, "PROPFIND", "/share/f", "", nil}, {console, http.MethodGet, "/tree?path=/share", "", nil},
		{console, http.MethodGet, ForwardAuthPath, "", []string{"X-Forwarded-Uri", "/share/f", "X-Refmon-Right", "read"}},
		{console, http.MethodPost, refmonv1connect.AccessTokenProcedure, "{}", json},
		{console, http.MethodPost, authzen.EvaluationPath, `{"subject":{"type":"user","id":"bob"},` +
			`"action":{"name":"read"},"resource":{"type":"file","id":"/share/f"}}`, json},
	} {
		done := make(chan int, 1)
		all.Go(func() {
			answer := w.answer(c.h, "alice", c.method, c.path, []byte(c.body), c.headers...)
			_ = answer.Body.Close()
			done <- answer.StatusCode
		})
		code := 0
		for code == 0 && left > 0 {
			select {
			case code = <-done:
				continue
			default:
			}
			if p.turns.Waiting() == left { // the request does not wait
				time.Sleep(time.Millisecond)
				continue
			}
			next <- true
			<-ran
			left--
		}
		check.RequireThat(t, code/100 == 2, "G-55: %s %s: %d after all calls of others but %d", c.method, c.path, code, left)
	}
}

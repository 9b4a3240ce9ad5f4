package gateway

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// TestConsoleShowsImpersonationToOwnerOnly checks that a client who may open processes sees each impersonating thread
// with process, client, time and proof, and the token of a process. Other clients see none of it.
func TestConsoleShowsImpersonationToOwnerOnly(t *testing.T) {
	w := newExactly(t, shared)
	bob := w.newRequest("bob")
	p := bob.s.p
	th := check.Must(p.conn.NewThread())
	begun := time.Now().Add(-time.Second).UTC()
	check.Success(t, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, bob.s.token))
	one := p.sessions.once(func(s *session) { s.token, s.st = w.own(p), ntstatus.Success })
	own := &request{g: w.g, s: one, ctx: t.Context()}
	left := w.present()
	d, _ := w.consoleData(own, "/").(sessionsData)
	check.RequireThat(t, len(d.Sessions) == 1 && d.Problem == "", `%+v, want one session and no problem`, d)
	id := d.Sessions[0].Process
	since := func(text string) bool {
		at, err := time.Parse(time.DateTime, text)
		return err == nil && !at.Before(begun.Truncate(time.Second)) && !at.After(time.Now().Add(time.Second))
	}
	if s := d.Sessions[0]; s.User != "S-1-22-1-61010" && !strings.HasSuffix(s.User, "61010") || s.UID != "61010" ||
		s.Name == "" ||
		s.Token != "/token?process="+id || !since(s.Since) && s.Since == "" {
		t.Errorf("%+v", s)
	}
	// The client may open its own token. The inspecting thread impersonates too.
	as := map[string]actingLine{}
	for _, a := range d.Acting {
		if as[a.As] = a; a.Process != id || a.Thread == "" || !since(a.Since) {
			t.Errorf("acting: %+v", a)
		}
	}
	if a, b := as["a client whose token you may not open"], as["S-1-22-1-61010"]; len(d.Acting) != 2 || d.Full ||
		a.Thread == b.Thread {
		t.Errorf("acting are %+v", d.Acting)
	}
	// One query has at most 4096 threads.
	list := append(slices.Repeat([]actingLine{{Thread: "1"}}, 4096), actingLine{Thread: as["S-1-22-1-61010"].Thread})
	own.addTimes(list)
	check.That(t, list[0] == actingLine{Thread: "1"} && since(list[4096].Since),
		"times of no thread and a thread: %+v, %+v, want none and one", list[0], list[4096])
	of, _ := w.consoleData(own, "/token?process="+id).(tokenData)
	if of.Of != "the token of process "+id || of.Problem != "" || of.User != "S-1-22-1-61010" || of.Level != "" ||
		len(of.Groups) == 0 || of.Process != id {
		t.Errorf("%+v", of)
	}
	mine, _ := w.consoleData(bob, "/token").(tokenData)
	if mine.User != w.sids["bob"].String() || mine.Name != `HOST\bob` || mine.Level != "SecurityImpersonation" ||
		mine.Of != "the token of this request" {
		t.Errorf("%+v", mine)
	}
	names := map[string]string{}
	for _, g := range mine.Groups {
		names[g.SID] = g.Name + " " + g.How
	}
	check.That(t, names["S-1-1-0"] == "Everyone " && strings.HasSuffix(names["S-1-16-8192"], " integrity"),
		`the groups are %v, want S-1-1-0 named "Everyone", without a mark, and S-1-16-8192 marked "integrity"`, names)
	other, _ := w.consoleData(bob, "/").(sessionsData)
	for _, a := range other.Acting {
		check.That(t, a.As == `HOST\bob` || a.As == "a client whose token you may not open", "bob sees %+v", a)
	}
	if now := w.present(); now != left {
		t.Errorf("G-2: the pages left objects, handles, references %d, which were %d, want %d", now, left, left)
	}
	check.Equal(t, check.Status(bob.inspect(inspect.Query{What: "none"})), ntstatus.AccessDenied, "a rejected query")
	denied, _ := w.consoleData(bob, "/token?process="+id).(tokenData)
	check.That(t, denied.Problem == "STATUS_ACCESS_DENIED" && denied.User == "" && len(denied.Groups) == 0,
		"bob sees the token of the gateway: %+v", denied)
	// The page leaves out threads that are newer than it, because a program can create them without end.
	number, err := strconv.ParseUint(id, 10, 64)
	check.NoError(t, err)
	newest := check.Result(p.newest())
	check.Equal(t, len(own.threads(winnt.Handle(number), newest)), 2, "threads that impersonate")
	late := check.Must(p.conn.NewThread())
	check.Success(t, late.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, bob.s.token))
	left = w.present()
	check.Equal(t, len(own.threads(winnt.Handle(number), newest)), 2, "threads up to a number, with a later one")
	check.Equal(t, w.present(), left, "objects, handles and references that it leaves")
	late.Close()
	// The page stops at mostThreads of a process. The request's own thread acts too.
	for i := range mostThreads {
		more := check.Must(p.conn.NewThread())
		defer more.Close()
		if st := more.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, bob.s.token); st !=
			ntstatus.Success {
			t.Fatalf("thread %d: %v", i, st)
		}
	}
	later := check.Must(w.dial(gate)) // its process follows the full one
	defer later.Close()
	if full, _ := w.consoleData(own, "/").(sessionsData); len(full.Sessions) != 2 || len(full.Acting) != mostThreads ||
		!full.Full {
		t.Errorf("the page has %d acting threads, full: %t, want %d, true", len(full.Acting), full.Full, mostThreads)
	}
	th.Close()
	p.sessions.put(one)
}

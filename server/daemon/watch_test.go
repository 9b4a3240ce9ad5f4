package daemon

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// numbers returns the numbers of calls.
func numbers(list []*seen) (out []uint64) {
	for _, s := range list {
		out = append(out, s.number)
	}
	return out
}

// TestNewestCallsAreKept checks that the newest calls are kept within the limit and the oldest are evicted first. A
// call that is too large is skipped (W-28).
//
// +checklocksignore
func TestNewestCallsAreKept(t *testing.T) {
	k := &callBuffer{most: 3}
	want := func(after uint64, numbered []uint64, next uint64, bytes int) {
		t.Helper()
		list, got := k.after(after)
		if fmt.Sprint(numbers(list)) != fmt.Sprint(numbered) || got != next || k.bytes != bytes {
			t.Errorf("after %d: %v, next %d, %d bytes, want %v, %d, %d",
				after, numbers(list), got, k.bytes, numbered, next,
				bytes)
		}
	}
	want(0, nil, 0, 0)
	k.add(&seen{size: 10})
	k.add(&seen{size: largestKept + 1})
	k.add(&seen{size: largestKept})
	want(0, []uint64{1, 3}, 3, 10+largestKept)
	want(1, []uint64{3}, 3, 10+largestKept)
	want(3, nil, 3, 10+largestKept)
	k.add(&seen{size: 1})
	want(0, []uint64{1, 3, 4}, 4, 11+largestKept)
	k.add(&seen{size: 2})
	want(0, []uint64{3, 4, 5}, 5, 3+largestKept)
	k.drop()
	want(0, nil, 5, 0)
	k.add(&seen{size: 7})
	want(0, []uint64{6}, 6, 7)
	k = &callBuffer{most: 1, fair: true}
	k.add(&seen{size: 1, owner: owner{uid: 7}})
	k.add(&seen{size: 2, owner: owner{uid: 8}})
	want(0, []uint64{2}, 2, 2)
	check.DeepEqual(t, k.owned, map[owner]occupancy{{uid: 8}: {1, 2}}, "owners of the calls")
	k = &callBuffer{most: 1 << 20}
	const fit = keptBytes / largestKept
	for range fit {
		k.add(&seen{size: largestKept})
	}
	if list, _ := k.after(0); len(list) != fit || list[0].number != 1 {
		t.Errorf("%d calls of %d bytes are kept, want %d", len(list), largestKept, fit)
	}
	k.add(&seen{size: keptBytes - fit*largestKept + 1})
	if list, _ := k.after(0); len(list) != fit || list[0].number != 2 {
		t.Errorf("%d calls are kept after one more, want %d", len(list), fit)
	}
}

// TestCallsAreKeptUntilLastWatcherLeaves checks that calls are kept until the last watcher has left, however often each
// watcher polled (W-28).
func TestCallsAreKeptUntilLastWatcherLeaves(t *testing.T) {
	d := &Daemon{calls: callBuffer{most: 4}}
	one, other, never := &connection{d: d}, &connection{d: d}, &connection{d: d}
	held := func(watchers int32, calls int) {
		t.Helper()
		list, _ := d.calls.after(0)
		if d.watchers.Load() != watchers || len(list) != calls || d.watching() != (watchers > 0) {
			t.Errorf("%d watch %d calls, want %d and %d", d.watchers.Load(), len(list), watchers, calls)
		}
	}
	held(0, 0)
	one.watch()
	one.watch()
	other.watch()
	d.calls.add(&seen{size: 1})
	held(2, 1)
	never.unwatch()
	one.unwatch()
	one.unwatch()
	held(1, 1)
	other.unwatch()
	held(0, 0)
	one.watch()
	d.calls.add(&seen{size: 1})
	held(1, 1)
}

// TestSecretsAreNotKept checks that a call with a password is formatted immediately, so that the password does not
// stay in memory (L-1). Denials are always recorded, other calls only while a watcher exists.
func TestSecretsAreNotKept(t *testing.T) {
	for _, row := range []struct {
		name string
		want bool
	}{{"LsaLogonUser", true}, {"NtClose", false}, {"NtSetInformationToken", false}} {
		check.Equal(t, secretive(nt.NtTable.Find(row.name).InType(), secretDepth), row.want, "%s: it has secrets", row.name)
	}
	type in struct {
		A []*[2]struct{ B nt.LsaLogonUserIn }
	}
	check.That(t, secretive(reflect.TypeFor[in](), secretDepth), "a secret below lists and pointers is not found")
	sys := kernel.Boot(kernel.Config{})
	tok := check.Must(token.New(token.LocalSystem()))
	p := check.Must(sys.CreateProcess(kernel.ProcessSpec{Name: "p", Token: tok}))
	d := &Daemon{sys: sys, calls: callBuffer{most: 8}, denials: callBuffer{most: 8}}
	c := &connection{d: d, process: p, account: 7, full: true}
	logOn := nt.LsaLogonUserIn{AuthenticationInformation: nt.LogonInformation{UserName: "carol", Password: "hunter2"}}
	call := func(name string, in any, st ntstatus.Status) {
		c.Called(&nt.Thread{}, &nt.Call{Thread: "p/1", Row: nt.NtTable.Find(name), In: in, Out: nil, Status: st}, 5)
	}
	call("LsaLogonUser", logOn, ntstatus.AccessDenied)
	call("NtClose", nt.CloseIn{Handle: 4}, ntstatus.InvalidHandle)
	if c.Wants(ntstatus.InvalidHandle) || !c.Wants(ntstatus.AccessDenied) || len(d.calls.list) != 0 ||
		len(d.denials.list) != 1 {
		t.Errorf("%d calls and %d denials are kept", len(d.calls.list), len(d.denials.list))
	}
	c.watch()
	c.watch()
	call("NtClose", nt.CloseIn{Handle: 4}, ntstatus.InvalidHandle)
	call("LsaLogonUser", logOn, ntstatus.PrivilegeNotHeld)
	check.That(t, c.Wants(ntstatus.InvalidHandle) && len(d.calls.list) == 2 && len(d.denials.list) == 2,
		"while calls are watched %d calls and %d denials are kept", len(d.calls.list), len(d.denials.list))
	for _, s := range append(d.denials.list, d.calls.list...) {
		text := strings.Join(s.shown(), "\n")
		secret, size := strings.Contains(text, "LsaLogonUser"), 5+s.guard.HeapSize()
		if secret {
			size += len(strings.Join(s.lines, ""))
		}
		if (s.call == nil) != secret || strings.Contains(text, "hunter2") || secret != strings.Contains(text, "***") ||
			s.process != uint64(p.ID()) || s.guard != p.Object().Security() || s.size != size ||
			time.Since(s.at) > time.Hour || s.owner != (owner{7, true}) {
			t.Errorf("kept: %+v\n%s", s, text)
		}
	}
	c.unwatch()
	c.unwatch()
	check.That(t, !d.watching() && len(d.calls.list) == 0 && len(d.denials.list) == 2,
		"afterwards %d calls and %d denials are kept", len(d.calls.list), len(d.denials.list))
	p.Exit()
	check.NoError(t, sys.Close())
}

// TestLongDACLDenialIsKeptAsText checks that a denial is kept without the explanation of its access check, which has a
// step for each entry of the DACL, and without the client's token. Its lines count as its bytes. A filter finds it by
// the object's name. A denial about an object with a long path is also kept as text (W-28).
func TestLongDACLDenialIsKeptAsText(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	user := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	p := check.Must(sys.CreateProcess(kernel.ProcessSpec{Name: "p", Token: user}))
	c := &connection{d: &Daemon{sys: sys, denials: callBuffer{most: 8}}, process: p}
	th := check.Must(p.NewThreadAs(user))
	acl := "O:SYG:SYD:(D;;GA;;;" + user.User().SID.String() + ")" + strings.Repeat("(A;;GA;;;SY)", 1000)
	_, why, err := access.Explain(&access.Request{Descriptor: check.Must(sddl.Parse(acl)), Desired: winnt.EVENT_ALL_ACCESS,
		Subject: access.SubjectOf(user), Type: winnt.EventObject})
	check.NoError(t, err)
	c.Called(th, &nt.Call{Thread: "p/1", Row: nt.NtTable.Find("NtOpenEvent"), In: nt.OpenEventIn{},
		Status: ntstatus.AccessDenied, Why: nt.Why{Object: `Event \e`, Explanation: why}}, 5)
	kept, _ := c.d.denials.after(0)
	s := kept[0]
	text := strings.Join(s.shown(), "")
	check.That(t, s.call == nil && s.as.User == user.User().SID && s.as.Token == nil && named(s, `EVENT \E`) &&
		strings.Contains(text, "because A-") && s.size == 5+s.guard.HeapSize()+len(text), "kept: %+v\n%s", s, text)
	c.Called(th, &nt.Call{Thread: "p/1", Row: nt.NtTable.Find("NtOpenEvent"), In: nt.OpenEventIn{},
		Status: ntstatus.AccessDenied, Why: nt.Why{Rule: "F-33", Object: `Event \f` + strings.Repeat(`\f`, longestLine)}}, 5)
	kept, _ = c.d.denials.after(s.number)
	long := kept[0]
	check.That(t, long.call == nil && strings.Contains(strings.Join(long.shown(), ""), "because F-33") &&
		named(long, `event \f`) && len(long.object) < longestLine+9 && long.size < 2*longestLine, "%+v", long)
	th.Close()
	p.Exit()
	check.NoError(t, sys.Close())
}

// TestDenialsAreRecorded checks that denials are recorded and malformed calls are not (W-28).
func TestDenialsAreRecorded(t *testing.T) {
	for st, want := range map[ntstatus.Status]bool{ntstatus.AccessDenied: true, ntstatus.PrivilegeNotHeld: true,
		ntstatus.BadImpersonationLevel: true, ntstatus.CantOpenAnonymous: true, ntstatus.Success: false,
		ntstatus.InvalidHandle: false, ntstatus.NoToken: false, ntstatus.InvalidParameter: false} {
		check.Equal(t, denied(st), want, "%v", st)
	}
}

// TestLongCallLineIsTruncated checks that a long line is cut, and that a filter finds a call by its object's name or by
// its text.
func TestLongCallLineIsTruncated(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	s := &seen{lines: []string{long, long + "y", "NtOpenFile(Report)", long[1:] + "é"}}
	if got := s.shown(); got[0] != long || got[1] != long+" …" || got[2] != "NtOpenFile(Report)" ||
		got[3] != long[1:]+" …" {
		t.Errorf("%d, %d, %s, %q", len(got[0]), len(got[1]), got[2], got[3][longestLine-1:])
	}
	call := &nt.Call{Thread: "p/1", Row: nt.NtTable.Find("NtClose"), In: nt.CloseIn{Handle: 4},
		Status: ntstatus.AccessDenied}
	object := *call
	object.Why.Object = `File \Files\Payroll`
	formatted := &seen{call: &object}
	formatted.format()
	for _, c := range []struct {
		s    *seen
		part string
		want bool
	}{{s, "", true}, {s, "report", true}, {s, "REPORT", true}, {s, "payroll", false}, {&seen{call: &object}, "PAYR", true},
		{&seen{call: &object}, "NtClose", false}, {formatted, "PAYR", true}, {formatted, "NtClose", false},
		{&seen{call: call}, "ntclose", true}, {&seen{call: call}, "zzz", false}} {
		check.Equal(t, named(c.s, c.part), c.want, "%q", c.part)
	}
}

// TestWatcherLearnsExactLoss checks the limit of a reply, the filters by process and time, and the exact number of
// lost calls for a caller that sees everything (W-27, W-28).
func TestWatcherLearnsExactLoss(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	tok := check.Must(token.New(token.LocalSystem()))
	p := check.Must(sys.CreateProcess(kernel.ProcessSpec{Name: "p", Token: tok}))
	th := check.Must(p.NewThread())
	who := sys.ThreadObject(th).Subject()
	check.RequireThat(t, who.Holds(winnt.SeDebugPrivilege), "the system does not hold SeDebugPrivilege")
	begun := time.Unix(1000, 0)
	k := &callBuffer{most: 4 * shownAtOnce}
	for i := range 2*shownAtOnce + 1 {
		k.add(&seen{at: begun.Add(time.Duration(i) * time.Second), process: uint64(i % 2), lines: []string{"x"}})
	}
	for _, c := range []struct {
		q          inspect.Query
		n          int
		next, lost uint64
	}{
		{inspect.Query{}, shownAtOnce, shownAtOnce, 0},
		{inspect.Query{After: shownAtOnce}, shownAtOnce, 2 * shownAtOnce, 0},
		{inspect.Query{After: 2 * shownAtOnce}, 1, 2*shownAtOnce + 1, 0},
		{inspect.Query{After: 2*shownAtOnce + 1}, 0, 2*shownAtOnce + 1, 0},
		{inspect.Query{Process: 1}, shownAtOnce, 2 * shownAtOnce, 0}, {inspect.Query{Process: 7}, 0, 2*shownAtOnce + 1, 0},
		{inspect.Query{Since: begun.Add((2*shownAtOnce - 1) * time.Second)}, 1, 2*shownAtOnce + 1, 0},
		{inspect.Query{Path: "y"}, 0, 2*shownAtOnce + 1, 0},
		{inspect.Query{Process: 7, After: shownAtOnce}, 0, 2*shownAtOnce + 1, 0},
	} {
		calls, next, lost := (&inspector{who: &who}).recordedCalls(k, &c.q)
		check.That(t, len(calls) == c.n && next == c.next && lost == c.lost,
			"%+v: %d calls, next %d, lost %d, want %d, %d, %d", c.q, len(calls), next, lost, c.n, c.next, c.lost)
	}
	k.add(&seen{size: largestKept + 1})
	k.add(&seen{size: largestKept + 1})
	alice := sid.MustParse("S-1-5-21-1-2-3-1107")
	k.add(&seen{at: begun, lines: []string{"x"}, guard: ownedBy(alice)})
	calls, next, lost := (&inspector{who: &who}).recordedCalls(k, &inspect.Query{After: 2*shownAtOnce + 1})
	check.That(t, len(calls) == 1 && next == 2*shownAtOnce+4 && lost == 2,
		"%d calls, next %d, lost %d, want 1, %d, 2", len(calls), next, lost, 2*shownAtOnce+4)
	// A caller without SeDebugPrivilege learns that calls were lost, but not how many.
	user := check.Must(token.New(token.StandardUser(alice)))
	stranger := access.SubjectOf(user)
	for after, want := range map[uint64]uint64{2*shownAtOnce + 1: 1, 2*shownAtOnce + 2: 1, 2*shownAtOnce + 4: 0} {
		calls, _, lost := (&inspector{who: &stranger}).recordedCalls(k, &inspect.Query{After: after})
		check.That(t, lost == want && uint64(len(calls)) == want, "another user sees %d calls after %d and %d lost "+
			"ones, want %d of both", len(calls), after, lost, want)
	}
	th.Close()
	p.Exit()
	check.NoError(t, sys.Close())
}

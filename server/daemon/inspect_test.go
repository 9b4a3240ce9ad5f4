package daemon_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// roles is an Identity that gives the connections of a test, all from one uid, tokens in their order.
type roles chan string

// LogOn implements daemon.Identity.
func (r roles) LogOn(*peer.Peer, bool) (logon.Result, error) {
	tok, err := token.Parse([]byte(<-r))
	if err != nil {
		return logon.Result{}, err
	}
	return logon.Result{Token: tok.Spec()}, nil
}

const (
	administrator = `{"user":"S-1-5-21-1-2-3-500","groups":["WD","BA"],"privileges":["SeDebugPrivilege"]}`
	alice         = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD"]}`
	bob           = `{"user":"S-1-5-21-1-2-3-1108","groups":["WD"]}`
)

// as connects with a token.
func (r *running) as(who roles, tok string) *client.Conn {
	r.Helper()
	who <- tok
	return r.dial()
}

func ask(t *testing.T, c *client.Conn, q inspect.Query) inspect.Reply {
	t.Helper()
	b, err := json.Marshal(q)
	check.NoError(t, err)
	b, err = c.Inspect(b)
	check.RequireThat(t, err == nil, "%+v: %v", q, err)
	var a inspect.Reply
	check.NoError(t, json.Unmarshal(b, &a))
	return a
}

// handlesOf counts the handles of a client's process.
func handlesOf(t *testing.T, c *client.Conn) uint32 {
	t.Helper()
	n := check.Result(c.Thread().NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleCount))
	return n.(uint32)
}

func (r *running) dialAll() (admin, a, b *client.Conn) {
	who := make(roles, 1)
	r.SetIdentity(who)
	return r.as(who, administrator), r.as(who, alice), r.as(who, bob)
}

// processes returns the ids of the processes that a walk opens.
func processes(t *testing.T, th *nt.Thread) (ids []winnt.Handle) {
	t.Helper()
	for last := winnt.Handle(0); ; {
		h, st := th.NtGetNextProcess(last, winnt.PROCESS_QUERY_LIMITED_INFORMATION, 0, 0)
		if last != 0 {
			th.NtClose(last)
		}
		if st == ntstatus.NoMoreEntries {
			return ids
		}
		check.Success(t, st)
		v := check.Result(th.NtQueryInformationProcess(h, nt.ProcessBasicInformation))
		ids, last = append(ids, v.(nt.ProcessBasic).UniqueProcessID), h
	}
}

// TestOrdinaryUserSeesOnlyOwnProcesses checks that an ordinary user sees only their own processes in every query,
// unless a process changes its descriptor, and that SeDebugPrivilege shows all (U-95, W-27).
func TestOrdinaryUserSeesOnlyOwnProcesses(t *testing.T) {
	d := start(t, nil)
	admin, a, b := d.dialAll()
	mine := []winnt.Handle{a.Process()}
	if got := processes(t, a.Thread()); !slices.Equal(got, mine) {
		t.Errorf("alice walks over %v, want %v", got, mine)
	}
	if got := processes(t, admin.Thread()); !slices.Contains(got, a.Process()) || !slices.Contains(got, b.Process()) {
		t.Errorf("the administrator walks over %v", got)
	}
	names := func(list []inspect.Session) (ids []winnt.Handle) {
		for _, s := range list {
			ids = append(ids, winnt.Handle(s.Process))
		}
		return ids
	}
	if got := names(ask(t, a, inspect.Query{What: "sessions"}).Sessions); !slices.Equal(got, mine) {
		t.Errorf("alice sees the sessions of %v, want %v", got, mine)
	}
	all := []winnt.Handle{admin.Process(), a.Process(), b.Process()}
	if got := names(ask(t, admin, inspect.Query{What: "sessions"}).Sessions); !slices.Equal(got, all) {
		t.Errorf("the administrator sees the sessions of %v, want %v", got, all)
	}
	// Each of two users sees only their own denials.
	for _, c := range []*client.Conn{a, b} {
		if _, st := c.Thread().NtOpenProcess(winnt.PROCESS_TERMINATE, nil,
			&nt.ClientID{UniqueProcess: admin.Process()}); st != ntstatus.AccessDenied {
			t.Fatal(st)
		}
	}
	seen := func(c *client.Conn, q inspect.Query) (ids []winnt.Handle) {
		for _, call := range ask(t, c, q).Calls {
			ids = append(ids, winnt.Handle(call.Process))
			check.That(t, q.What != "denials" || strings.Contains(call.Lines[0], "STATUS_ACCESS_DENIED") &&
				strings.Contains(call.Lines[1], "because A-"), "W-28: %q, want the entry that denied it", call.Lines)
		}
		return slices.Compact(ids)
	}
	q := inspect.Query{What: "denials", Path: "process"}
	if got := seen(a, q); !slices.Equal(got, mine) {
		t.Errorf("alice sees denials of %v, want %v", got, mine)
	}
	if got := seen(admin, q); !slices.Equal(got, []winnt.Handle{a.Process(), b.Process()}) {
		t.Errorf("the administrator sees denials of %v", got)
	}
	if got := seen(admin, inspect.Query{What: "denials", Process: uint64(b.Process())}); !slices.Equal(got,
		[]winnt.Handle{b.Process()}) {
		t.Errorf("of bob's process alone: %v", got)
	}
	ask(t, a, inspect.Query{What: "calls"}) // from now on calls are kept
	before := ask(t, admin, inspect.Query{What: "calls"}).Next
	b.Thread().NtClose(4)
	a.Thread().NtClose(4)
	for _, call := range ask(t, a, inspect.Query{What: "calls"}).Calls {
		check.That(t, winnt.Handle(call.Process) == a.Process(), "alice sees a call of %d", call.Process)
	}
	if got := seen(admin, inspect.Query{What: "calls", After: before}); !slices.Equal(got,
		[]winnt.Handle{b.Process(), a.Process()}) {
		t.Errorf("the administrator sees calls of %v", got)
	}
	// bob lets alice query his process, but not its calls.
	check.Success(t, b.Thread().NtSetSecurityObject(winnt.NtCurrentProcess, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:(A;;0x1fffff;;;S-1-5-21-1-2-3-1108)(A;;0x1000;;;S-1-5-21-1-2-3-1107)")))
	check.SlicesEqual(t, processes(t, a.Thread()), all[1:], "the processes that alice walks over")
	check.SlicesEqual(t, names(ask(t, a, inspect.Query{What: "sessions"}).Sessions), all[1:],
		"W-27: the sessions that alice sees")
	_ = b.Close()
	if got := seen(a, q); !slices.Equal(got, mine) {
		t.Errorf("after bob has gone alice sees denials of %v, want %v", got, mine)
	}
}

// TestRecordedCallsMaskPasswords checks that recorded calls show passwords as *** (L-1).
func TestRecordedCallsMaskPasswords(t *testing.T) {
	d := start(t, nil)
	admin, a, _ := d.dialAll()
	ask(t, admin, inspect.Query{What: "calls"})
	a.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_INTERACTIVE,
		AuthenticationInformation: nt.LogonInformation{
			MessageType: nt.InteractiveLogon, UserName: "carol", Password: "hunter2"}})
	list := ask(t, admin, inspect.Query{What: "calls"}).Calls
	text := ""
	for _, c := range list {
		text += strings.Join(c.Lines, "\n")
	}
	check.That(t, strings.Contains(text, "carol") && strings.Contains(text, "***") && !strings.Contains(text, "hunter2"),
		"%s", text)
}

// TestQueryActingShowsWhenImpersonationBegan checks that a caller who may open a thread learns since when it
// impersonates, and with SeDebugPrivilege also whom. A query leaves no handle.
func TestQueryActingShowsWhenImpersonationBegan(t *testing.T) {
	d := start(t, nil)
	admin, a, b := d.dialAll()
	th := check.Must(a.NewThread())
	check.Success(t, th.NtImpersonateAnonymousToken(winnt.NtCurrentThread))
	v := check.Result(th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation))
	id := uint64(v.(nt.ThreadBasic).ClientID.UniqueThread)
	q := inspect.Query{What: "acting", Threads: []uint64{id, 4}}
	for c, want := range map[*client.Conn]inspect.ActingThread{a: {Thread: id}, admin: {Thread: id, User: "S-1-5-7",
		Level: winnt.SecurityImpersonation.String()}} {
		has := handlesOf(t, c)
		got := ask(t, c, q).Acting
		check.RequireThat(t, len(got) == 1 && got[0].Since != 0, "process %d sees %+v", c.Process(), got)
		got[0].Since = 0
		check.Equal(t, got[0], want, "thread that acts")
		check.Equal(t, handlesOf(t, c), has, "handles of process %d after its query", c.Process())
	}
	check.That(t, ask(t, b, q).Acting == nil, "bob sees a thread of alice")
	th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
	check.That(t, ask(t, admin, q).Acting == nil, "a thread that has reverted is shown")
}

// TestDebugPrivilegeShowsTokens checks that SeDebugPrivilege shows the token of a process or of a thread's client,
// even if the token's descriptor names only its user. Other callers get nothing (W-95).
func TestDebugPrivilegeShowsTokens(t *testing.T) {
	d := start(t, nil)
	admin, a, b := d.dialAll()
	v := check.Result(a.Thread().NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation))
	id := v.(nt.ThreadBasic).ClientID
	var groups, privileges []inspect.Attributed // as the token itself says
	for _, g := range information[[]token.Group](a.Thread(), winnt.TokenGroups) {
		groups = append(groups, inspect.Attributed{Group: g.SID, Attributes: g.Attributes})
	}
	for _, p := range information[[]nt.LUIDAndAttributes](a.Thread(), winnt.TokenPrivileges) {
		privileges = append(privileges, inspect.Attributed{Privilege: winnt.Privilege(p.LUID), Attributes: p.Attributes})
	}
	ofProcess := inspect.Query{What: "token", Process: uint64(id.UniqueProcess)}
	ofThread := inspect.Query{What: "token", Process: ofProcess.Process, Threads: []uint64{uint64(id.UniqueThread)}}
	if got := ask(t, admin, ofThread).Token; got != nil {
		t.Errorf("W-95: of a thread that impersonates no client: %+v, want nil", got)
	}
	check.Success(t, a.Thread().NtImpersonateAnonymousToken(winnt.NtCurrentThread))
	if got := ask(t, admin, ofThread).Token; got == nil || got.User != sid.Anonymous ||
		got.Level != winnt.SecurityImpersonation {
		t.Errorf("W-95: of the thread's client: %+v", got)
	}
	got := ask(t, admin, ofProcess).Token
	if got == nil || got.User != sid.MustParse("S-1-5-21-1-2-3-1107") || got.Type != winnt.TokenPrimary ||
		got.Integrity.IsZero() || len(groups) == 0 || !slices.Equal(got.Groups, groups) ||
		!slices.Equal(got.Privileges, privileges) {
		t.Fatalf("W-95: of the process: %+v, want %+v and %+v", got, groups, privileges)
	}
	for _, q := range []inspect.Query{ofProcess, ofThread} {
		if got := ask(t, b, q).Token; got != nil {
			t.Errorf("W-95: the token in bob's reply is %+v, want nil", got)
		}
	}
	ofThread.Threads = append(ofThread.Threads, ofThread.Threads[0])
	if got := ask(t, admin, ofThread).Token; got == nil || got.User == sid.Anonymous {
		t.Errorf("W-95: of two threads: %+v, want the token of the process", got)
	}
	its := inspect.Query{What: "token", Process: uint64(admin.Process())}
	if got := ask(t, admin, its).Token; got == nil || len(got.Privileges) != 1 ||
		got.Privileges[0].Privilege != winnt.SeDebugPrivilege || got.Privileges[0].Attributes == 0 {
		t.Errorf("W-95: of the administrator: %+v, want SeDebugPrivilege enabled", got)
	}
	if got := ask(t, admin, inspect.Query{What: "token", Process: 1 << 40}).Token; got != nil {
		t.Errorf("W-95: of no process: %+v, want nil", got)
	}
}

// TestInspectRejectsMalformedQueries checks that malformed queries are rejected (W-27), and that queries of 64 KiB and
// about 4096 threads are answered, longer ones rejected.
func TestInspectRejectsMalformedQueries(t *testing.T) {
	c := start(t, nil).dial()
	long := func(n int) string { return `{"what":"sessions"` + strings.Repeat(" ", n-19) + "}" }
	threads := func(n int) string { return `{"what":"acting","threads":[4` + strings.Repeat(",4", n-1) + `]}` }
	for query, want := range map[string]ntstatus.Status{
		"": ntstatus.InvalidParameter, "{}": ntstatus.InvalidParameter, "[]": ntstatus.InvalidParameter,
		`{"what":"all"}`:            ntstatus.InvalidParameter,
		`{"what":"sessions","x":1}`: ntstatus.InvalidParameter,
		long(64 << 10):              ntstatus.Success, long(64<<10 + 1): ntstatus.InvalidParameter,
		threads(4096): ntstatus.Success, threads(4097): ntstatus.InvalidParameter,
	} {
		if b, err := c.Inspect([]byte(query)); !errors.Is(err, want.Err()) || (want == 0) != (len(b) > 0) {
			t.Errorf("%.40s, %d bytes: %.40s, %v, want %v", query, len(query), b, err, want)
		}
	}
}

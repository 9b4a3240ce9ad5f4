package daemon_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// TestDenialHasEveryField checks each field of a denial. The first call has number 2, because 1 is the
// position before all calls (W-28). A denial of a thread that impersonated names its client, even after the thread
// reverted, and only for callers with SeDebugPrivilege (K-86).
func TestDenialHasEveryField(t *testing.T) {
	d := start(t, nil)
	admin, a, _ := d.dialAll()
	denials := inspect.Query{What: "denials"}
	if got := ask(t, admin, denials); !reflect.DeepEqual(got, inspect.Reply{Next: 1}) {
		t.Errorf("before any: %+v", got)
	}
	check.Equal(t, d.Stats().Watchers, 0, "watchers after a query of denials")
	if got := ask(t, admin, inspect.Query{What: "calls"}); !reflect.DeepEqual(got, inspect.Reply{Next: 1}) {
		t.Errorf("calls, before any: %+v", got)
	}
	if n := d.Stats(); n.Denied != 0 || n.Watchers != 1 || n.Connections != 3 || n.Users != 1 || n.Refused != 0 {
		t.Errorf("before any: %+v", n)
	}
	begun := time.Now()
	th := a.Thread()
	denied := func() {
		t.Helper()
		check.Require(t, check.Status(th.NtOpenProcess(winnt.PROCESS_TERMINATE, nil,
			&nt.ClientID{UniqueProcess: admin.Process()})), ntstatus.AccessDenied, "opening the administrator's process")
	}
	denied()
	got := ask(t, admin, denials)
	if len(got.Calls) != 1 || got.Calls[0].Time.Before(begun.Add(-time.Second)) || got.Calls[0].Time.After(time.Now()) {
		t.Fatalf("%+v", got)
	}
	lines := got.Calls[0].Lines
	got.Calls[0].Lines, got.Calls[0].Time = nil, time.Time{}
	want := inspect.Reply{Next: 2, Calls: []inspect.Call{{Number: 2, Process: uint64(a.Process())}}}
	check.That(t, reflect.DeepEqual(got, want) && len(lines) >= 2 && strings.HasPrefix(lines[0], a.Thread().Name()+" "),
		"%+v, %q, want %+v", got, lines, want)
	check.Equal(t, d.Stats().Denied, 1, "denied calls")
	if again := ask(t, admin, inspect.Query{What: "denials", After: 2}); !reflect.DeepEqual(again,
		inspect.Reply{Next: 2}) {
		t.Errorf("after it: %+v", again)
	}
	check.Success(t, th.NtImpersonateAnonymousToken(winnt.NtCurrentThread))
	denied()
	check.Success(t, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0))
	for who, want := range map[*client.Conn]string{admin: "S-1-5-7", a: ""} {
		calls := ask(t, who, inspect.Query{What: "denials", After: 2}).Calls
		check.That(t, len(calls) == 1 && calls[0].Number == 3 && calls[0].User == want && calls[0].Proof == "",
			"K-86: process %d sees %+v, want the client %q", who.Process(), calls, want)
	}
}

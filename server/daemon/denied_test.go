package daemon_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// TestDeniedAsClient: a denial is kept with the client whom the thread acted for, also once it acts no more, and told
// with it to who holds SeDebugPrivilege alone; one of a thread that acted for no one has no client (K-86).
func TestDeniedAsClient(t *testing.T) {
	d := start(t, nil)
	admin, a, _ := d.people()
	th := a.Thread()
	denied := func() {
		t.Helper()
		if _, st := th.NtOpenProcess(winnt.PROCESS_TERMINATE, nil, &nt.ClientID{UniqueProcess: admin.Process()}); st !=
			ntstatus.AccessDenied {
			t.Fatal(st)
		}
	}
	denied()
	if st := th.NtImpersonateAnonymousToken(winnt.NtCurrentThread); st != ntstatus.Success {
		t.Fatal(st)
	}
	denied()
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0); st != ntstatus.Success {
		t.Fatal(st)
	}
	for _, c := range []struct {
		who  string
		list []daemon.SeenCall
		want [2]string
	}{
		{"the administrator", ask(t, admin, daemon.Question{What: "denials"}).Calls, [2]string{"", "S-1-5-7"}},
		{"alice", ask(t, a, daemon.Question{What: "denials"}).Calls, [2]string{}},
	} {
		if len(c.list) != 2 || c.list[0].User != c.want[0] || c.list[1].User != c.want[1] || c.list[1].Proof != "" {
			t.Errorf("K-86: %s sees %+v, want the clients %q", c.who, c.list, c.want)
		}
	}
}

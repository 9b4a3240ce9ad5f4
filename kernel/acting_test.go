package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Acting returns the client of a thread, the level of the impersonation, which may be lower than the token's, and the
// time it began. The query keeps no reference (I-62).
func TestActingReturnsTheThreadsClient(t *testing.T) {
	now := int64(1000)
	sys := boot(t, kernel.Config{Log: &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { return now }}})
	p := check.Must(sys.NewProcess("server", benchToken(t, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary)))
	k := sys.KernelMode(check.Must(p.NewThread()))
	id := k.Thread().ID()
	before := counts(sys)
	for _, none := range []winnt.Handle{id, id + 400, p.ID()} {
		if a, ok := sys.Acting(none); ok || a != (kernel.Acting{}) {
			t.Errorf("Acting(%v), where no thread impersonates: %+v, %t; want the zero value, false", none, a, ok)
		}
	}
	client := k.CaptureToken(benchToken(t, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation), k.Thread())
	now = 1007
	st := k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityIdentification)
	check.RequireThat(t, st == ntstatus.Success, "PsImpersonateClient: %v, want success", st)
	now = 1009
	a, ok := sys.Acting(id)
	check.That(t, ok && a.Level == winnt.SecurityIdentification && a.Since == 1007 && a.Proof == "" &&
		a.User == sid.MustParse("S-1-5-21-1-2-3-1001") && a.Token.User().SID == a.User,
		"Acting: %+v, %t; want user 1001 at SecurityIdentification since 1007, true", a, ok)
	k.PsDereferenceImpersonationToken(client)
	k.PsRevertToSelf()
	if v := sys.TokenOf(p.ID()); v == nil || v.User().SID != sid.MustParse("S-1-5-21-1-2-3-1500") {
		t.Errorf("TokenOf(process) = %v, want the token of user 1500", v)
	}
	if v := sys.TokenOf(id); v != nil {
		t.Errorf("TokenOf(thread) = the token of %v, want nil", v.User())
	}
	check.Equal(t, counts(sys), before, "objects, handles and references at the end")
}

// proving accepts each logon and returns the name of a ticket as its proof.
type proving struct{ *logon.Memory }

func (proving) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	return logon.Result{Token: token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1000").Prefix().WithRID(1001)),
		Proof: "ticket of " + r.Name}, ntstatus.Success
}

// Proved lists the live logon sessions that have a proof, by ascending session id, and drops a session when its last
// token is closed (K-50).
func TestProvedListsLiveSessionsInOrder(t *testing.T) {
	sys, th := threadOf(t, kernel.Config{LSA: proving{logon.Example(sid.SID{})}}, token.LocalSystem())
	var ids []winnt.LUID
	var handles []winnt.Handle
	for _, name := range []string{"c", "a", "b", "e", "d"} {
		out := check.Result(th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.TokenLogon, UserName: name}}))
		ids, handles = append(ids, out.LogonID), append(handles, out.Token)
		all := sys.Proved()
		check.RequireThat(t, len(all) == len(ids), "Proved: %d sessions, want %d: %+v", len(all), len(ids), all)
		for i, p := range all {
			check.That(t, p.Session == ids[i] && p.User == sid.MustParse("S-1-5-21-1-2-3-1001"),
				"Proved[%d] = %+v, want session %v of user 1001", i, p, ids[i])
		}
		if last := all[len(all)-1]; last.Proof != "ticket of "+name {
			t.Errorf("Proved: the newest session has the proof %q, want %q", last.Proof, "ticket of "+name)
		}
	}
	for i, h := range handles {
		th.NtClose(h)
		if left := sys.Proved(); len(left) != len(ids)-1-i || len(left) > 0 && left[0].Session != ids[i+1] {
			t.Errorf("after closing token %d, Proved = %+v; want the %d later sessions", i, left, len(ids)-1-i)
		}
	}
}

package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
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
func TestActing(t *testing.T) {
	now := int64(1000)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { return now }}})
	p, err := sys.NewProcess("server", benchToken(t, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary))
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	k := sys.KernelMode(th)
	id := k.Thread().ID()
	o0, h0, r0 := sys.Counts()
	for _, none := range []winnt.Handle{id, id + 400, p.ID()} {
		if a, ok := sys.Acting(none); ok || a != (kernel.Acting{}) {
			t.Errorf("thread %v acts as %+v", none, a)
		}
	}
	client := k.CaptureToken(benchToken(t, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation), k.Thread())
	now = 1007
	if st := k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityIdentification); st !=
		ntstatus.Success {
		t.Fatal(st)
	}
	now = 1009
	a, ok := sys.Acting(id)
	if !ok || a.Level != winnt.SecurityIdentification || a.Since != 1007 || a.Proof != "" ||
		a.User != sid.MustParse("S-1-5-21-1-2-3-1001") || a.Token.User().SID != a.User {
		t.Errorf("acts as %+v, %v", a, ok)
	}
	k.PsDereferenceImpersonationToken(client)
	k.PsRevertToSelf()
	if v := sys.TokenOf(p.ID()); v == nil || v.User().SID != sid.MustParse("S-1-5-21-1-2-3-1500") {
		t.Errorf("the token of the process is of %v", v)
	}
	if v := sys.TokenOf(id); v != nil {
		t.Errorf("a thread has a primary token of %v", v.User())
	}
	if o, h, r := sys.Counts(); o != o0 || h != h0 || r != r0 {
		t.Errorf("objects, handles, references: %d %d %d, before %d %d %d, want %d, %d, %d", o, h, r, o0, h0, r0, o0,
			h0, r0)
	}
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

// proving accepts each logon and returns the name of a ticket as its proof.
type proving struct{ *logon.Memory }

func (proving) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	return logon.Result{Token: token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1000").Prefix().WithRID(1001)),
		Proof: "ticket of " + r.Name}, ntstatus.Success
}

// Proved lists the live logon sessions that have a proof, by ascending session id, and drops a session when its last
// token is closed (K-50).
func TestProvedSessions(t *testing.T) {
	sys, th := threadOf(t, kernel.Config{LSA: proving{logon.Example(sid.SID{})}}, token.LocalSystem())
	var ids []winnt.LUID
	var handles []winnt.Handle
	for _, name := range []string{"c", "a", "b", "e", "d"} {
		out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.TokenLogon, UserName: name}})
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		ids, handles = append(ids, out.LogonID), append(handles, out.Token)
		all := sys.Proved()
		if len(all) != len(ids) {
			t.Fatalf("%d sessions, %+v", len(ids), all)
		}
		for i, p := range all {
			if p.Session != ids[i] || p.User != sid.MustParse("S-1-5-21-1-2-3-1001") {
				t.Errorf("session %d: %+v, want %v", i, p, ids[i])
			}
		}
		if last := all[len(all)-1]; last.Proof != "ticket of "+name {
			t.Errorf("%s: %+v", name, last)
		}
	}
	for i, h := range handles {
		th.NtClose(h)
		if left := sys.Proved(); len(left) != len(ids)-1-i || len(left) > 0 && left[0].Session != ids[i+1] {
			t.Errorf("after %d: %+v", i, left)
		}
	}
}

// HandOut, Contents, Refill and Spawn reject a thread of another system.
func TestFilesOfAnotherSystem(t *testing.T) {
	sys, _ := threadOf(t, kernel.Config{}, token.LocalSystem())
	_, th := threadOf(t, kernel.Config{}, token.LocalSystem())
	h, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	if out, st := sys.HandOut(th, h, 0); st != ntstatus.InvalidParameter || out != (kernel.HandedOut{}) {
		t.Errorf("HandOut: %v, %+v", st, out)
	}
	if facts, whole, st := sys.Contents(th, h, make([]byte, 10)); st != ntstatus.InvalidParameter || whole ||
		facts != (nt.FileFacts{}) {
		t.Errorf("Contents: %v, %v, %+v", st, whole, facts)
	}
	if st := sys.Refill(th, h, h); st != ntstatus.InvalidParameter {
		t.Errorf("Refill: %v, want %v", st, ntstatus.InvalidParameter)
	}
	if _, err := sys.Spawn(th); err == nil {
		t.Error("a thread of another system has a sibling here")
	}
}

// NewThreadAs leaves no object, handle or reference after the thread's Close. It fails for a nil client and leaves
// nothing then either (I-90).
func TestThreadsAs(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	p, err := sys.NewProcess("server", benchToken(t, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary))
	if err != nil {
		t.Fatal(err)
	}
	o0, h0, r0 := sys.Counts()
	left := func(what string) {
		t.Helper()
		if o, h, r := sys.Counts(); o != o0 || h != h0 || r != r0 {
			t.Errorf("%s: objects, handles, references: %d %d %d, before %d %d %d, want %d, %d, %d", what, o, h, r,
				o0, h0, r0, o0, h0, r0)
		}
	}
	th, err := p.NewThreadAs(benchToken(t, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation))
	if err != nil {
		t.Fatal(err)
	}
	th.Close()
	left("a thread that acted")
	if _, err := p.NewThreadAs(nil); err == nil {
		t.Error("a thread acts as no client")
	}
	left("a thread without a client")
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

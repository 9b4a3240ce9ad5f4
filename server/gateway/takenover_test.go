package gateway

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// reads returns which of the files a thread can open for reading, for writing or at all.
func reads(th *nt.Thread, files ...string) (opened []string) {
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

// TestTakenOver speaks the wire as who took the gateway over: with its account, its
// connection and every handle it holds, nothing opens but what the clients may that it
// knows at the moment (G-1).
func TestTakenOver(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;SY)")
	for name := range w.sids {
		w.file(name, name, "O:{"+name+"}G:SYD:P(A;;FA;;;{"+name+"})")
	}
	all := []string{"alice", "bob", "carol"}
	w.want(200, "alice", "GET", "/share/alice", "") // she is known; bob and carol never came
	p, err := w.g.link.process()
	w.must(err)
	th, err := p.conn.NewThread()
	w.must(err)
	if got := reads(th, all...); len(got) > 0 {
		t.Errorf("G-1: the gateway's own account opens %v", got)
	}
	tokens := 0
	for h := winnt.Handle(4); h < 4096; h += 4 { // every handle there may be
		if th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h) != ntstatus.Success {
			continue
		}
		tokens++
		if got := reads(th, all...); len(got) != 1 || got[0] != "alice" {
			t.Errorf("G-1: with the token %d it opens %v", h, got)
		}
		w.revert(th)
	}
	if tokens != 1 {
		t.Errorf("G-1: %d tokens are held, want that of the one client", tokens)
	}
	w.takesNoOther(th)
	again, err := w.dial(gate)
	w.must(err)
	defer again.Close()
	if got := reads(again.Thread(), all...); len(got) > 0 {
		t.Errorf("G-1: another connection of the account opens %v", got)
	}
}

func (w *world) revert(th *nt.Thread) {
	w.Helper()
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0); st != ntstatus.Success {
		w.Fatal(st)
	}
}

// takesNoOther holds that a client who did not come cannot be acted for.
func (w *world) takesNoOther(th *nt.Thread) {
	w.Helper()
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.S4ULogon, UserName: "bob"}})
	if st != ntstatus.Success {
		w.Fatal(st)
	}
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, out.Token); st.IsSuccess() {
		if got := reads(th, "bob", "carol"); len(got) > 0 {
			w.Errorf("G-1: a logon without a password opens %v", got)
		}
		w.revert(th)
	}
	level := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}}
	if h, st := th.NtDuplicateToken(out.Token, winnt.TOKEN_ALL_ACCESS, level, false, winnt.TokenImpersonation); st ==
		ntstatus.Success {
		w.Errorf("G-1: a token that only identifies becomes %d, which acts", h)
	}
	if _, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "bob",
			Password: "guessed"}}); st != ntstatus.LogonFailure {
		w.Errorf("G-1: a password that is guessed: %v", st)
	}
}

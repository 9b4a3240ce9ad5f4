package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// refusing answers every logon with one status.
type refusing struct {
	*logon.Memory
	st ntstatus.Status
}

func (r refusing) LogOn(logon.Request) (logon.Result, ntstatus.Status) { return logon.Result{}, r.st }

// TestLogonSession: a logon's session, and the other of its pair, live as long as
// its tokens, and not at all if it has none (L-10).
func TestLogonSession(t *testing.T) {
	authority := logon.Example(sid.SID{})
	s := kernel.Boot(kernel.Config{LSA: authority})
	defer s.Close()
	r, st := authority.LogOn(logon.Request{Package: logon.Password, Type: winnt.LOGON32_LOGON_INTERACTIVE,
		Name: "Administrator", Password: logon.ExamplePassword})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	k, err := s.SystemThread()
	if err != nil {
		t.Fatal(err)
	}
	alive := func(id winnt.LUID) bool {
		return k.SeMarkLogonSessionForTerminationNotification(id) == ntstatus.Success
	}
	unused, end, err := s.LogOn(r)
	if err != nil || !alive(unused.AuthenticationID()) {
		t.Fatal(err)
	}
	end()
	if alive(unused.AuthenticationID()) {
		t.Error("a session that no token was made for stays")
	}
	tok, end, err := s.LogOn(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.NewProcess("shell", tok)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if id := tok.AuthenticationID(); !alive(id) || !alive(id+1) {
		t.Error("the sessions of a pair ended before its token")
	}
	p.Exit()
	if _, _, err := s.LogOn(logon.Result{}); err == nil {
		t.Error("a zero result made a token")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestRefusedLogon: what an authority says reaches the caller as documented: what
// limits an account below another status (L-35), and never that a name is unknown
// (L-32).
func TestRefusedLogon(t *testing.T) {
	for said, want := range map[ntstatus.Status][2]ntstatus.Status{
		ntstatus.NoSuchUser:      {ntstatus.LogonFailure},
		ntstatus.WrongPassword:   {ntstatus.LogonFailure},
		ntstatus.AccountDisabled: {ntstatus.AccountRestriction, ntstatus.AccountDisabled},
		// L-66: what limits an account.
		ntstatus.PasswordExpired:    {ntstatus.AccountRestriction, ntstatus.PasswordExpired},
		ntstatus.InvalidLogonHours:  {ntstatus.AccountRestriction, ntstatus.InvalidLogonHours},
		ntstatus.InvalidWorkstation: {ntstatus.AccountRestriction, ntstatus.InvalidWorkstation},
		ntstatus.AccountExpired:     {ntstatus.AccountExpired, 0},
		ntstatus.PasswordMustChange: {ntstatus.PasswordMustChange, 0},
		ntstatus.AccountLockedOut:   {ntstatus.AccountLockedOut},
		ntstatus.NoLogonServers:     {ntstatus.NoLogonServers},
	} {
		s := kernel.Boot(kernel.Config{LSA: refusing{logon.Example(sid.SID{}), said}})
		p, err := s.NewProcess("p", system(t))
		if err != nil {
			t.Fatal(err)
		}
		th, err := p.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "x"}})
		if st != want[0] || out.SubStatus != want[1] || out.Token != 0 {
			t.Errorf("%v: %v, %+v", said, st, out)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNoAuthority: without one a kernel knows the well-known names, and lets no
// name log on.
func TestNoAuthority(t *testing.T) {
	s := kernel.Boot(kernel.Config{})
	defer s.Close()
	p, err := s.NewProcess("p", system(t))
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	h, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	names, look := th.LsaLookupSids(h, sid.LocalSystem, sid.SID{})
	if st != 0 || look != ntstatus.SomeNotMapped || names.Names[0].Name != "SYSTEM" ||
		names.Names[1].Use != winnt.SidTypeInvalid {
		t.Errorf("%v %v %+v", st, look, names)
	}
	for _, message := range []uint32{nt.InteractiveLogon, nt.S4ULogon} {
		if _, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: message, UserName: "User",
				Password: logon.ExamplePassword}}); st != ntstatus.LogonFailure {
			t.Errorf("message %d: %v", message, st)
		}
	}
}

// system returns the token of LocalSystem.
func system(t *testing.T) *token.Token {
	t.Helper()
	v, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

package kernel_test

import (
	"errors"
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

// TestLogonEdges: a token without room for its logon SID is too full (L-4); the policy is opened as the client whom
// a thread acts as (L-40), by what is asked for, and by a name of this computer alone (L-43); the messages of a logon
// are three (L-42).
func TestLogonEdges(t *testing.T) {
	s := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{})})
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	for len(spec.Groups) < token.MaxGroups {
		g := token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-1").Prefix().WithRID(uint32(len(spec.Groups) + 2000)),
			Attributes: token.GroupDefault}
		spec.Groups = append(spec.Groups, g)
	}
	if _, _, err := s.LogOn(logon.Result{Token: spec}); !errors.Is(err, ntstatus.TooManyContextIDs.Err()) {
		t.Errorf("L-4: %v", err)
	}
	p, err := s.NewProcess("p", system(t))
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	call := th.Services()
	opens := func(name string, desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
		t.Helper()
		out, st := call.LsaOpenPolicy(nt.LsaOpenPolicyIn{SystemName: name, DesiredAccess: desired})
		if st != want {
			t.Errorf("the policy of %q for %v: %v, want %v", name, desired, st, want)
		}
		return out.PolicyHandle
	}
	for name, want := range map[string]ntstatus.Status{"REFMON": 0, `\\refmon`: 0, "BUILTIN": ntstatus.ObjectNameNotFound,
		"NT AUTHORITY": ntstatus.ObjectNameNotFound, "Administrator": ntstatus.ObjectNameNotFound,
		"S-1-5-21-1-2-3": ntstatus.ObjectNameNotFound} {
		opens(name, winnt.POLICY_LOOKUP_NAMES, want)
	}
	looks := opens("", winnt.POLICY_LOOKUP_NAMES, ntstatus.Success)
	if _, st := call.LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{PolicyHandle: looks,
		InformationClass: 5}); st != ntstatus.AccessDenied {
		t.Errorf("L-40: a handle for looking names up views: %v", st)
	}
	self := nt.ImpersonateAnonymousTokenIn{ThreadHandle: winnt.NtCurrentThread}
	if _, st := call.NtImpersonateAnonymousToken(self); st != ntstatus.Success {
		t.Fatal(st)
	}
	opens("", winnt.POLICY_LOOKUP_NAMES, ntstatus.AccessDenied) // L-40: Anonymous, whoever the process is
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0); st != ntstatus.Success {
		t.Fatal(st)
	}
	opens("", winnt.POLICY_LOOKUP_NAMES, ntstatus.Success)
	for m := range uint32(32) {
		in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: nt.LogonInformation{
			MessageType: m, UserName: "User", Password: logon.ExamplePassword}}
		_, st := call.LsaLogonUser(in)
		if served := m == nt.InteractiveLogon || m == nt.S4ULogon; (st == ntstatus.BadValidationClass) == served {
			t.Errorf("L-42: message %d: %v", m, st)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

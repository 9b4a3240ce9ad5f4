package kernel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// full keeps no record.
type full struct{}

func (full) Write(audit.Event) error { return errors.New("the disk is full") }

// logons boots a kernel with the example's accounts that records logons, and returns
// a thread of the system.
func logons(t *testing.T, sink audit.Sink, fails audit.CrashOnAuditFail) (*kernel.System, *nt.Thread) {
	t.Helper()
	p, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth, audit.Logoff: audit.OnBoth,
			audit.SpecialLogon: audit.OnBoth}, Options: audit.Options{CrashOnAuditFail: fails}})
	if err != nil {
		t.Fatal(err)
	}
	log := &audit.Log{Sink: sink}
	log.Policy.Store(p)
	s := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{}), Log: log})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	process, err := s.NewProcess("winlogon", system(t))
	if err != nil {
		t.Fatal(err)
	}
	th, err := process.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	return s, th
}

func logOn(th *nt.Thread, name, password string, typ winnt.LogonType) (winnt.Handle, ntstatus.Status) {
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: typ, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.InteractiveLogon, UserName: name, Password: logon.Secret(password)}})
	return out.Token, st
}

// said returns the records since the last call, each as its number and some fields.
func said(m *audit.Memory, fields ...string) (out []string) {
	for _, e := range m.Drain() {
		text := fmt.Sprint(e.ID)
		for _, f := range fields {
			if v, ok := e.Field(f); ok {
				text += " " + v
			}
		}
		out = append(out, text)
	}
	return out
}

// TestLogonRecords: each token of a pair is a logon, the sensitive privileges come
// right after it, and each session's end is a record (L-48).
func TestLogonRecords(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	h, st := logOn(th, "Administrator", string(logon.ExamplePassword), winnt.LOGON32_LOGON_INTERACTIVE)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	var ids, linked []string
	for e := range m.Events() {
		if id, ok := e.Field("TargetLogonId"); ok {
			other, _ := e.Field("TargetLinkedLogonId")
			ids, linked = append(ids, id), append(linked, other)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] || linked[0] != ids[1] || linked[1] != ids[0] {
		t.Errorf("the logons %q of a pair name %q as the other one (L-48)", ids, linked)
	}
	got := said(m, "SubjectUserSid", "TargetUserSid", "LogonType", "ElevatedToken", "AuthenticationPackageName")
	want := []string{"4624 S-1-5-18 S-1-5-21-1-2-3-500 2 %%1842 password", "4672 S-1-5-21-1-2-3-500",
		"4624 S-1-5-18 S-1-5-21-1-2-3-500 2 %%1843 password"}
	if !slices.Equal(got, want) {
		t.Errorf("an administrator's logon: %q, want %q (L-48)", got, want)
	}
	if st := th.NtClose(h); st != ntstatus.Success {
		t.Fatal(st)
	}
	want = []string{"4634 S-1-5-21-1-2-3-500 2", "4634 S-1-5-21-1-2-3-500 2"}
	if got := said(m, "TargetUserSid", "LogonType"); !slices.Equal(got, want) {
		t.Errorf("its end: %q, want %q (L-48)", got, want)
	}
	h, st = logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK)
	if got := said(m, "TargetUserSid", "LogonType", "TargetLinkedLogonId"); st != 0 ||
		!slices.Equal(got, []string{"4624 S-1-5-21-1-2-3-1001 3 0x0"}) {
		t.Errorf("a user's logon: %v, %q", st, got)
	}
	if st := th.NtClose(h); st != ntstatus.Success || len(said(m)) != 1 {
		t.Errorf("%v, and no record of its end", st)
	}
}

// TestRefusedLogonRecords: the record tells what the client is not told, and no
// password (L-49, L-32).
func TestRefusedLogonRecords(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	for _, c := range []struct {
		name, want string
		typ        winnt.LogonType
	}{
		{"User", "4625 S-1-5-21-1-2-3-1001 User 0xc000006d 0xc000006a %%2313", 3},
		{"zoe", "4625 S-1-0-0 zoe 0xc000006d 0xc0000064 %%2313", 3},
		{strings.Repeat("n", 1000), "4625 S-1-0-0 " + strings.Repeat("n", 64) + " 0xc000006d 0xc0000064 %%2313", 3},
	} {
		if _, st := logOn(th, c.name, "hunter2", c.typ); st != ntstatus.LogonFailure {
			t.Errorf("%.20s: %v", c.name, st)
		}
		got := said(m, "TargetUserSid", "TargetUserName", "Status", "SubStatus", "FailureReason")
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%.20s: %q, want %q (L-49)", c.name, got, c.want)
		}
	}
	if _, st := logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_BATCH); st !=
		ntstatus.LogonTypeNotGranted {
		t.Error(st)
	}
	if got := said(m, "Status", "SubStatus", "FailureReason"); !slices.Equal(got, []string{"4625 0xc000015b 0x0 %%2308"}) {
		t.Errorf("a type that is not granted: %q", got)
	}
}

// TestLogonWithoutRecord: under a policy that fails closed there is no logon without
// its record, and no session of it is left (L-48).
func TestLogonWithoutRecord(t *testing.T) {
	s, th := logons(t, full{}, audit.FailOnAuditFail)
	before := counts(s)
	if h, st := logOn(th, "User", string(logon.ExamplePassword), winnt.LOGON32_LOGON_NETWORK); h != 0 ||
		st != ntstatus.AuditFailed {
		t.Errorf("a logon without its record: %v, %v (L-48)", h, st)
	}
	if after := counts(s); after != before {
		t.Errorf("objects, handles, references %v, were %v", after, before)
	}
	r, _ := logon.Example(sid.SID{}).LogOn(logon.Request{Package: logon.Password,
		Type: winnt.LOGON32_LOGON_NETWORK, Name: "User", Password: logon.ExamplePassword})
	tok, end, err := s.LogOn(r)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if st := s.RecordLogon(kernel.LogonSource{}, winnt.LOGON32_LOGON_NETWORK, tok); st != ntstatus.AuditFailed {
		t.Errorf("RecordLogon: %v", st)
	}
	s.RecordRefusedLogon(kernel.LogonSource{}, winnt.LOGON32_LOGON_NETWORK, r.Account, ntstatus.LogonFailure)
}

func counts(s *kernel.System) [3]int64 {
	o, h, n := s.Counts()
	return [3]int64{o, h, n}
}

// TestOriginName: a program that acts for its clients says where they are; another one is
// not believed, so that it has no limit of its own for each address that it makes up (L-64).
func TestOriginName(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	ask := func(th *nt.Thread, origin, password string) ntstatus.Status {
		_, st := th.LsaLogonUser(nt.LsaLogonUserIn{OriginName: origin, LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "User",
				Password: logon.Secret(password)}})
		return st
	}
	one := func(th *nt.Thread, origin, password, want string) {
		t.Helper()
		ask(th, origin, password)
		if got := said(m, "IpAddress"); len(got) == 0 || got[0] != want {
			t.Errorf("L-64: from %q: the records %q, want %q", origin, got, want)
		}
	}
	word := string(logon.ExamplePassword)
	one(th, "192.0.2.7", word, "4624 192.0.2.7")
	one(th, "192.0.2.7", "wrong", "4625 192.0.2.7")
	one(th, "", word, "4624 -")
	one(th, "a\nb", word, "4624 a\ufffdb")
	if st := ask(th, strings.Repeat("a", 256), word); st != ntstatus.InvalidParameter {
		t.Errorf("L-64: 256 bytes: %v", st)
	}
	if st := ask(th, strings.Repeat("a", 255), word); st != ntstatus.Success {
		t.Errorf("L-64: 255 bytes: %v", st)
	}
	m.Drain()
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for _, c := range []struct {
		tcb, impersonate uint32
		want             string
	}{{0, winnt.SE_PRIVILEGE_ENABLED, "192.0.2.7"}, {winnt.SE_PRIVILEGE_ENABLED, 0, "192.0.2.7"}, {0, 0, "-"}} {
		if _, st := th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{
			{LUID: winnt.SeTcbPrivilege.LUID(), Attributes: c.tcb},
			{LUID: winnt.SeImpersonatePrivilege.LUID(), Attributes: c.impersonate}}, false); st != ntstatus.Success {
			t.Fatal(st)
		}
		one(th, "192.0.2.7", word, "4624 "+c.want)
		m.Drain()
		one(th, "192.0.2.7", "wrong", "4625 "+c.want)
	}
}

// TestLogonIsOfItsCaller: the token of a logon is of the session of the process that asked, and
// names the source that it gave.
func TestLogonIsOfItsCaller(t *testing.T) {
	_, th := logons(t, audit.NewMemory(0, 0), 0)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for _, session := range []uint32{7, 0} {
		if st := th.NtSetInformationToken(own, winnt.TokenSessionId, session); st != ntstatus.Success {
			t.Fatal(st)
		}
		for _, source := range []*token.Source{nil, {Name: "tests"}} {
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				SourceContext: nt.Cap(source), AuthenticationInformation: nt.LogonInformation{
					MessageType: nt.InteractiveLogon, UserName: "User", Password: logon.ExamplePassword}})
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			if got, st := th.NtQueryInformationToken(out.Token, winnt.TokenSessionId); got != session {
				t.Errorf("the token is of session %v, %v, want %d", got, st, session)
			}
			got, st := th.NtQueryInformationToken(out.Token, winnt.TokenSource)
			if s, ok := got.(token.Source); !ok || (s.Name == "tests") != (source != nil) {
				t.Errorf("the token's source is %v, %v, want %v", got, st, source)
			}
			th.NtClose(out.Token)
		}
	}
}

// TestLogonBySubcategory: the record of a logon is of Logon, that of its sensitive
// privileges of Special Logon and that of its end of Logoff, each by its own setting (L-48).
func TestLogonBySubcategory(t *testing.T) {
	all := map[audit.Subcategory]string{audit.Logon: "4624", audit.SpecialLogon: "4672", audit.Logoff: "4634"}
	for of, id := range all {
		for _, setting := range []audit.Setting{audit.OnSuccess, audit.OnFailure} {
			m := audit.NewMemory(0, 0)
			s, th := logons(t, m, 0)
			p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{of: setting}})
			if err != nil {
				t.Fatal(err)
			}
			s.Audit().Policy.Store(p)
			h, st := logOn(th, "Administrator", string(logon.ExamplePassword), winnt.LOGON32_LOGON_INTERACTIVE)
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			th.NtClose(h)
			got := said(m)
			for _, x := range got {
				if x != id || setting != audit.OnSuccess {
					t.Errorf("L-48: %v alone, %v: %q", of, setting, got)
				}
			}
			if setting == audit.OnSuccess && len(got) == 0 {
				t.Errorf("L-48: %v alone: no record", of)
			}
		}
	}
}

// TestNamesInRecords: a record of a refused logon names at most 64 bytes of what a client
// called itself (L-49).
func TestNamesInRecords(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, th := logons(t, m, 0)
	for _, n := range []int{1, 63, 64, 65, 66, 200} {
		for field, in := range map[string]nt.LogonInformation{
			"TargetUserName":   {MessageType: nt.InteractiveLogon, UserName: strings.Repeat("a", n)},
			"TargetDomainName": {MessageType: nt.InteractiveLogon, UserName: "u", LogonDomainName: strings.Repeat("a", n)}} {
			m.Drain()
			_, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: in})
			want := "4625 " + strings.Repeat("a", min(n, 64))
			if got := said(m, field); st != ntstatus.LogonFailure || len(got) != 1 || got[0] != want {
				t.Errorf("L-49: %s of %d bytes: %v, %q, want %q", field, n, st, got, want)
			}
		}
	}
}

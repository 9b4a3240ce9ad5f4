package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// L-10: a logon that makes no token leaves no session behind, whichever of its two tokens
// is at fault; one that makes them leaves none when it is let go.
func TestSessionsOfALogon(t *testing.T) {
	boot, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	s := &services.System{System: ps.New(nt.Documented, ob.NewKernelTable(0), boot)}
	user, other := sid.MustParse("S-1-5-21-1-2-3-500"), sid.MustParse("S-1-5-21-1-2-3-501")
	full, limited := token.Administrator(user), token.LimitedAdministrator(user)
	stranger, broken := token.Administrator(other), token.Administrator(user)
	broken.User.SID = sid.SID{}
	for name, c := range map[string]struct {
		r    logon.Result
		good bool
	}{
		"one token":                 {logon.Result{Token: full}, true},
		"a pair":                    {logon.Result{Token: limited, Linked: &full}, true},
		"a pair of two users":       {logon.Result{Token: limited, Linked: &stranger}, false},
		"no user":                   {logon.Result{Token: broken}, false},
		"a second one without user": {logon.Result{Token: limited, Linked: &broken}, false},
		"nothing":                   {logon.Result{}, false},
	} {
		first := s.Security.AllocateLUID()
		v, end, st := s.OpenSession(&c.r)
		if (st == ntstatus.Success) != c.good || (v != nil) != c.good {
			t.Errorf("%s: %v, %v", name, v, st)
		}
		if c.good {
			if !s.Security.Sessions.Known(v.AuthenticationID()) {
				t.Errorf("%s: the session of the token is not there", name)
			}
			end()
		}
		last := s.Security.AllocateLUID()
		for id := first; id < last; id++ {
			if s.Security.Sessions.Known(id) {
				t.Errorf("%s: session %v is left", name, id)
			}
		}
	}
}

// L-4: the token of a logon is in the terminal session of the process that asked, not
// in that of a client its thread impersonates.
func TestLogonInTheSessionOfTheProcess(t *testing.T) {
	w := newWorld(t, kernel.Config{LSA: logon.Example(sid.SID{})})
	in := func(spec token.Spec, session uint32) *token.Token {
		spec.SessionID = session
		v, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	p, err := w.sys.NewProcess("winlogon", in(token.LocalSystem(), 3))
	if err != nil {
		t.Fatal(err)
	}
	th, k := w.thread(p)
	client := token.LocalSystem()
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	tok := k.CaptureToken(in(client, 7), k.Thread())
	defer k.PsDereferenceImpersonationToken(tok)
	want(t, "impersonate", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation),
		ntstatus.Success)
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "User",
			Password: logon.ExamplePassword}})
	want(t, "log on", st, ntstatus.Success)
	k.PsRevertToSelf()
	session, st := th.NtQueryInformationToken(out.Token, winnt.TokenSessionId)
	if session != any(uint32(3)) || st != ntstatus.Success {
		t.Errorf("the token is in session %v, %v, want 3", session, st)
	}
}

// I-85: a client that gets no handle, for want of a right, a privilege or memory, leaves
// the instance to others.
func TestRefusedClientOfAPipe(t *testing.T) {
	full := false
	w := newWorld(t, kernel.Config{Faults: func(point string) bool { return full && point == "ob: handle" }})
	th, _ := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1, InboundQuota: 8,
		DesiredAccess:    winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\r`))})
	want(t, "create", st, ntstatus.Success)
	for _, tracking := range []nt.SecurityQualityOfService{{ImpersonationLevel: winnt.SecurityImpersonation},
		{ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}} {
		name := named(`\Device\NamedPipe\r`)
		name.SecurityQualityOfService = &tracking
		_, st = th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, name, 3, 0)
		want(t, "open without the privilege", st, ntstatus.PrivilegeNotHeld)
		_, st = th.NtOpenFile(0, name, 3, 0)
		want(t, "open for nothing", st, ntstatus.AccessDenied)
		full = true
		_, st = th.NtOpenFile(winnt.FILE_READ_DATA, name, 3, 0)
		want(t, "open without memory", st, ntstatus.InsufficientResources)
		full = false
	}
	end, st := th.NtOpenFile(winnt.FILE_READ_DATA, named(`\Device\NamedPipe\r`), 3, 0)
	want(t, "open", st, ntstatus.Success)
	want(t, "close the client", th.NtClose(end), ntstatus.Success)
	want(t, "close the server", th.NtClose(server), ntstatus.Success)
}

// O-164: a single entry is told where it and the empty one behind it have room, and the
// need is told to the byte: 32 bytes each and both texts with their terminators.
func TestOneEntryOfADirectory(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	dir, st := th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, &nt.ObjectAttributes{})
	want(t, "make a directory", st, ntstatus.Success)
	_, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{RootDirectory: dir, ObjectName: "abc"},
		nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	const need = 32 + 32 + (3+1)*2 + (5+1)*2 // abc, Event
	for length, wanted := range map[uint32]ntstatus.Status{0: ntstatus.BufferTooSmall, need - 32: ntstatus.BufferTooSmall,
		need - 1: ntstatus.BufferTooSmall, need: ntstatus.Success, need + 1: ntstatus.Success} {
		out, st := th.Services().NtQueryDirectoryObject(nt.QueryDirectoryObjectIn{DirectoryHandle: dir, Length: length,
			ReturnSingleEntry: true, RestartScan: true})
		if st != wanted || out.ReturnLength != need || len(out.Buffer) != map[bool]int{true: 1}[wanted == 0] {
			t.Errorf("room for %d bytes: %v, %d, %v, want %v, %d", length, st, out.ReturnLength, out.Buffer, wanted, need)
		}
	}
}

// L-47: a SID without a name is its RID in eight digits where its domain is known, else
// the whole SID.
func TestSIDsWithoutNames(t *testing.T) {
	w := newWorld(t, kernel.Config{LSA: logon.Example(sid.SID{})})
	th := w.system("lsa")
	policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	want(t, "open the policy", st, ntstatus.Success)
	for text, name := range map[string]string{"S-1-5-21-1-2-3-4660": "00001234", "S-1-5-21-1-2-3-4275878552": "FEDCBA98",
		"S-1-5-21-9-9-9-4660": "S-1-5-21-9-9-9-4660"} {
		out, _ := th.Services().LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: policy, SIDs: []sid.SID{sid.MustParse(text)}})
		if len(out.Names) != 1 || out.Names[0].Name != name || out.Names[0].Use != winnt.SidTypeUnknown {
			t.Errorf("%s: %+v, want %s", text, out.Names, name)
		}
	}
}

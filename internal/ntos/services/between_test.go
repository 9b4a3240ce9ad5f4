package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The caller's process is that of LocalSystem here, and the server's another: what a service makes for
// the server's process admits the server's user, though another process asked for it.
const otherServer = "S-1-5-21-1-2-3-1501"

// full are all rights to a token, in SDDL.
const full = "CCDCLCSWRPWPDTLOCRSDRCWDWO"

// between has a caller, a server and a client, a process and a user each.
type between struct {
	*world
	t      *testing.T
	asks   *nt.Thread // of LocalSystem
	server *nt.Thread
	serves *kernel.KernelThread
	client *nt.Thread
}

func newBetween(t *testing.T, cfg kernel.Config) *between {
	t.Helper()
	b := &between{world: newWorld(t, cfg), t: t}
	b.asks = b.system("asks")
	of := func(name, user string) (*nt.Thread, *kernel.KernelThread) {
		p, err := b.sys.NewProcess(name, value(t, user, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege))
		if err != nil {
			t.Fatal(err)
		}
		return b.thread(p)
	}
	b.server, b.serves = of("server", otherServer)
	b.client, _ = of("client", client)
	return b
}

// handle opens a thread in the caller's name.
func (b *between) handle(th *nt.Thread, rights winnt.AccessMask) winnt.Handle {
	b.t.Helper()
	v, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	want(b.t, "who it is", st, ntstatus.Success)
	id := v.(nt.ThreadBasic).ClientID
	h, st := b.asks.NtOpenThread(rights, &nt.ObjectAttributes{}, &nt.ClientID{UniqueThread: id.UniqueThread})
	want(b.t, "open the thread", st, ntstatus.Success)
	return h
}

// acl is the DACL of the token by which the server's thread acts, as its own process sees it.
func (b *between) acl() string {
	b.t.Helper()
	h, st := b.server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.READ_CONTROL, true)
	want(b.t, "the server's process opens the token of its thread", st, ntstatus.Success)
	d, st := b.server.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)
	want(b.t, "ask for its descriptor", st, ntstatus.Success)
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// I-23: the copy of a client's token admits the client, the server's user and LocalSystem.
func TestCopyAdmitsTheServer(t *testing.T) {
	b := newBetween(t, kernel.Config{})
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	want(t, "impersonate", b.asks.NtImpersonateThread(b.handle(b.server, winnt.THREAD_DIRECT_IMPERSONATION),
		b.handle(b.client, winnt.THREAD_IMPERSONATE), qos), ntstatus.Success)
	if got, is := b.acl(), "D:(A;;"+full+";;;"+client+")(A;;"+full+";;;"+otherServer+")(A;;"+full+";;;SY)"; got != is {
		t.Errorf("%s, want %s", got, is)
	}
	b.serves.PsRevertToSelf()
}

// I-74: the anonymous token of a thread may be opened by the user of that thread's process.
func TestAnonymousAdmitsTheServer(t *testing.T) {
	b := newBetween(t, kernel.Config{})
	want(t, "act as the anonymous logon", b.asks.NtImpersonateAnonymousToken(b.handle(b.server, winnt.THREAD_IMPERSONATE)),
		ntstatus.Success)
	if got, is := b.acl(), "D:(A;;"+full+";;;AN)(A;;"+full+";;;"+otherServer+")(A;;"+full+";;;SY)"; got != is {
		t.Errorf("%s, want %s", got, is)
	}
	b.serves.PsRevertToSelf()
}

// O-17, O-57: the pseudo handle of another process grants what that process may do to itself, not what
// the caller may do to itself.
func TestPseudoHandleOfAnother(t *testing.T) {
	b := newBetween(t, kernel.Config{})
	child, st := b.asks.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
	want(t, "make a child", st, ntstatus.Success)
	granted := func() winnt.AccessMask {
		h, st := b.asks.NtDuplicateObject(child.ProcessHandle, winnt.NtCurrentProcess, winnt.NtCurrentProcess, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS)
		want(t, "duplicate its pseudo handle", st, ntstatus.Success)
		v, st := b.asks.NtQueryObject(h, nt.ObjectBasicInformation)
		want(t, "ask what it grants", st, ntstatus.Success)
		return v.(nt.BasicInformation).GrantedAccess
	}
	if got := granted(); got != winnt.PROCESS_ALL_ACCESS {
		t.Errorf("at first %#x, want all rights", got)
	}
	own, st := b.asks.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	want(t, "open the caller's token", st, ntstatus.Success)
	_, st = b.asks.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{
		{LUID: winnt.SeAssignPrimaryTokenPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	want(t, "enable what it takes to assign", st, ntstatus.Success)
	k := b.sys.KernelMode(b.asks)
	object := k.NewToken(value(t, otherServer, winnt.TokenPrimary, 0))
	defer k.PsDereferencePrimaryToken(object)
	h, st := k.ObOpenObjectByPointer(object, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject,
		kernel.KernelMode)
	want(t, "a handle of another's token", st, ntstatus.Success)
	want(t, "assign it", b.asks.NtSetInformationProcess(child.ProcessHandle, nt.ProcessAccessToken, h), ntstatus.Success)
	// What is left is the fixed set, for the new user is in no entry of the process.
	if got := granted(); got != 0x1f07fb {
		t.Errorf("with the other's token %#x, want 0x1f07fb", got)
	}
}

package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// count returns how many handles the process has.
func count(t *testing.T, w *win32.Thread) uint32 {
	t.Helper()
	v := check.Result(w.NT().NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleCount))
	return v.(uint32)
}

// granted returns rights and attributes of a handle.
func granted(t *testing.T, w *win32.Thread, h winnt.Handle) (winnt.AccessMask, uint32) {
	t.Helper()
	v := check.Result(w.NT().NtQueryObject(h, nt.ObjectBasicInformation))
	b := v.(nt.BasicInformation)
	return b.GrantedAccess, b.Attributes
}

// P-7, I-71, I-72, O-131 to O-133: a function closes each handle that it opens for itself, whether it
// succeeds, fails, or the thread acts as a client.
func TestFunctionsLeaveNoHandle(t *testing.T) {
	w, sys := thread(t, winnt.SeImpersonatePrivilege)
	check.NoError(t, sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	mine := ownToken(t, w)
	client := duplicate(t, w, mine, winnt.SecurityImpersonation)
	everyone, bad := nt.Cap(sid.Everyone), nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}
	ask := func(row string, in any) func() bool {
		return func() bool { return check.Status(call(t, w, row, in)).IsSuccess() }
	}
	owner := func(o win32.Named) func() bool {
		return func() bool { return check.Status(w.NamedSecurity(o, winnt.OWNER_SECURITY_INFORMATION)).IsSuccess() }
	}
	k := sys.KernelMode(w.NT())
	for _, acts := range []bool{false, true} {
		for name, call := range map[string]func() bool{
			"ImpersonateSelf":             func() bool { return w.ImpersonateSelf(winnt.SecurityImpersonation) },
			"ImpersonateSelf of no level": func() bool { return w.ImpersonateSelf(9) },
			"a primary token":             func() bool { return w.ImpersonateLoggedOnUser(mine) },
			"an impersonation token":      func() bool { return w.ImpersonateLoggedOnUser(client) },
			"no token":                    func() bool { return w.ImpersonateLoggedOnUser(0x7770) },
			"CheckTokenMembership": ask("CheckTokenMembership",
				win32.CheckTokenMembershipIn{SIDToCheck: everyone}),
			"CheckTokenMembership of no SID": ask("CheckTokenMembership",
				win32.CheckTokenMembershipIn{SIDToCheck: bad}),
			"CheckTokenMembershipEx": ask("CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: everyone,
				Flags: 3}),
			"CheckTokenCapability": ask("CheckTokenCapability",
				win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: everyone}),
			"the current user":        func() bool { return check.Status(w.CurrentUser()).IsSuccess() },
			"the security of a file":  owner(win32.Named{Name: `\Files\f`, File: true}),
			"the security of nothing": owner(win32.Named{Name: `\BaseNamedObjects\none`}),
		} {
			check.RequireThat(t, w.RevertToSelf() && (!acts || w.SetThreadToken(0, client)), "%v", w.LastError())
			before := count(t, w)
			done := call()
			check.Equal(t, count(t, w), before, "handles after %s, acting %t, done %t", name, acts, done)
		}
	}
	k.PsRevertToSelf()
}

// T-50, T-47: DuplicateToken grants TOKEN_IMPERSONATE and TOKEN_QUERY, DuplicateTokenEx the requested rights. The
// attributes determine inheritance, with their own and with the default descriptor.
func TestDuplicateTokenExGrantsRequestedRights(t *testing.T) {
	w, _ := thread(t)
	mine := ownToken(t, w)
	plain := duplicate(t, w, mine, winnt.SecurityDelegation)
	if rights, attributes := granted(t, w, plain); rights != 0xc || attributes != 0 {
		t.Errorf("T-50: DuplicateToken grants %#x with attributes %#x, want 0xc and 0", uint32(rights), attributes)
	}
	privileges := func(h winnt.Handle) []nt.LUIDAndAttributes {
		return check.Result(w.NT().NtQueryInformationToken(h, winnt.TokenPrivileges)).([]nt.LUIDAndAttributes)
	}
	check.SlicesEqual(t, privileges(plain), privileges(mine), "T-50: privileges of the copy") // some are disabled
	d := sddl.MustParse("D:(A;;GA;;;WD)")
	for _, c := range []struct {
		a    *win32.SecurityAttributes
		want uint32
	}{{nil, 0}, {&win32.SecurityAttributes{}, 0}, {&win32.SecurityAttributes{SecurityDescriptor: d}, 0},
		{&win32.SecurityAttributes{SecurityDescriptor: d, InheritHandle: true}, winnt.OBJ_INHERIT}} {
		h, ok := w.DuplicateTokenEx(win32.DuplicateTokenExIn{ExistingToken: mine,
			DesiredAccess: winnt.TOKEN_QUERY_SOURCE, TokenAttributes: c.a, TokenType: winnt.TokenPrimary})
		check.RequireThat(t, ok, "%v", w.LastError())
		if rights, attributes := granted(t, w, h); rights != 0x10 || attributes != c.want {
			t.Errorf("T-47: %+v: %#x with %#x, want %#x", c.a, uint32(rights), attributes, c.want)
		}
	}
}

// SetHandleInformation changes the flags that its mask names, to what the flags say, and no other (O-63). Its handle
// must be valid (O-31).
func TestSetHandleInformationUsesItsMask(t *testing.T) {
	w, _ := thread(t)
	h := check.Result(w.NT().NtCreateEvent(1, nil, nt.NotificationEvent, false))
	for before := range uint32(4) {
		for mask := range uint32(8) {
			for flags := range uint32(4) {
				check.Success(t, w.NT().NtSetInformationObject(h, nt.HandleFlagInformation{Inherit: before&1 != 0,
					ProtectFromClose: before&2 != 0}))
				_, _, _, st := w.CallRow(win32.Table.Find("SetHandleInformation"),
					win32.SetHandleInformationIn{Object: h, Mask: mask, Flags: flags})
				want := before&^mask | flags&mask
				v, _ := w.NT().NtQueryObject(h, nt.ObjectHandleFlagInformation)
				info := nt.HandleFlagInformation{Inherit: want&1 != 0, ProtectFromClose: want&2 != 0}
				check.That(t, st == ntstatus.Success && v == info,
					"O-63: flags %d, mask %d from %d: %+v, %v, want %+v", flags, mask, before, v, st, info)
			}
		}
	}
	w.NT().NtSetInformationObject(h, nt.HandleFlagInformation{})
	_, ok, code, st := w.CallRow(win32.Table.Find("SetHandleInformation"),
		win32.SetHandleInformationIn{Object: 0x7FFFFFF0, Mask: 1})
	check.That(t, !ok && code == 6 && st == ntstatus.InvalidHandle, "no handle: %t, %v, %v", ok, code, st)
}

// O-161: an object is found by its name, whichever of the types it has; a file in any case.
func TestNamedObjectOfEachTypeIsFound(t *testing.T) {
	w, sys := thread(t)
	check.NoError(t, sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	th := w.NT()
	at := func(name string) *nt.ObjectAttributes {
		return &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\` + name}
	}
	_, event := th.NtCreateEvent(1, at("event"), nt.NotificationEvent, false)
	_, mutant := th.NtCreateMutant(1, at("mutant"), false)
	_, timer := th.NtCreateTimer(1, at("timer"), nt.NotificationTimer)
	_, semaphore := th.Services().NtCreateSemaphore(nt.CreateSemaphoreIn{DesiredAccess: 1, MaximumCount: 1,
		ObjectAttributes: nt.Cap(at("semaphore"))})
	_, job := th.Services().NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: 1, ObjectAttributes: nt.Cap(at("job"))})
	for name, st := range map[string]ntstatus.Status{"event": event, "mutant": mutant, "timer": timer,
		"semaphore": semaphore, "job": job} {
		check.RequireThat(t, st == ntstatus.Success, "%v %v", name, st)
		d, st := w.NamedSecurity(win32.Named{Name: `\BaseNamedObjects\` + name}, winnt.OWNER_SECURITY_INFORMATION)
		check.That(t, st == ntstatus.Success && d.Owner().String() == "S-1-5-21-1-2-3-1001",
			"%s: %v, want the owner S-1-5-21-1-2-3-1001", name, st)
	}
	for name, want := range map[string]ntstatus.Status{`\Files\f`: 0, `\FILES\F`: 0,
		`\Files\g`: ntstatus.ObjectNameNotFound} {
		if _, st := w.NamedSecurity(win32.Named{Name: name, File: true}, winnt.OWNER_SECURITY_INFORMATION); st != want {
			t.Errorf("%s: %v, want %v", name, st, want)
		}
	}
}

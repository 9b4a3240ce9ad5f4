package win32_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// I-96: the required rights and token type for another user's process depend on the profile. The privileges of the
// caller's process count even if they are disabled, and those of a client that the thread impersonates do not (I-7).
func TestCreateProcessAsUserNeedsPrivileges(t *testing.T) {
	const query, assign, duplicate = winnt.TOKEN_QUERY, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TOKEN_DUPLICATE
	quota, primary := winnt.SeIncreaseQuotaPrivilege, winnt.SeAssignPrimaryTokenPrivilege
	both := []winnt.Privilege{quota, primary}
	for _, c := range []struct {
		name       string
		typ        winnt.TokenType
		rights     winnt.AccessMask
		privileges []winnt.Privilege
		documented ntstatus.Status
		observed   ntstatus.Status
	}{
		{"all", winnt.TokenPrimary, query | assign | duplicate, both, 0, 0},
		{"not to duplicate", winnt.TokenPrimary, query | assign, both, ntstatus.AccessDenied, 0},
		{"not to assign", winnt.TokenPrimary, query | duplicate, both, ntstatus.AccessDenied, ntstatus.AccessDenied},
		{"not to query", winnt.TokenPrimary, assign | duplicate, both, ntstatus.AccessDenied, ntstatus.AccessDenied},
		{"impersonation", winnt.TokenImpersonation, query | assign | duplicate, both, ntstatus.BadTokenType, 0},
		{"no quota", winnt.TokenPrimary, query | assign | duplicate, both[1:], ntstatus.PrivilegeNotHeld,
			ntstatus.PrivilegeNotHeld},
		{"no assignment", winnt.TokenPrimary, query | assign | duplicate, both[:1], ntstatus.PrivilegeNotHeld,
			ntstatus.PrivilegeNotHeld},
	} {
		for profile, want := range map[nt.Profile]ntstatus.Status{nt.Documented: c.documented, nt.Observed: c.observed} {
			for _, suspended := range []uint32{0, winnt.CREATE_SUSPENDED} {
				w, _, k := newThread(t, profile, c.privileges...)
				spec := token.StandardUser(sid.MustParse(alice))
				spec.Type, spec.Level = c.typ, winnt.SecurityDelegation
				h := newHandle(t, k, spec, c.rights)
				if suspended != 0 { // the thread's client has the privileges if the process does not
					client := token.StandardUser(sid.MustParse(alice))
					client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
					if len(c.privileges) < len(both) {
						client.Privileges |= quota.Bit() | primary.Bit()
					}
					tok := k.NewToken(check.Must(token.New(client)))
					t.Cleanup(func() { k.PsDereferenceImpersonationToken(tok) })
					check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
				}
				out, ok := w.CreateProcessAsUser(win32.CreateProcessAsUserIn{Token: h, CreationFlags: suspended})
				if code := win32.Code(want.Win32()); ok != (want == 0) || !ok && w.LastError() != code {
					t.Errorf("%s, %v: %v, %v, want %v", c.name, profile, ok, w.LastError(), code)
				}
				if !ok {
					continue
				}
				resumed, st := w.NT().Services().NtResumeThread(nt.ResumeThreadIn{ThreadHandle: out.Thread})
				check.That(t, st == ntstatus.Success && (resumed.PreviousSuspendCount == 1) == (suspended != 0),
					"%s, %v: previous suspend count %d, %v, want 1 if suspended", c.name, profile,
					resumed.PreviousSuspendCount, st)
			}
		}
	}
}

// I-95, I-96: CreateProcess takes the name of the program from the command line
// where it is not given, and refuses flags it does not know.
func TestCreateProcessTakesProgramFromCommandLine(t *testing.T) {
	w, sys := thread(t)
	for _, c := range []struct {
		app, command string
		code         win32.Code
	}{
		{"", "", 0}, {"", `"no such program" -x`, 2}, {"", "  nothing here", 2}, {"missing", "", 2},
	} {
		out, ok := w.CreateProcess(win32.CreateProcessIn{ApplicationName: c.app, CommandLine: c.command})
		if ok != (c.code == 0) || !ok && w.LastError() != c.code {
			t.Errorf("%q %q: %v %v, want %v", c.app, c.command, ok, w.LastError(), c.code)
		}
		check.That(t, !ok || sys.Process(winnt.Handle(out.ProcessID)) != nil && out.Thread != 0,
			"CreateProcess(%q, %q) succeeded, but process %d does not run", c.app, c.command, out.ProcessID)
	}
	if _, ok := w.CreateProcess(win32.CreateProcessIn{CreationFlags: 0x10}); ok || !errors.Is(w.LastError(),
		win32.Code(87)) {
		t.Errorf("unknown flag: %v %v, want ERROR_INVALID_PARAMETER", ok, w.LastError())
	}
}

// TestCreateProcessInheritsHandlesOnRequest checks that the child has the inheritable handles of its parent if
// InheritHandles is set (O-59).
func TestCreateProcessInheritsHandlesOnRequest(t *testing.T) {
	w, sys := thread(t)
	event := check.Result(w.NT().NtCreateEvent(winnt.EVENT_ALL_ACCESS,
		&nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}, nt.NotificationEvent, false))
	for _, inherit := range []bool{false, true} {
		out, ok := w.CreateProcess(win32.CreateProcessIn{InheritHandles: inherit})
		check.RequireThat(t, ok, "CreateProcess: %v", w.LastError())
		child := sys.Process(winnt.Handle(out.ProcessID)).FirstThread()
		_, st := child.NtQueryObject(event, nt.ObjectBasicInformation)
		check.That(t, st.IsSuccess() == inherit, "inherit %t: the child's query of the event returns %v", inherit, st)
	}
}

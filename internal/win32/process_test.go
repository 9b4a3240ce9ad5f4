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

// creators returns the functions that create a process like the caller's: CreateProcess, and CreateProcessAsUser
// without a token and with the caller's.
func creators(t *testing.T, w *win32.Thread) map[string]func(win32.CreateProcessIn) (win32.CreateProcessOut, bool) {
	as := func(token winnt.Handle) func(in win32.CreateProcessIn) (win32.CreateProcessOut, bool) {
		return func(in win32.CreateProcessIn) (win32.CreateProcessOut, bool) {
			return w.CreateProcessAsUser(win32.CreateProcessAsUserIn{Token: token, ApplicationName: in.ApplicationName,
				CommandLine: in.CommandLine, ProcessAttributes: in.ProcessAttributes,
				ThreadAttributes: in.ThreadAttributes, InheritHandles: in.InheritHandles,
				CreationFlags: in.CreationFlags})
		}
	}
	return map[string]func(win32.CreateProcessIn) (win32.CreateProcessOut, bool){"CreateProcess": w.CreateProcess,
		"CreateProcessAsUser without a token": as(0), "CreateProcessAsUser": as(ownToken(t, w))}
}

// I-95, I-96: CreateProcess and CreateProcessAsUser take the name of the program from the command line where it is not
// given, and refuse flags they do not know.
func TestCreateProcessTakesProgramFromCommandLine(t *testing.T) {
	w, sys := thread(t, winnt.SeAssignPrimaryTokenPrivilege, winnt.SeIncreaseQuotaPrivilege)
	for name, create := range creators(t, w) {
		for _, c := range []struct {
			app, command string
			code         win32.Code
		}{
			{"", "", 0}, {"", `"no such program" -x`, 2}, {"", "  nothing here", 2}, {"missing", "", 2},
		} {
			out, ok := create(win32.CreateProcessIn{ApplicationName: c.app, CommandLine: c.command})
			if ok != (c.code == 0) || !ok && w.LastError() != c.code {
				t.Errorf("%s %q %q: %v %v, want %v", name, c.app, c.command, ok, w.LastError(), c.code)
			}
			check.That(t, !ok || sys.Process(winnt.Handle(out.ProcessID)) != nil && out.Thread != 0,
				"%s(%q, %q) succeeded, but process %d does not run", name, c.app, c.command, out.ProcessID)
		}
		if _, ok := create(win32.CreateProcessIn{CreationFlags: 0x10}); ok || !errors.Is(w.LastError(), win32.Code(87)) {
			t.Errorf("%s, unknown flag: %v %v, want ERROR_INVALID_PARAMETER", name, ok, w.LastError())
		}
	}
}

// TestCreateProcessInheritsHandlesOnRequest checks that the child has the inheritable handles of its parent if
// InheritHandles is set, and that the attributes determine whether the new handles are inheritable (O-59). The new
// handles have all rights.
func TestCreateProcessInheritsHandlesOnRequest(t *testing.T) {
	w, sys := thread(t, winnt.SeAssignPrimaryTokenPrivilege, winnt.SeIncreaseQuotaPrivilege)
	event := check.Result(w.NT().NtCreateEvent(winnt.EVENT_ALL_ACCESS,
		&nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT}, nt.NotificationEvent, false))
	for name, create := range creators(t, w) {
		for _, inherit := range []bool{false, true} {
			out, ok := create(win32.CreateProcessIn{InheritHandles: inherit,
				ProcessAttributes: &win32.SecurityAttributes{InheritHandle: inherit},
				ThreadAttributes:  &win32.SecurityAttributes{InheritHandle: !inherit}})
			check.RequireThat(t, ok, "%s: %v", name, w.LastError())
			child := sys.Process(winnt.Handle(out.ProcessID)).FirstThread()
			_, st := child.NtQueryObject(event, nt.ObjectBasicInformation)
			check.That(t, st.IsSuccess() == inherit, "%s, inherit %t: the child's query of the event returns %v", name,
				inherit, st)
			for h, want := range map[winnt.Handle]bool{out.Process: inherit, out.Thread: !inherit} {
				rights, attributes := granted(t, w, h)
				check.That(t, rights == 0x1fffff && (attributes&winnt.OBJ_INHERIT != 0) == want,
					"%s: handle %v has the rights %#x and attributes %#x, want all and inheritable: %t", name, h,
					uint32(rights), attributes, want)
			}
			v, st := w.NT().NtQueryInformationThread(out.Thread, nt.ThreadBasicInformation)
			b, _ := v.(nt.ThreadBasic)
			check.That(t, st == ntstatus.Success && uint32(b.ClientID.UniqueProcess) == out.ProcessID &&
				uint32(b.ClientID.UniqueThread) == out.ThreadID, "%s: the ids are %+v, want %+v", name, out, b)
		}
	}
}

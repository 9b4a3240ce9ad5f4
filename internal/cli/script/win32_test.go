package script_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// The transcript shows the result of a Win32 function, its last error with the reason, and the services that it calls.
func TestTranscriptShowsWin32Function(t *testing.T) {
	out := mustRun(t, script.Config{}, prelude+`
h = th.OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
th.OpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY)
th.ImpersonateSelf(ImpersonationLevel=SecurityIdentification)
th.CheckTokenMembershipEx(TokenHandle=h, SidToCheck="nonsense", Flags=0)
th.NtClose(Handle=h)
`)
	const below = "                     "
	for _, want := range []string{
		"OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY) -> TRUE TokenHandle=0x4\nserver/1 ",
		"OpenProcessToken(ProcessHandle=0x190, DesiredAccess=TOKEN_QUERY) -> FALSE ERROR_INVALID_HANDLE\n" + below +
			"because O-31: ProcessHandle is not a valid handle\nserver/1 ",
		"ImpersonateSelf(ImpersonationLevel=SecurityIdentification) -> TRUE\n" + below +
			"NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_DUPLICATE) -> STATUS_SUCCESS " +
			"TokenHandle=0x8\n",
		below + "NtClose(Handle=0x8) -> STATUS_SUCCESS\nserver/1 ", below + "because O-131: the SID is invalid\nserver/1 ",
	} {
		check.That(t, strings.Contains(out, want), "transcript\n%s\nwant %q", out, want)
	}
}

// A Win32 function is recorded with its result and its last error.
func TestWin32FunctionIsRecordedWithLastError(t *testing.T) {
	got := recorded(t, prelude+`
r = th.OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY)
th.OpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY)
expect(th.AdjustTokenPrivileges(TokenHandle=400, NewState=[]).ReturnLength, 0)
th.NtClose(Handle=r.TokenHandle)
q = th.OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_ADJUST_PRIVILEGES).TokenHandle
th.AdjustTokenPrivileges(TokenHandle=q, NewState=["SeTcbPrivilege"])
th.NtClose(Handle=q)
`)
	check.That(t, len(got) == 7 && strings.Contains(got[5], `AdjustTokenPrivileges ERROR_NOT_ALL_ASSIGNED `) &&
		strings.Contains(got[0], `OpenProcessToken ERROR_SUCCESS`) &&
		strings.Contains(got[0], `{"TokenHandle":"handle of line 6","result":true}`) &&
		strings.Contains(got[1], `OpenProcessToken ERROR_INVALID_HANDLE`) && strings.Contains(got[1],
		` {"result":false} [O-`) &&
		strings.Contains(got[3], `NtClose STATUS_SUCCESS {"Handle":"handle of line 6"}`),
		"recorded lines\n%s\nwant the function, its result and its service calls", strings.Join(got, "\n"))
}

package script_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A Win32 function is recorded with its result and its last error.
func TestWin32FunctionIsRecordedWithLastError(t *testing.T) {
	got := recorded(t, prelude+`
r = th.OpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY)
th.OpenProcessToken(ProcessHandle=400, DesiredAccess=TOKEN_QUERY)
th.NtClose(Handle=r.TokenHandle)
`)
	check.That(t, len(got) == 3 && strings.Contains(got[0], `OpenProcessToken ERROR_SUCCESS`) &&
		strings.Contains(got[0], `{"TokenHandle":"handle of line 6","result":true}`) &&
		strings.Contains(got[1], `OpenProcessToken ERROR_INVALID_HANDLE`) && strings.Contains(got[1],
		` {"result":false} [O-`) &&
		strings.Contains(got[2], `NtClose STATUS_SUCCESS {"Handle":"handle of line 6"}`),
		"recorded lines\n%s\nwant the function, its result and its service calls", strings.Join(got, "\n"))
}

package win32_test

import (
	"maps"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/ntstatus"
)

// O-70: every status maps to a code with a name, and a failed function sets exactly that code.
func TestEveryStatusHasACode(t *testing.T) {
	for st, name := range ntstatus.All {
		if c := win32.Code(st.Win32()); c.String()[0] == 'W' {
			t.Errorf("%s maps to %v, want an error code with a name", name, c)
		}
	}
	check.Equal(t, win32.Code(4242).String(), "WIN32(4242)", "unknown code")
	for range win32.Codes {
		break // which ends the iteration
	}
	all := maps.Collect(win32.Codes)
	check.That(t, all[5] == "ERROR_ACCESS_DENIED" && all[6] == "ERROR_INVALID_HANDLE", "codes without two of them")
	check.Equal(t, win32.Code(5).Error(), "ERROR_ACCESS_DENIED (5)", "code 5 as an error")
}

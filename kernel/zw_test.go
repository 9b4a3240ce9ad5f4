package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ZwClose closes a handle once; a second call reports an invalid handle.
func TestZwCloseClosesAHandle(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	k := sys.KernelMode(th)
	h := check.Result(k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, winnt.OBJ_KERNEL_HANDLE))
	check.Equal(t, k.ZwClose(h), ntstatus.Success, "first ZwClose")
	check.Equal(t, k.ZwClose(h), ntstatus.InvalidHandle, "second ZwClose")
}

package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ZwClose closes a handle once; a second call reports an invalid handle.
func TestZwCloseClosesAHandle(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	k := sys.KernelMode(th)
	h, st := k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, winnt.OBJ_KERNEL_HANDLE)
	if st != ntstatus.Success {
		t.Fatalf("ZwOpenProcessTokenEx: %v, want success", st)
	}
	if st := k.ZwClose(h); st != ntstatus.Success {
		t.Errorf("first ZwClose: %s, want %s", st, ntstatus.Success)
	}
	if st := k.ZwClose(h); st != ntstatus.InvalidHandle {
		t.Errorf("second ZwClose: %s, want %s", st, ntstatus.InvalidHandle)
	}
}

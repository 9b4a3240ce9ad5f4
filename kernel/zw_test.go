package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
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
	check.That(t, kernel.Table.Find("ZwClose") != nil && kernel.Table.Find("ZwOpenFile") != nil, "no row has the Zw name")
}

// ZwOpenThreadTokenEx passes the thread, the rights, OpenAsSelf and the attributes (O-29).
func TestZwOpenThreadTokenExPassesParameters(t *testing.T) {
	sys := boot(t, kernel.Config{})
	p := check.Must(sys.NewProcess("p", plain(t, "S-1-5-21-1-2-3-1001", winnt.TokenPrimary)))
	k := sys.KernelMode(check.Must(p.NewThread()))
	client := k.CaptureToken(plain(t, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation), k.Thread())
	check.Success(t, k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityIdentification))
	k.PsDereferenceImpersonationToken(client)
	for _, c := range []struct {
		thread     winnt.Handle
		asSelf     bool
		attributes uint32
		want       ntstatus.Status
	}{
		{winnt.NtCurrentThread, true, winnt.OBJ_KERNEL_HANDLE, ntstatus.Success},
		{winnt.NtCurrentThread, true, 0, ntstatus.InvalidParameter},
		{0, true, winnt.OBJ_KERNEL_HANDLE, ntstatus.InvalidHandle},
	} {
		h, st := k.ZwOpenThreadTokenEx(c.thread, winnt.TOKEN_QUERY, c.asSelf, c.attributes)
		check.Equal(t, st, c.want, "ZwOpenThreadTokenEx of %+v", c)
		if st == ntstatus.Success {
			basic := check.Result(k.Zw().NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
			check.Equal(t, basic.GrantedAccess, winnt.TOKEN_QUERY, "rights of the handle")
			check.Success(t, k.ZwClose(h))
		}
	}
}

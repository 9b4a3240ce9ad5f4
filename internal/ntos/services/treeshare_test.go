package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// While a process has files open for a client, its quota is charged for the client's token once (Q-2, W-99).
func TestClientTokenIsChargedUntilLastClose(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}), winnt.SeImpersonatePrivilege)
	w.impersonate(w.sys.KernelMode(w.Thread), client, winnt.SecurityImpersonation)
	none := w.quota.Used()
	one := w.open(`\??\T\file`, winnt.FILE_READ_DATA, 0)
	alone := w.quota.Used()
	two := w.open(`\??\T\file`, winnt.FILE_READ_DATA, 0)
	file := w.quota.Used() - alone
	check.That(t, file < alone-none, "the second file costs as much as the first: %d, %d, %d bytes",
		none, alone, w.quota.Used())
	check.Success(t, w.NtClose(one))
	check.Equal(t, w.quota.Used(), alone, "bytes charged after the first of two files was closed")
	check.Success(t, w.NtClose(two))
	one = w.open(`\??\T\file`, winnt.FILE_READ_DATA, 0)
	w.impersonate(w.sys.KernelMode(w.Thread), acting, winnt.SecurityImpersonation)
	two = w.open(`\??\T\file`, winnt.FILE_READ_DATA, 0)
	check.Success(t, w.NtClose(one))
	check.Success(t, w.NtClose(two))                      // the fixture checks that nothing stays charged
	block := kernel.NewQuotaBlock(nil, 2*file+100, false) // a client has half of it: room for the file alone
	w.context().Thread().Process().SetQuota(block)
	want(t, "open without room for the token", check.Status(w.NtOpenFile(winnt.FILE_READ_DATA,
		named(`\??\T\file`), 7, 0)), ntstatus.QuotaExceeded)
	check.Equal(t, block.Used(), 0, "bytes charged after the refused open")
}

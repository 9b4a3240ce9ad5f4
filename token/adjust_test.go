package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// REMOVED removes a privilege permanently. ENABLED in the same change is ignored (TC-32).
func TestRemovedPrivilegeStaysRemoved(t *testing.T) {
	tok := must(t, setup())
	n, prev, st := tok.AdjustPrivileges(200, false,
		[]token.PrivilegeChange{{LUID: 19, Attributes: winnt.SE_PRIVILEGE_REMOVED | winnt.SE_PRIVILEGE_ENABLED}})
	wantStatus(t, "remove SeShutdownPrivilege", st, ntstatus.Success)
	check.That(t, len(prev) == 1 && prev[0].LUID == 19 && !n.Present().Has(winnt.SeShutdownPrivilege),
		"after removing SeShutdownPrivilege: previous %v, held %v; want one entry, and the privilege "+"not held", prev,
		n.Present().Names())
	_, _, st = n.AdjustPrivileges(201, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable a removed privilege", st, ntstatus.NotAllAssigned)
}

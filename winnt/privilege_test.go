package winnt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Each privilege has its documented number and name, and its own bit in a set.
func TestPrivilegesHaveDocumentedNumbers(t *testing.T) {
	names := strings.Fields(privilegeNames)
	check.RequireThat(t, len(names) == 35 && winnt.FirstPrivilege == 2 && winnt.LastPrivilege == 36,
		"%d privileges from %d to %d, want 35 from 2 to 36", len(names), winnt.FirstPrivilege, winnt.LastPrivilege)
	every := winnt.PrivilegeSet(0)
	for i, short := range names {
		p, name := winnt.Privilege(i+2), "Se"+short+"Privilege"
		got, err := winnt.ParsePrivilege(name)
		check.That(t, err == nil && got == p && p.String() == name && p.Valid() && p.LUID() == winnt.LUID(i+2),
			"Privilege(%d) = %v, want %s; ParsePrivilege(%[3]s) = %[4]d, %[5]v", i+2, p, name, got, err)
		check.That(t, check.Err(winnt.ParsePrivilege(strings.ToLower(name))) != nil,
			"ParsePrivilege(%s) in lower case: no error, want one", name)
		if p.Bit() != 1<<(i+2) || winnt.Privileges(p) != p.Bit() || every.Has(p) {
			t.Errorf("bit of %v is %#x, want its own bit at its number", p, uint64(p.Bit()))
		}
		if every |= p.Bit(); !every.Has(p) || len(every.Names()) != i+1 {
			t.Errorf("set %v does not have %v, or has other privileges", every.Names(), p)
		}
	}
	for _, p := range []winnt.Privilege{0, 1, 37, 63, 255} {
		if p.Valid() || !strings.HasPrefix(p.String(), "Privilege(") {
			t.Errorf(`Privilege(%d): Valid %t, String %s; want false and "Privilege(…)"`, uint8(p), p.Valid(), p)
		}
	}
	set := winnt.Privileges(winnt.SeDebugPrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)
	if want := []string{"SeCreateTokenPrivilege", "SeDebugPrivilege",
		"SeDelegateSessionUserImpersonatePrivilege"}; !slices.Equal(set.Names(), want) {
		t.Errorf("Names of a set: %v, want %v", set.Names(), want)
	}
	for p := range set.All {
		check.That(t, p == winnt.SeCreateTokenPrivilege,
			"All yields %v first, want %v", p, winnt.SeCreateTokenPrivilege)
		break
	}
	if winnt.PrivilegeSet(0).Names() != nil {
		t.Errorf("Names of an empty set = %v, want nil", winnt.PrivilegeSet(0).Names())
	}
}

// privilegeNames has the privileges from number 2 on, in the order of wdm.h.
const privilegeNames = "CreateToken AssignPrimaryToken LockMemory IncreaseQuota MachineAccount Tcb Security " +
	"TakeOwnership LoadDriver SystemProfile Systemtime ProfileSingleProcess IncreaseBasePriority CreatePagefile " +
	"CreatePermanent Backup Restore Shutdown Debug Audit SystemEnvironment ChangeNotify RemoteShutdown Undock " +
	"SyncAgent EnableDelegation ManageVolume Impersonate CreateGlobal TrustedCredManAccess Relabel " +
	"IncreaseWorkingSet TimeZone CreateSymbolicLink DelegateSessionUserImpersonate"

package audit_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/winnt"
)

// privilegeRow is the event and the privileges of a Windows record, in order.
type privilegeRow struct {
	event      uint16
	privileges []string
}

func (r *privilegeRow) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&r.event, &r.privileges})
}

// TestPrivilegeOrdersEqualRecordings compares the order of PrivilegeList with records of Windows. Both orders of
// event 4672 were recorded for the same privileges: that of network logons and the ascending one (U-200).
func TestPrivilegeOrdersEqualRecordings(t *testing.T) {
	// One record of event 4703 keeps the order in which its caller named the privileges (docs/CAVEATS.md).
	const callersOrder = "SeSecurityPrivilege SeRestorePrivilege SeBackupPrivilege"
	for i, row := range recordings.Rows[privilegeRow](t, "windows-events/privorders.jsonl") {
		var set winnt.PrivilegeSet
		for _, name := range row.privileges {
			p, err := winnt.ParsePrivilege(name)
			check.RequireThat(t, err == nil, "row %d: %v", i, err)
			set |= p.Bit()
		}
		got := [][]string{set.Names()}
		if row.event == 4672 {
			got = [][]string{audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_NETWORK),
				audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_INTERACTIVE)}
		}
		equal := func(names []string) bool { return slices.Equal(names, row.privileges) }
		check.That(t, slices.ContainsFunc(got, equal) || strings.Join(row.privileges, " ") == callersOrder,
			"row %d: event %d has %q, want %q", i, row.event, got, row.privileges)
	}
	set := winnt.Privileges(winnt.SeTcbPrivilege, winnt.SeDebugPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)
	check.SlicesEqual(t, audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_NETWORK), []string{"SeDebugPrivilege",
		"SeDelegateSessionUserImpersonatePrivilege", "SeTcbPrivilege"}, "U-200: order of a network logon")
	check.SlicesEqual(t, audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_SERVICE), set.Names(),
		"U-200: order of a service")
	for _, logon := range []winnt.LogonType{winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_INTERACTIVE} {
		got := audit.SpecialPrivileges(winnt.SeDelegateSessionUserImpersonatePrivilege.Bit(), logon)
		check.That(t, got == nil, "event 4672 without a sensitive privilege, logon type %d: %q, want nil", logon, got)
	}
}

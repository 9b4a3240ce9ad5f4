package audit_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/winnt"
)

// maskRow is a mask of a Windows record with the codes of its rights.
type maskRow struct {
	Event              uint16
	Server, Type, Mask string
	Codes              []string
}

// bitsOf returns the mask that has the codes of a list.
func bitsOf(typ string, codes []string) (m winnt.AccessMask) {
	for r := range audit.Rights(typ, 0x3FFFFFF) {
		if slices.Contains(codes, strconv.Itoa(int(r.Code))) {
			m |= r.Bit
		}
	}
	return m
}

// TestRecordedMasks compares the codes of rights, and the mask of event 4674, with records of Windows (U-22, U-42).
func TestRecordedMasks(t *testing.T) {
	for i, row := range recordings.Rows[maskRow](t, "windows-events/masks.jsonl") {
		typ := row.Type
		if row.Server == "DS" {
			typ = "DirectoryService"
		}
		mask := bitsOf(typ, row.Codes)
		if row.Event == 4674 {
			e := audit.PrivilegedObject(audit.Origin{}, audit.Object{Type: row.Type}, mask, 0, audit.Success)
			text, _ := e.Field("AccessMask")
			if got := strings.ReplaceAll(text, "\r", ""); got != strings.ReplaceAll(row.Mask, "\r", "") {
				t.Errorf("row %d: mask of a %s is %q, want %q", i, row.Type, got, row.Mask)
			}
		} else if n, err := strconv.ParseUint(row.Mask, 0, 32); err != nil || uint64(mask) != n {
			t.Errorf("row %d: codes %v of a %s are the mask %v, want %s (%v)", i, row.Codes, row.Type, mask, row.Mask, err)
		}
		var got []string
		for r := range audit.Rights(typ, mask) {
			got = append(got, strconv.Itoa(int(r.Code)))
		}
		if !slices.Equal(got, row.Codes) {
			t.Errorf("row %d: codes of a %s with %v are %v, want %v", i, row.Type, mask, got, row.Codes)
		}
	}
}

// privilegeRow is the event and the privileges of a Windows record, in order.
type privilegeRow struct {
	event      uint16
	privileges []string
}

func (r *privilegeRow) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&r.event, &r.privileges})
}

// TestRecordedPrivilegeOrders compares the order of PrivilegeList with records of Windows. Both orders of event 4672
// were recorded for the same privileges: that of network logons and the ascending one (U-200).
func TestRecordedPrivilegeOrders(t *testing.T) {
	// One record of event 4703 keeps the order in which its caller named the privileges (docs/CAVEATS.md).
	const callersOrder = "SeSecurityPrivilege SeRestorePrivilege SeBackupPrivilege"
	for i, row := range recordings.Rows[privilegeRow](t, "windows-events/privorders.jsonl") {
		var set winnt.PrivilegeSet
		for _, name := range row.privileges {
			p, err := winnt.ParsePrivilege(name)
			if err != nil {
				t.Fatalf("row %d: %v", i, err)
			}
			set |= p.Bit()
		}
		got := [][]string{set.Names()}
		if row.event == 4672 {
			got = [][]string{audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_NETWORK),
				audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_INTERACTIVE)}
		}
		equal := func(names []string) bool { return slices.Equal(names, row.privileges) }
		if !slices.ContainsFunc(got, equal) && strings.Join(row.privileges, " ") != callersOrder {
			t.Errorf("row %d: event %d has %q, want %q", i, row.event, got, row.privileges)
		}
	}
}

package audit_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
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

// TestCodesEqualRecordedMasks compares the codes of rights, and the mask of event 4674, with records of Windows
// (U-22, U-42).
func TestCodesEqualRecordedMasks(t *testing.T) {
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
		check.SlicesEqual(t, got, row.Codes, "row %d: codes of a %s with %v", i, row.Type, mask)
	}
}

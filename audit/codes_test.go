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

// The code of a specific right is the documented first code of its type plus the bit number (message table of
// msobjs.dll).
func TestTypesHaveDocumentedFirstCodes(t *testing.T) {
	for typ, first := range map[string]uint16{"Device": 4352, "Directory": 4368, "Event": 4384, "File": 4416, "Key": 4432,
		"Mutant": 4448, "ALPC Port": 4464, "Process": 4480, "Profile": 4496, "Section": 4512, "Semaphore": 4528,
		"SymbolicLink": 4544, "Thread": 4560, "Timer": 4576, "Token": 4592, "Type": 4608, "IoCompletion": 4864, "Job": 5136,
		"SAM_SERVER": 5376, "SAM_DOMAIN": 5392, "SAM_GROUP": 5408, "SAM_ALIAS": 5424, "SAM_USER": 5440,
		"PolicyObject": 5632, "SecretObject": 5648, "TrustedDomain": 5664, "UserAccount": 5680, "KeyedEvent": 5696,
		"WindowStation": 6656, "Desktop": 6672, "SC_MANAGER OBJECT": 7168, "SERVICE OBJECT": 7184,
		"DirectoryService": 7680, "AuditPolicy": 7936, "Unknown": 1552} {
		var got []uint16
		for r := range audit.Rights(typ, 0x8001) {
			got = append(got, r.Code)
		}
		check.SlicesEqual(t, got, []uint16{first, first + 15}, "codes of the bits 0 and 15 of a %s", typ)
	}
	for r := range audit.Rights("Thread", 0x80) {
		check.Equal(t, r.Text, "Assign a token to the thread", "right 0x80 of a thread")
	}
}

package access_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The nodes of the conformance cases.
var (
	nodeC  = winnt.GUID{0: 0xC0}
	nodeP1 = winnt.GUID{0: 0x01}
	nodeP2 = winnt.GUID{0: 0x02}
	nodeA1 = winnt.GUID{0: 0xA1}
	nodeA2 = winnt.GUID{0: 0xA2}
)

// guids replaces {P1}, {P2}, {A1} and {A2} by the GUIDs of the nodes.
func guids(text string) string {
	return strings.NewReplacer("{P1}", nodeP1.String(), "{P2}", nodeP2.String(), "{A1}", nodeA1.String(), "{A2}",
		nodeA2.String()).Replace(text)
}

func list(levelAndGUID ...any) (out []access.ObjectTypeEntry) {
	for i := 0; i < len(levelAndGUID); i += 2 {
		out = append(out, access.ObjectTypeEntry{Level: uint16(levelAndGUID[i].(int)), GUID: levelAndGUID[i+1].(winnt.GUID)})
	}
	return out
}

// ValidateObjectTypes accepts at most MaxObjectTypes entries. TestValidateEveryLevelSequence has the short lists (A-25,
// AC-103).
func TestValidateObjectTypesLimitsLength(t *testing.T) {
	long := []access.ObjectTypeEntry{{}}
	for i := 1; i < access.MaxObjectTypes; i++ {
		long = append(long, access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{byte(i), byte(i >> 8)}})
	}
	err := access.ValidateObjectTypes(long)
	check.That(t, err == nil, "%d entries: %v, want no error", len(long), err)
	long = append(long, access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{1, 2, 3}})
	check.ErrorIs(t, access.ValidateObjectTypes(long), ntstatus.InvalidParameter.Err(), "%d entries", len(long))
}

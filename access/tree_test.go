package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
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
		out = append(out, access.ObjectTypeEntry{Level: uint16(levelAndGUID[i].(int)),
			GUID: levelAndGUID[i+1].(winnt.GUID)})
	}
	return out
}

// ValidateObjectTypes accepts trees in preorder up to the maximal depth and length, without repeated GUIDs (A-25,
// AC-103).
func TestValidateObjectTypesAcceptsTrees(t *testing.T) {
	long := []access.ObjectTypeEntry{{}}
	for i := 1; i < access.MaxObjectTypes; i++ {
		long = append(long, access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{byte(i), byte(i >> 8)}})
	}
	twice := append(long[:40:40], access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{7}})
	tooLong := append(long[:len(long):len(long)], access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{1, 2, 3}})
	for _, c := range []struct {
		name string
		list []access.ObjectTypeEntry
		ok   bool
	}{
		{"empty", nil, true},
		{"root", list(0, nodeC), true},
		{"deepest", list(0, nodeC, 1, nodeP1, 2, nodeA1, 3, nodeA2, 4, nodeP2), true},
		{"back to a higher level", list(0, nodeC, 1, nodeP1, 2, nodeA1, 1, nodeP2), true},
		{"longest", long, true},
		{"no root", list(1, nodeC), false},
		{"two roots", list(0, nodeC, 0, nodeP1), false},
		{"a skipped level", list(0, nodeC, 2, nodeP1), false},
		{"too deep", list(0, nodeC, 1, nodeP1, 2, nodeA1, 3, nodeA2, 4, nodeP2, 5, winnt.GUID{9}), false},
		{"a GUID twice", list(0, nodeC, 1, nodeP1, 1, nodeP1), false},
		{"a GUID twice in a long list", twice, false},
		{"too long", tooLong, false},
	} {
		err := access.ValidateObjectTypes(c.list)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ntstatus.InvalidParameter.Err()) {
			t.Errorf("ValidateObjectTypes, %s: %v, want valid %t", c.name, err, c.ok)
		}
	}
}

// A denial at a node applies to its ancestors only if the node did not have the right yet. A denial after the grant
// changes nothing.
func TestDenialAfterGrantChangesNothing(t *testing.T) {
	const rp = winnt.ADS_RIGHT_DS_READ_PROP
	three := list(0, nodeC, 1, nodeP1, 1, nodeP2)
	deep := list(0, nodeC, 1, nodeP1, 2, nodeA1, 2, nodeA2)
	for _, c := range []struct {
		sd   string
		list []access.ObjectTypeEntry
		want string // y or n for each node
	}{
		{"…(OA;;RP;{P1};;WD)(OD;;RP;{P1};;WD)(OA;;RP;{P2};;WD)", three, "yyy"},
		{"…(OD;;RP;{P1};;WD)(OA;;RP;{P1};;WD)(OA;;RP;{P2};;WD)", three, "nny"},
		{"…(OA;;RP;{A1};;WD)(OD;;RP;{A1};;WD)(OA;;RP;{A2};;WD)", deep, "yyyy"},
		{"…(OA;;RP;{A1};;WD)(OD;;RP;{A2};;WD)(A;;RP;;;WD)", deep, "nnyn"},
		{"…(OA;;RP;{P1};;WD)(OD;;RP;{A1};;WD)", deep, "yyyy"},
		{"…(OA;;RP;{A1};;WD)(OD;;RP;{P1};;WD)(A;;RP;;;WD)", deep, "nnyn"},
	} {
		for _, desired := range []winnt.AccessMask{rp, winnt.MAXIMUM_ALLOWED} {
			r := ask(t, guids(c.sd), desired)
			r.Type, r.ObjectTypes = winnt.DirectoryServiceObject, c.list
			results, _, err := access.CheckResultList(r)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range results {
				if n.Granted&rp != 0 {
					got += "y"
				} else {
					got += "n"
				}
			}
			if got != c.want {
				t.Errorf("A-85: %s, desired %v: results %s, want %s", c.sd, desired, got, c.want)
			}
			if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != (c.want[0] == 'y') {
				t.Errorf("A-71: %s, desired %v: SeAccessCheck = %+v, %v; want the first result of %s", c.sd, desired,
					d, err, c.want)
			}
		}
	}
}

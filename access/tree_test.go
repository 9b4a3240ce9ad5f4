package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// nodeC and the like are the nodes of the rows of section 14.
var (
	nodeC  = winnt.GUID{0: 0xC0}
	nodeP1 = winnt.GUID{0: 0x01}
	nodeP2 = winnt.GUID{0: 0x02}
	nodeA1 = winnt.GUID{0: 0xA1}
	nodeA2 = winnt.GUID{0: 0xA2}
)

// guids writes {P1} and the like out.
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

func TestResultList(t *testing.T) {
	const rp = winnt.ADS_RIGHT_DS_READ_PROP
	ok, no := access.NodeResult{Granted: rp,
		Verdict: ntstatus.Decided(ntstatus.Success)}, access.NodeResult{Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
	c12 := list(0, nodeC, 1, nodeP1, 2, nodeA1, 2, nodeA2)
	for _, c := range []struct {
		id, sd  string
		list    []access.ObjectTypeEntry
		desired winnt.AccessMask
		want    []access.NodeResult
		byType  bool // whether the single result grants
		change  func(*token.Spec)
	}{
		{"AC-099 A-82", "…(OA;;RP;{P1};;WD)", c12, rp, []access.NodeResult{ok, ok, ok, ok}, true, nil},
		{"AC-100 A-84", "…(OA;;RP;{P1};;WD)", list(0, nodeC, 1, nodeP1, 1, nodeP2), rp,
			[]access.NodeResult{no, ok, no}, false, nil},
		{"AC-101", "…(OA;;RP;{A1};;WD)(OA;;RP;{A2};;WD)", c12, rp, []access.NodeResult{ok, ok, ok, ok}, true, nil},
		{"AC-102a A-83 A-85", "…(OD;;RP;{A1};;WD)(A;;RP;;;WD)", list(0, nodeC, 1, nodeP1, 2, nodeA1), rp,
			[]access.NodeResult{no, no, no}, false, nil},
		{"AC-102b", "…(OD;;RP;{A1};;WD)(A;;RP;;;WD)", list(0, nodeC, 1, nodeP1, 2, nodeA1, 1, nodeP2), rp,
			[]access.NodeResult{no, no, no, ok}, false, nil},
		{"A-81 not in the list", "…(OD;;RP;{A2};;WD)(OA;;RP;;;WD)", list(0, nodeC, 1, nodeP1), rp,
			[]access.NodeResult{ok, ok}, true, nil},
		{"AC-119 A-86", "U:", list(0, nodeC, 1, nodeP1), 0x20001,
			[]access.NodeResult{{Granted: 0x20000, Verdict: ntstatus.Decided(ntstatus.AccessDenied)},
				{Granted: 0x20000, Verdict: ntstatus.Decided(ntstatus.AccessDenied)}}, false, nil},
		{"A-86 privileges at every node", "…", list(0, nodeC, 1, nodeP1), 0x80000,
			[]access.NodeResult{{Granted: 0x80000, Verdict: ntstatus.Decided(ntstatus.Success)},
				{Granted: 0x80000, Verdict: ntstatus.Decided(ntstatus.Success)}}, true, take},
		{"A-16 in every entry", "…", list(0, nodeC, 1, nodeP1), saclBit,
			[]access.NodeResult{{Verdict: ntstatus.Decided(ntstatus.PrivilegeNotHeld)},
				{Verdict: ntstatus.Decided(ntstatus.PrivilegeNotHeld)}}, false, nil},
		{"A-87 a control access right", "…(OA;;CR;{A1};;WD)", list(0, nodeA1), winnt.ADS_RIGHT_DS_CONTROL_ACCESS,
			[]access.NodeResult{{Granted: 0x100, Verdict: ntstatus.Decided(ntstatus.Success)}}, true, nil},
		{"NULL DACL", "O:BAG:SYD:NO_ACCESS_CONTROL", list(0, nodeC, 1, nodeP1), rp, []access.NodeResult{ok, ok}, true,
			nil},
		{"A-85 a right past the ceiling", "…(A;;RPWP;;;WD)", list(0, nodeC, 1, nodeP1), rp | winnt.ADS_RIGHT_DS_WRITE_PROP,
			[]access.NodeResult{{Granted: rp, Verdict: ntstatus.Decided(ntstatus.AccessDenied)},
				{Granted: rp, Verdict: ntstatus.Decided(ntstatus.AccessDenied)}}, false, low},
		{"A-86 each node has its own in the restricted pass", "…(OA;;RP;{P1};;U)(A;;RP;;;RC)",
			list(0, nodeC, 1, nodeP1, 1, nodeP2), rp, []access.NodeResult{no, ok, no}, false, restricted(sid.Restricted)},
		{"A-90 the restricted pass of a result list", "…(A;;RP;;;U)", list(0, nodeC, 1, nodeP1), rp,
			[]access.NodeResult{no, no}, false, restricted(sid.Restricted)},
		{"A-90 the same of the maximum", "…(A;;RP;;;U)", list(0, nodeC, 1, nodeP1), winnt.MAXIMUM_ALLOWED,
			[]access.NodeResult{no, no}, false, restricted(sid.Restricted)},
		{"A-24 nothing asked", "…(A;;RP;;;WD)", list(0, nodeC, 1, nodeP1), 0, []access.NodeResult{no, no}, false, nil},
	} {
		r := ask(t, guids(c.sd), c.desired)
		if c.change != nil {
			r = ask(t, guids(c.sd), c.desired, c.change)
		}
		r.Type, r.ObjectTypes = winnt.DirectoryServiceObject, c.list
		got, d, err := access.CheckResultList(r)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) || d.Status() != c.want[0].Status() {
			t.Errorf("%s: %v %v, %v; want %v", c.id, got, d, err, c.want)
		}
		if call, got, _ := access.NtAccessCheckResultList(r); call != ntstatus.Success ||
			fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s, the call: %v %v; want %v", c.id, call, got, c.want)
		}
		if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != c.byType {
			t.Errorf("%s, one result: %+v, %v", c.id, d, err)
		}
		if _, _, x, err := access.ExplainResultList(r); err != nil || len(x.Steps) == 0 {
			t.Errorf("%s explained: %v, %v", c.id, x, err)
		}
	}
}

// AC-104, AC-115: an empty list fails the ResultList call before anything
// else.
func TestResultListEmpty(t *testing.T) {
	for _, r := range []*access.Request{ask(t, "…", 1), ask(t, "…", 0x80000000)} {
		if call, results, _ := access.NtAccessCheckResultList(r); call != ntstatus.InvalidParameter || results != nil {
			t.Errorf("A-11: %v %v", call, results)
		}
		if results, d, err := access.CheckResultList(r); err != nil || d.Status() != ntstatus.InvalidParameter ||
			results != nil {
			t.Errorf("A-11: %v %v %v", results, d, err)
		}
	}
	kernel := ask(t, "…", 3)
	kernel.Mode, kernel.ObjectTypes = access.Kernel, list(0, nodeC, 1, nodeP1)
	if call, results, _ := access.NtAccessCheckResultList(kernel); call != ntstatus.Success ||
		fmt.Sprint(results) != fmt.Sprint([]access.NodeResult{{Granted: 3,
			Verdict: ntstatus.Decided(ntstatus.Success)}, {Granted: 3, Verdict: ntstatus.Decided(ntstatus.Success)}}) {
		t.Errorf("A-27: %v %v", call, results)
	}
}

// AC-103: what makes a list invalid.
func TestValidateObjectTypes(t *testing.T) {
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
		{"none", nil, true},
		{"root", list(0, nodeC), true},
		{"deepest", list(0, nodeC, 1, nodeP1, 2, nodeA1, 3, nodeA2, 4, nodeP2), true},
		{"up again", list(0, nodeC, 1, nodeP1, 2, nodeA1, 1, nodeP2), true},
		{"longest", long, true},
		{"{1}", list(1, nodeC), false},
		{"{0,0}", list(0, nodeC, 0, nodeP1), false},
		{"{0,2}", list(0, nodeC, 2, nodeP1), false},
		{"too deep", list(0, nodeC, 1, nodeP1, 2, nodeA1, 3, nodeA2, 4, nodeP2, 5, winnt.GUID{9}), false},
		{"a GUID twice", list(0, nodeC, 1, nodeP1, 1, nodeP1), false},
		{"a GUID twice in a long list", twice, false},
		{"too long", tooLong, false},
	} {
		err := access.ValidateObjectTypes(c.list)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ntstatus.InvalidParameter.Err()) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// a denial at a node strikes its ancestors only where the node did not have
// the right yet; one that comes after the grant changes nothing anywhere.
func TestDenialAfterGrantInTree(t *testing.T) {
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
				t.Errorf("A-85 %s, %v: %s, want %s", c.sd, desired, got, c.want)
			}
			if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != (c.want[0] == 'y') {
				t.Errorf("A-71 %s, %v, one result: %+v, %v, want that of the first of %s", c.sd, desired, d, err, c.want)
			}
		}
	}
}

// an entry for one type acts on the node of that type, however long the
// list is, and a list of any length tells a GUID that stands in it twice.
func TestLongLists(t *testing.T) {
	const rp = winnt.ADS_RIGHT_DS_READ_PROP
	types := list(0, nodeC)
	for i := byte(1); i < 40; i++ {
		types = append(types, access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{0: i, 1: 1}})
		for _, at := range []int{1, int(i)} {
			r := ask(t, "…(OA;;RP;"+types[at].GUID.String()+";;WD)", rp)
			r.ObjectTypes = append(types[:len(types):len(types)],
				access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{0: 0xFF}}) // never granted
			got, _, err := access.CheckResultList(r)
			if err != nil {
				t.Fatal(err)
			}
			for n := range got {
				if granted := got[n].Granted == rp; granted != (n == at) {
					t.Errorf("A-84: %d types: an entry for node %d: node %d is granted: %t", len(got), at, n, granted)
				}
			}
		}
		twice := append(types[:len(types):len(types)], types[i/2])
		if err := access.ValidateObjectTypes(twice); !errors.Is(err, ntstatus.InvalidParameter.Err()) {
			t.Errorf("A-25: %d types, entry %d twice: %v", len(twice), i/2, err)
		}
	}
}

package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// levelLists calls f with every sequence of at most n levels, each less than levels. f must not keep the slice.
func levelLists(n int, levels uint16, f func([]uint16)) {
	var grow func(s []uint16)
	grow = func(s []uint16) {
		f(s)
		if len(s) == n {
			return
		}
		for l := range levels {
			grow(append(s, l))
		}
	}
	grow(nil)
}

// treeOf returns an object type list with the levels and different GUIDs.
func treeOf(levels []uint16) (list []access.ObjectTypeEntry) {
	for i, l := range levels {
		list = append(list, access.ObjectTypeEntry{Level: l, GUID: winnt.GUID{0: byte(0x10 + i)}})
	}
	return list
}

// parents returns the index of each entry's parent, -1 for the root. The parent is the nearest earlier entry
// one level higher, without an entry of that level in between. wrong is the first entry without a valid position, -1
// for a valid tree.
func parents(levels []uint16) (of []int, wrong int) {
	for i, l := range levels {
		up := -1
		for j := i - 1; j >= 0 && l > 0; j-- {
			if levels[j] < l {
				up = j
				break
			}
		}
		root := i == 0 && l == 0
		below := up >= 0 && levels[up] == l-1
		if l > 4 || !root && !below {
			return nil, i
		}
		of = append(of, up)
	}
	return of, -1
}

// ValidateObjectTypes accepts exactly the level sequences that are trees in preorder, among all short ones. Its error
// names the first wrong entry.
func TestValidateEveryLevelSequence(t *testing.T) {
	trees := 0
	levelLists(5, 6, func(levels []uint16) {
		list := treeOf(levels)
		_, wrong := parents(levels)
		err := access.ValidateObjectTypes(list)
		place := fmt.Sprintf("entry %d:", wrong)
		if (err != nil) != (wrong >= 0) || err != nil && (!errors.Is(err, ntstatus.InvalidParameter.Err()) ||
			!strings.Contains(err.Error(), place)) {
			t.Errorf("A-25: ValidateObjectTypes of levels %v: %v, want the first wrong entry to be %d", levels, err, wrong)
		}
		if wrong < 0 {
			trees++
		}
	})
	// 1 + 1 + 1 + 2 + 5 + 14: the empty list, and the trees of one to five nodes.
	check.That(t, trees == 24, "A-25: %d level sequences are valid, want 24", trees)
	for _, l := range []uint16{5, 0x100, 0x101, 0x8001, 0xFFFF} {
		for _, levels := range [][]uint16{{l}, {0, l}, {0, 1, l}, {0, 1, 2, 3, 4, l}} {
			check.That(t, access.ValidateObjectTypes(treeOf(levels)) != nil,
				"A-25: ValidateObjectTypes of levels %#x: no error, want one", levels)
		}
	}
}

// Each function rejects an invalid tree with its own status or result, and decides requests with a valid one.
func TestCallsRejectInvalidTrees(t *testing.T) {
	r := newRequest(t, "…(A;;RP;;;WD)", winnt.ADS_RIGHT_DS_READ_PROP)
	r.Type = winnt.DirectoryServiceObject
	levelLists(4, 6, func(levels []uint16) {
		_, wrong := parents(levels)
		r.ObjectTypes = treeOf(levels)
		call, decided, results := ntstatus.Success, ntstatus.Success, len(levels)
		if wrong >= 0 {
			call, decided, results = ntstatus.InvalidParameter, ntstatus.InvalidParameter, 0
		}
		if st, d := access.NtAccessCheck(r); st != call || d.Allowed() != (wrong < 0) {
			t.Errorf("A-26: levels %v: NtAccessCheck = %v, %v; want %v", levels, st, d, call)
		}
		if d, err := access.SeAccessCheck(r); err != nil || d.Status() != decided {
			t.Errorf("A-25: levels %v: SeAccessCheck = %v, %v; want %v", levels, d, err, decided)
		}
		if len(levels) == 0 { // an empty list fails
			call, decided = ntstatus.InvalidParameter, ntstatus.InvalidParameter
		}
		st, nodes, _ := access.NtAccessCheckResultList(r)
		check.That(t, st == call && len(nodes) == results,
			"A-26: levels %v: NtAccessCheckResultList = %v, %v; want %v and %d results", levels, st, nodes, call, results)
		nodes, d, err := access.CheckResultList(r)
		check.That(t, err == nil && d.Status() == decided && len(nodes) == results,
			"A-25: levels %v: CheckResultList = %v, %v, %v; want %v and %d results", levels, nodes, d, err, decided, results)
	})
}

// ValidateObjectTypes finds a repeated GUID at any two positions, and its error names the later one. It searches
// short lists linearly and longer ones otherwise.
func TestRepeatedGUIDIsRefused(t *testing.T) {
	for _, n := range []int{2, 3, 15, 16, 17, 18, 19, 33} {
		levels := make([]uint16, n)
		for i := 1; i < n; i++ {
			levels[i] = 1 + uint16(i%2)
		}
		levels[1%n] = 1
		for first := range n {
			for second := first + 1; second < n; second++ {
				list := treeOf(levels)
				list[second].GUID = list[first].GUID
				err := access.ValidateObjectTypes(list)
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("entry %d:", second)) {
					t.Errorf("A-25: entry %d of %d repeats the GUID of entry %d: %v, want an error that names "+
						"the later one", second, n, first, err)
				}
			}
		}
		if err := access.ValidateObjectTypes(treeOf(levels)); err != nil {
			t.Errorf("A-25: %d different GUIDs: %v, want no error", n, err)
		}
	}
	// GUIDs that differ in one byte are different.
	for i := range 16 {
		pair := list(0, nodeC, 1, nodeP1, 1, nodeP1)
		pair[2].GUID[i] ^= 0x80
		if err := access.ValidateObjectTypes(pair); err != nil {
			t.Errorf("A-25: GUIDs that differ in byte %d: %v, want no error", i, err)
		}
	}
}

// Every tree of up to five nodes, with any two object entries, agrees with the oracle at every node.
func TestEveryTreeMatchesOracle(t *testing.T) {
	levelLists(5, 5, func(levels []uint16) {
		if _, wrong := parents(levels); wrong >= 0 || len(levels) == 0 {
			return
		}
		tree := treeOf(levels)
		for q := range 4 * len(levels) * len(levels) {
			text := "…"
			for i, at := range [2]int{q / 4 % len(levels), q / 4 / len(levels)} {
				text += fmt.Sprintf("(%s;;RP;%v;;WD)", [2]string{"OA", "OD"}[q>>i&1], tree[at].GUID)
			}
			r := newRequest(t, text, winnt.ADS_RIGHT_DS_READ_PROP)
			r.Type, r.ObjectTypes = winnt.DirectoryServiceObject, tree
			compareLists(t, r)
			if d, err := access.SeAccessCheck(r); err != nil || d != newTwin(r).single() {
				t.Errorf("A-84: levels %v, %s: SeAccessCheck = %v, %v; the twin returns %v", levels, text, d, err,
					newTwin(r).single())
			}
		}
	})
}

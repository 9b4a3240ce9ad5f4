package access_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// CheckResultList reports the first error of a request that has several, and checks its list first. The result of a
// single node is that of the plain check.
func TestResultListOrderOfErrors(t *testing.T) {
	good := ask(t, "…(A;;0x3;;;WD)", 1)
	r := &access.Request{Desired: winnt.GENERIC_READ | saclBit, ObjectTypes: nil}
	for _, m := range []mending{
		{"all errors", func(*access.Request) {}, 0, ntstatus.InvalidParameter, nil, 0},
		{"bad tree", func(r *access.Request) { r.ObjectTypes = wrongList }, 0, ntstatus.InvalidParameter, nil, 0},
		{"no type", func(r *access.Request) { r.ObjectTypes = wrongList[:1] }, 0, ntstatus.AccessDenied,
			access.ErrNoMapping, 0},
		{"no descriptor", func(r *access.Request) { r.Type = winnt.FileObject }, 0, ntstatus.AccessDenied, nil, 0},
		{"no token", func(r *access.Request) { r.Descriptor = good.Descriptor }, 0, ntstatus.AccessDenied,
			access.ErrNoToken, 0},
		{"no privilege", func(r *access.Request) { r.Subject = good.Subject }, 0, ntstatus.PrivilegeNotHeld, nil, 0},
		{"no error", func(r *access.Request) { r.Desired = 3 }, 0, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		results, d, err := access.CheckResultList(r)
		if !errors.Is(err, m.err) || (err == nil) != (m.err == nil) || d.Status() != m.status || d.Granted != m.grant {
			t.Errorf("CheckResultList, first error %s: %v, %v; want %v, granted %v, %v", m.what, d, err, m.status,
				m.grant, m.err)
		}
		want := 1 // one entry, one result
		if m.err != nil || m.status == ntstatus.InvalidParameter {
			want = 0
		}
		if len(results) != want || want == 1 && results[0] != (access.NodeResult{Granted: d.Granted,
			Verdict: d.Verdict}) {
			t.Errorf("CheckResultList, first error %s: results %v, decision %v; want %d equal results", m.what,
				results, d, want)
		}
	}
}

// CheckResultList, NtAccessCheckResultList and SeAccessCheck agree with the cases for object type lists.
func TestResultListsAgreeWithCases(t *testing.T) {
	const rp = winnt.ADS_RIGHT_DS_READ_PROP
	ok, no := access.NodeResult{Granted: rp,
		Verdict: ntstatus.Decided(ntstatus.Success)}, access.NodeResult{Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
	c12 := list(0, nodeC, 1, nodeP1, 2, nodeA1, 2, nodeA2)
	for _, c := range []struct {
		id, sd  string
		list    []access.ObjectTypeEntry
		desired winnt.AccessMask
		want    []access.NodeResult
		byType  bool // whether the single result grants access
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
		{"A-85 a right above a label", "…(A;;RPWP;;;WD)", list(0, nodeC, 1, nodeP1), rp | winnt.ADS_RIGHT_DS_WRITE_PROP,
			[]access.NodeResult{{Granted: rp, Verdict: ntstatus.Decided(ntstatus.AccessDenied)},
				{Granted: rp, Verdict: ntstatus.Decided(ntstatus.AccessDenied)}}, false, low},
		{"A-86 the restricted check for each node", "…(OA;;RP;{P1};;U)(A;;RP;;;RC)",
			list(0, nodeC, 1, nodeP1, 1, nodeP2), rp, []access.NodeResult{no, ok, no}, false, restricted(sid.Restricted)},
		{"A-90 the restricted check", "…(A;;RP;;;U)", list(0, nodeC, 1, nodeP1), rp,
			[]access.NodeResult{no, no}, false, restricted(sid.Restricted)},
		{"A-90 the restricted check, MAXIMUM_ALLOWED", "…(A;;RP;;;U)", list(0, nodeC, 1, nodeP1), winnt.MAXIMUM_ALLOWED,
			[]access.NodeResult{no, no}, false, restricted(sid.Restricted)},
		{"A-24 an empty mask", "…(A;;RP;;;WD)", list(0, nodeC, 1, nodeP1), 0, []access.NodeResult{no, no}, false, nil},
	} {
		r := ask(t, guids(c.sd), c.desired)
		if c.change != nil {
			r = ask(t, guids(c.sd), c.desired, c.change)
		}
		r.Type, r.ObjectTypes = winnt.DirectoryServiceObject, c.list
		got, d, err := access.CheckResultList(r)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) || d.Status() != c.want[0].Status() {
			t.Errorf("%s: CheckResultList = %v, %v, %v; want %v", c.id, got, d, err, c.want)
		}
		if call, got, _ := access.NtAccessCheckResultList(r); call != ntstatus.Success ||
			fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: NtAccessCheckResultList = %v, %v; want %v, %v", c.id, call, got, ntstatus.Success, c.want)
		}
		if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != c.byType {
			t.Errorf("%s: SeAccessCheck = %+v, %v; want allowed %v, no error", c.id, d, err, c.byType)
		}
		if _, _, x, err := access.ExplainResultList(r); err != nil || len(x.Steps) == 0 {
			t.Errorf("%s: ExplainResultList = %v, %v; want at least one step, no error", c.id, x, err)
		}
	}
}

// An empty list is the first error that the result list form reports. In kernel mode every node gets the requested
// rights (A-11, A-27, AC-104, AC-115).
func TestEmptyResultListIsRejected(t *testing.T) {
	for _, r := range []*access.Request{ask(t, "…", 1), ask(t, "…", 0x80000000)} {
		if call, results, _ := access.NtAccessCheckResultList(r); call != ntstatus.InvalidParameter || results != nil {
			t.Errorf("A-11: NtAccessCheckResultList without a list: %v, %v; want %v, nil", call, results,
				ntstatus.InvalidParameter)
		}
		if results, d, err := access.CheckResultList(r); err != nil || d.Status() != ntstatus.InvalidParameter ||
			results != nil {
			t.Errorf("A-11: CheckResultList without a list: %v, %v, %v; want nil, %v, no error", results, d, err,
				ntstatus.InvalidParameter)
		}
	}
	kernel := ask(t, "…", 3)
	kernel.Mode, kernel.ObjectTypes = access.Kernel, list(0, nodeC, 1, nodeP1)
	if call, results, _ := access.NtAccessCheckResultList(kernel); call != ntstatus.Success ||
		fmt.Sprint(results) != fmt.Sprint([]access.NodeResult{{Granted: 3,
			Verdict: ntstatus.Decided(ntstatus.Success)}, {Granted: 3, Verdict: ntstatus.Decided(ntstatus.Success)}}) {
		t.Errorf("A-27: NtAccessCheckResultList in kernel mode: %v, %v; want %v and 3 granted at both nodes", call,
			results, ntstatus.Success)
	}
}

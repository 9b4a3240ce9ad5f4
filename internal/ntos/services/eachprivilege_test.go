package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// T-71, T-101: each privilege that there is, from the first to the last, is found where it is enabled and
// marked, alone of all; switched off it is not, and removed it cannot be enabled any more.
func TestEachPrivilege(t *testing.T) {
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		w := newWorld(t, kernel.Config{})
		th, _ := w.thread(w.process("p", p))
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		want(t, "open the token", st, ntstatus.Success)
		found := func(q winnt.Privilege) bool {
			out, st := th.Services().NtPrivilegeCheck(nt.PrivilegeCheckIn{ClientToken: own, RequiredPrivileges: nt.Cap(
				&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: q.LUID()}}})})
			want(t, "check", st, ntstatus.Success)
			marked := out.RequiredPrivileges.Privilege[0].Attributes&winnt.SE_PRIVILEGE_USED_FOR_ACCESS != 0
			if marked != out.Result {
				t.Errorf("%v: found %v, marked %v", q, out.Result, marked)
			}
			return out.Result
		}
		adjust := func(attributes uint32) (previous []nt.LUIDAndAttributes, st ntstatus.Status) {
			return th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: p.LUID(), Attributes: attributes}},
				true)
		}
		for q := winnt.FirstPrivilege; q <= winnt.LastPrivilege; q++ {
			if is := q == p || q == winnt.SeChangeNotifyPrivilege; found(q) != is {
				t.Errorf("%v enabled: %v is found: %v", p, q, !is)
			}
		}
		for _, c := range []struct {
			attributes uint32
			st         ntstatus.Status
			found      bool
			previous   int
		}{
			{0, 0, false, 1}, {0, 0, false, 0}, {winnt.SE_PRIVILEGE_ENABLED, 0, true, 1},
			{winnt.SE_PRIVILEGE_ENABLED, 0, true, 0}, {winnt.SE_PRIVILEGE_REMOVED, 0, false, 1},
			{winnt.SE_PRIVILEGE_ENABLED, ntstatus.NotAllAssigned, false, 0},
		} {
			previous, st := adjust(c.attributes)
			if want(t, p.String(), st, c.st); found(p) != c.found || len(previous) != c.previous {
				t.Errorf("%v adjusted to %#x: found %v, before %+v", p, c.attributes, !c.found, previous)
			}
		}
	}
}

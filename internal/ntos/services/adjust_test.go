package services_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An adjustment that changes nothing writes no record, so it succeeds without one (U-64, T-70).
func TestEmptyAdjustmentNeedsNoRecord(t *testing.T) {
	sink := &limitedSink{}
	w := recorded(t, sink, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	th, _ := w.thread(w.process("p", winnt.SeTcbPrivilege))
	own := openOwnToken(t, th)
	before := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
	sink.full = true
	_, st := th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID(),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, true)
	want(t, "no change", st, ntstatus.Success)
	check.Equal(t, class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics), before, "token statistics")
}

// An adjustment that collides with a concurrent one starts again from the other's result, and is recorded once (U-73,
// O-66).
func TestConcurrentAdjustmentsAreBothKept(t *testing.T) {
	sink := &hookedSink{Memory: audit.NewMemory(0, 0)}
	w := recorded(t, sink, audit.Options{})
	p := w.process("p", winnt.SeDebugPrivilege, winnt.SeTcbPrivilege)
	a, _ := w.thread(p)
	b, _ := w.thread(p)
	own := check.Result(a.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	off := func(th *nt.Thread, p winnt.Privilege) ([]nt.LUIDAndAttributes, ntstatus.Status) {
		return th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: p.LUID()}}, true)
	}
	sink.Drain()
	sink.first = func() {
		want(t, "concurrent adjustment", check.Status(off(b, winnt.SeTcbPrivilege)), ntstatus.Success)
	}
	previous, st := off(a, winnt.SeDebugPrivilege)
	if want(t, "adjust", st, ntstatus.Success); len(previous) != 1 || previous[0].LUID != winnt.SeDebugPrivilege.LUID() {
		t.Errorf("previous state = %+v, want only SeDebugPrivilege", previous)
	}
	got := fieldsOf(sink.Memory, "DisabledPrivilegeList")
	check.That(t, len(got) == 2 && got[0] == "4703 SeTcbPrivilege" && got[1] == "4703 SeDebugPrivilege",
		"records of the two adjustments: %q, want SeTcbPrivilege, then SeDebugPrivilege", got)
	if v := p.Object().Token(); v.Has(winnt.SeDebugPrivilege) || v.Has(winnt.SeTcbPrivilege) {
		t.Error("the token still has SeDebugPrivilege or SeTcbPrivilege, want both disabled")
	}
}

// A change returns the previous state into a buffer of exactly the required length. With one byte less it changes
// nothing and returns the required length (T-70, T-74, T-75).
func TestPreviousStateNeedsItsExactLength(t *testing.T) {
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
	claim := check.Must(claims.NewSet([]claims.Attribute{{Name: "department", Type: claims.String, Strings: []string{"a",
		"b"}}}))
	spec.UserClaims, spec.DeviceClaims = claim, claim
	spec.DeviceGroups = []token.Group{{SID: sid.Everyone, Attributes: winnt.SE_GROUP_ENABLED}}
	spec.Groups = append(spec.Groups, token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1200"),
		Attributes: winnt.SE_GROUP_ENABLED})
	off := []token.Group{{SID: sid.MustParse("S-1-5-21-1-2-3-1200")}}
	for name, c := range map[string]struct {
		service, need, previous string
		in                      func(h winnt.Handle, room uint32) any
	}{
		"privileges": {"NtAdjustPrivilegesToken", "ReturnLength", "PreviousState", func(h winnt.Handle, room uint32) any {
			return nt.AdjustPrivilegesTokenIn{TokenHandle: h, DisableAllPrivileges: true, WantPrevious: true, BufferLength: room}
		}},
		"one privilege of two": {"NtAdjustPrivilegesToken", "ReturnLength", "PreviousState",
			func(h winnt.Handle, room uint32) any {
				return nt.AdjustPrivilegesTokenIn{TokenHandle: h, WantPrevious: true, BufferLength: room,
					NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeChangeNotifyPrivilege.LUID()},
						{LUID: winnt.SeShutdownPrivilege.LUID()}})} // which is off already
			}},
		"groups": {"NtAdjustGroupsToken", "ReturnLength", "PreviousState", func(h winnt.Handle, room uint32) any {
			return nt.AdjustGroupsTokenIn{TokenHandle: h, NewState: nt.Cap(off), WantPrevious: true, BufferLength: room}
		}},
		"user claims": {"NtAdjustTokenClaimsAndDeviceGroups", "UserReturnLength", "PreviousUserState",
			func(h winnt.Handle, room uint32) any {
				return nt.AdjustTokenClaimsIn{TokenHandle: h, NewUserState: nt.Cap(disabled(claim)), WantPreviousUser: true,
					UserBufferLength: room}
			}},
		"device claims": {"NtAdjustTokenClaimsAndDeviceGroups", "DeviceReturnLength", "PreviousDeviceState",
			func(h winnt.Handle, room uint32) any {
				return nt.AdjustTokenClaimsIn{TokenHandle: h, NewDeviceState: nt.Cap(disabled(claim)),
					WantPreviousDevice: true, DeviceBufferLength: room}
			}},
		"device groups": {"NtAdjustTokenClaimsAndDeviceGroups", "DeviceGroupsReturnBufferLength", "PreviousDeviceGroups",
			func(h winnt.Handle, room uint32) any {
				return nt.AdjustTokenClaimsIn{TokenHandle: h, NewDeviceGroupsState: nt.Cap([]token.Group{{SID: sid.Everyone}}),
					WantPreviousDeviceGroups: true, DeviceGroupsBufferLength: room}
			}},
	} {
		ask := func(room uint32) (out reflect.Value, st ntstatus.Status, changed bool) {
			_, th := userThread(t, spec)
			own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
			before, _ := th.NtQueryInformationToken(own, winnt.TokenStatistics)
			x, st := th.CallRow(nt.NtTable.Find(c.service), c.in(own, room))
			after, _ := th.NtQueryInformationToken(own, winnt.TokenStatistics)
			return reflect.ValueOf(x), st, !reflect.DeepEqual(before, after)
		}
		whole, st, changed := ask(1 << 16)
		need := uint32(whole.FieldByName(c.need).Uint())
		check.That(t, st == ntstatus.Success && changed && whole.FieldByName(c.previous).Len() != 0,
			"%s with a large buffer: %v, changed %t, output %+v, want success, a change and a previous state", name, st,
			changed, whole)
		if c.service == "NtAdjustPrivilegesToken" {
			check.Equal(t, need, 4+12*uint32(whole.FieldByName(c.previous).Len()), "%s: length", name)
		}
		_, th := userThread(t, spec)
		for _, right := range []winnt.AccessMask{winnt.TOKEN_QUERY,
			winnt.TOKEN_ADJUST_PRIVILEGES | winnt.TOKEN_ADJUST_GROUPS} {
			weak := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS&^right))
			for _, room := range []uint32{need, 0} {
				_, st = th.CallRow(nt.NtTable.Find(c.service), c.in(weak, room))
				want(t, fmt.Sprintf("%s without %#x", name, uint32(right)), st, ntstatus.AccessDenied)
			}
		}
		for room, enough := range map[uint32]bool{need: true, need + 1: true, need - 1: false, 0: false} {
			out, st, changed := ask(room)
			want := ntstatus.BufferTooSmall
			if enough {
				want = ntstatus.Success
			}
			if st != want || changed != enough || (out.FieldByName(c.previous).Len() > 0) != enough ||
				uint32(out.FieldByName(c.need).Uint()) != need {
				t.Errorf("%s with a buffer of %d bytes, %d needed: %v, changed %t, output %+v, want %v, changed "+
					"%t and length %d",
					name, room, need, st, changed, out, want, enough, need)
			}
		}
	}
	spec.EnabledPrivileges = spec.Privileges
	_, th := userThread(t, spec)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	check.Success(t, check.Status(th.NtAdjustPrivilegesToken(own, true, nil, true))) // all that an administrator has
}

// The check sets SE_PRIVILEGE_USED_FOR_ACCESS in the result for each enabled privilege, and clears the caller's mark
// on a disabled one. It keeps other attributes and does not change the input (T-101).
func TestPrivilegeCheckReplacesUsedMark(t *testing.T) {
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.Privileges |= winnt.SeShutdownPrivilege.Bit() | winnt.SeUndockPrivilege.Bit()
	spec.EnabledPrivileges = winnt.SeUndockPrivilege.Bit()
	_, th := userThread(t, spec)
	const used, on = winnt.SE_PRIVILEGE_USED_FOR_ACCESS, winnt.SE_PRIVILEGE_ENABLED
	for _, given := range []uint32{0, on, used, used | on} {
		set := &nt.PrivilegeSet{}
		for _, p := range []winnt.Privilege{winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege, winnt.SeTcbPrivilege} {
			set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: winnt.LUID(p), Attributes: given})
		}
		out, st := th.Services().NtPrivilegeCheck(nt.PrivilegeCheckIn{ClientToken: winnt.NtCurrentProcessToken,
			RequiredPrivileges: nt.Cap(set)})
		check.RequireThat(t, st == ntstatus.Success && out.Result && len(out.RequiredPrivileges.Privilege) == 3,
			"T-101: NtPrivilegeCheck = %v, %+v, want success with all 3 privileges", st, out)
		for i, want := range []uint32{given &^ used, given | used, given &^ used} {
			check.Equal(t, out.RequiredPrivileges.Privilege[i].Attributes, want,
				"T-101: privilege %d passed with %#x is returned with", i, given)
			check.Equal(t, set.Privilege[i].Attributes, given, "O-4: the caller's privilege set was changed to")
		}
	}
}

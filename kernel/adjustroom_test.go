package kernel_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestRoomForPreviousState: a change tells what was before in exactly the room that it
// needs, and with one byte less changes nothing and tells the need (T-70, T-74, T-75).
func TestRoomForPreviousState(t *testing.T) {
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
	claim, err := claims.NewSet([]claims.Attribute{{Name: "department", Type: claims.String, Strings: []string{"a", "b"}}})
	if err != nil {
		t.Fatal(err)
	}
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
			own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			before, _ := th.NtQueryInformationToken(own, winnt.TokenStatistics)
			x, st := th.CallRow(nt.NtTable.Find(c.service), c.in(own, room))
			after, _ := th.NtQueryInformationToken(own, winnt.TokenStatistics)
			return reflect.ValueOf(x), st, !reflect.DeepEqual(before, after)
		}
		whole, st, changed := ask(1 << 16)
		need := uint32(whole.FieldByName(c.need).Uint())
		if st != ntstatus.Success || !changed || whole.FieldByName(c.previous).Len() == 0 {
			t.Errorf("%s: %v, changed %t: %+v", name, st, changed, whole)
		}
		for room, fine := range map[uint32]bool{need: true, need + 1: true, need - 1: false, 0: false} {
			out, st, changed := ask(room)
			want := ntstatus.BufferTooSmall
			if fine {
				want = ntstatus.Success
			}
			if st != want || changed != fine || (out.FieldByName(c.previous).Len() > 0) != fine ||
				uint32(out.FieldByName(c.need).Uint()) != need {
				t.Errorf("%s: room for %d of %d bytes: %v, changed %t: %+v", name, room, need, st, changed, out)
			}
		}
	}
}

// disabled returns the claims of a set as a caller names them to switch them off.
func disabled(s *claims.Set) (list []claims.Attribute) {
	for _, a := range s.All() {
		a.Flags |= claims.FlagDisabled
		list = append(list, a)
	}
	return list
}

// TestPrivilegesAsGiven: a created token holds each privilege as it was given: enabled,
// by default, both or neither (T-10).
func TestPrivilegesAsGiven(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeCreateTokenPrivilege.LUID(),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	const on, byDefault = winnt.SE_PRIVILEGE_ENABLED, winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT
	given := []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID(), Attributes: on},
		{LUID: winnt.SeRestorePrivilege.LUID(), Attributes: byDefault},
		{LUID: winnt.SeShutdownPrivilege.LUID()}, {LUID: winnt.SeChangeNotifyPrivilege.LUID(), Attributes: on | byDefault}}
	h, st := th.NtCreateToken(nt.CreateTokenIn{TokenType: winnt.TokenPrimary, DesiredAccess: winnt.TOKEN_ALL_ACCESS,
		AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.LocalSystem}),
		Groups:     nt.Cap([]token.Group{{SID: sid.Everyone, Attributes: winnt.SE_GROUP_ENABLED}}),
		Privileges: nt.Cap(given), PrimaryGroup: nt.Cap(sid.LocalSystem), Source: nt.Cap(&token.Source{Name: "test"})})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	x, st := th.NtQueryInformationToken(h, winnt.TokenPrivileges)
	got := map[winnt.LUID]uint32{}
	for _, p := range x.([]nt.LUIDAndAttributes) {
		got[p.LUID] = p.Attributes
	}
	want := map[winnt.LUID]uint32{}
	for _, p := range given {
		want[p.LUID] = p.Attributes
	}
	if st != ntstatus.Success || !reflect.DeepEqual(got, want) {
		t.Errorf("T-10: %v, %v, want %v", got, st, want)
	}
}

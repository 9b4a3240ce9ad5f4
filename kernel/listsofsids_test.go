package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each list of SIDs that a call takes is refused with an entry that is no SID, wherever it
// stands, and taken without (T-10, T-60, T-74, L-33).
func TestListsHoldSIDs(t *testing.T) {
	th, h := systemToken(t)
	is := token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-9"), Attributes: token.GroupDefault}
	type list = nt.Captured[[]token.Group]
	bare := func(l list) list { // restricting SIDs have no attributes (T-63)
		for i := range l.V {
			l.V[i].Attributes = 0
		}
		return l
	}
	filter := func(set func(*nt.FilterTokenExIn, list)) func(list) ntstatus.Status {
		return func(l list) ntstatus.Status {
			in := nt.FilterTokenExIn{ExistingTokenHandle: h}
			set(&in, l)
			out, st := th.Services().NtFilterTokenEx(in)
			if st == ntstatus.Success {
				th.NtClose(out.NewTokenHandle)
			}
			return st
		}
	}
	create := func(set func(*nt.CreateTokenExIn, list)) func(list) ntstatus.Status {
		return func(l list) ntstatus.Status {
			in := nt.CreateTokenExIn{TokenType: winnt.TokenPrimary, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
				User: nt.Cap(&token.Group{SID: sid.LocalSystem}), Groups: nt.Cap([]token.Group{is}),
				Privileges:   nt.Cap([]nt.LUIDAndAttributes{}),
				PrimaryGroup: nt.Cap(is.SID), Source: nt.Cap(&token.Source{Name: "test"})}
			set(&in, l)
			out, st := th.Services().NtCreateTokenEx(in)
			if st == ntstatus.Success {
				th.NtClose(out.TokenHandle)
			}
			return st
		}
	}
	for name, call := range map[string]func(list) ntstatus.Status{
		"SidsToDisable":         filter(func(in *nt.FilterTokenExIn, l list) { in.SIDsToDisable = l }),
		"RestrictedSids":        filter(func(in *nt.FilterTokenExIn, l list) { in.RestrictedSIDs = bare(l) }),
		"DeviceGroupsToDisable": filter(func(in *nt.FilterTokenExIn, l list) { in.DeviceGroupsToDisable = l }),
		"RestrictedDeviceGroups": filter(func(in *nt.FilterTokenExIn, l list) {
			in.RestrictedDeviceGroups = bare(l)
		}),
		"Groups":       create(func(in *nt.CreateTokenExIn, l list) { in.Groups = l }),
		"DeviceGroups": create(func(in *nt.CreateTokenExIn, l list) { in.DeviceGroups = l }),
		"User": create(func(in *nt.CreateTokenExIn, l list) {
			in.User = nt.Cap(&l.V[len(l.V)-1])
		}),
		"LocalGroups": func(l list) ntstatus.Status {
			_, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, LocalGroups: l,
				AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "x"}})
			if st == ntstatus.LogonFailure {
				st = ntstatus.Success // the kernel knows no accounts
			}
			return st
		},
		"NewState": func(l list) ntstatus.Status {
			_, st := th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: h, NewState: l})
			if st == ntstatus.NotAllAssigned {
				st = ntstatus.Success // the token has no such groups
			}
			return st
		},
		"NewDeviceGroupsState": func(l list) ntstatus.Status {
			_, st := th.Services().NtAdjustTokenClaimsAndDeviceGroups(
				nt.AdjustTokenClaimsIn{TokenHandle: h, NewDeviceGroupsState: l})
			if st == ntstatus.NotAllAssigned {
				st = ntstatus.Success
			}
			return st
		},
	} {
		for what, c := range map[string]struct {
			l    []token.Group
			want ntstatus.Status
		}{
			"a SID": {[]token.Group{is}, ntstatus.Success}, "no SID": {[]token.Group{{}}, ntstatus.InvalidSID},
			"no SID behind one": {[]token.Group{is, {}}, ntstatus.InvalidSID},
		} {
			if st := call(nt.Cap(c.l)); st != c.want {
				t.Errorf("%s: %s: %v, want %v", name, what, st, c.want)
			}
		}
	}
}

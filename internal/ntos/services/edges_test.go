package services_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-70, T-74: what was before needs 4 bytes, 8 for groups, and the room of its entries, also
// of no entries; a list that is refused is told by why, not by the room for what was before it.
func TestRoomForNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p", winnt.SeDebugPrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	const on = winnt.SE_PRIVILEGE_ENABLED
	debug, tcb := winnt.SeDebugPrivilege.LUID(), winnt.SeTcbPrivilege.LUID()
	for name, c := range map[string]struct {
		list []nt.LUIDAndAttributes
		st   ntstatus.Status
	}{
		"none":     {[]nt.LUIDAndAttributes{}, ntstatus.Success},
		"as it is": {[]nt.LUIDAndAttributes{{LUID: debug, Attributes: on}}, ntstatus.Success},
		"not held": {[]nt.LUIDAndAttributes{{LUID: tcb, Attributes: on}}, ntstatus.NotAllAssigned},
	} {
		for room, wanted := range map[uint32]ntstatus.Status{0: ntstatus.BufferTooSmall, 3: ntstatus.BufferTooSmall, 4: c.st,
			5: c.st} {
			out, st := th.Services().NtAdjustPrivilegesToken(nt.AdjustPrivilegesTokenIn{TokenHandle: own, WantPrevious: true,
				BufferLength: room, NewState: nt.Cap(c.list)})
			if want(t, name, st, wanted); out.ReturnLength != 4 || len(out.PreviousState) != 0 {
				t.Errorf("%s with room for %d bytes: %+v", name, room, out)
			}
		}
		out, st := th.Services().NtAdjustPrivilegesToken(nt.AdjustPrivilegesTokenIn{TokenHandle: own,
			NewState: nt.Cap(c.list)})
		if want(t, name+", not asked for", st, c.st); !reflect.ValueOf(out).IsZero() {
			t.Errorf("%s, not asked for: %+v", name, out)
		}
	}
	for _, previous := range []bool{false, true} {
		for _, room := range []uint32{0, 1000} {
			out, st := th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own, WantPrevious: previous,
				BufferLength: room, NewState: nt.Cap([]token.Group{{SID: sid.Everyone}})}) // mandatory
			if want(t, "a mandatory group", st, ntstatus.CantDisableMandatory); !reflect.ValueOf(out).IsZero() {
				t.Errorf("a mandatory group, room %d: %+v", room, out)
			}
		}
	}
}

// T-10, T-12: a token that is given no integrity has Medium, unless its policy is off.
func TestIntegrityOfANewToken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("maker", winnt.SeCreateTokenPrivilege))
	low := []token.Group{{SID: sid.LowLevel, Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED}}
	number := func(n uint32) *uint32 { return &n }
	for _, c := range []struct {
		policy *uint32
		groups []token.Group
		want   sid.SID
		is     uint32
	}{
		{nil, nil, sid.MediumLevel, 3}, {number(1), nil, sid.MediumLevel, 1}, {number(2), nil, sid.MediumLevel, 2},
		{number(3), nil, sid.MediumLevel, 3}, {nil, low, sid.LowLevel, 3}, {number(1), low, sid.LowLevel, 1},
		{number(0), low, sid.LowLevel, 0},
	} {
		plain := plainToken(winnt.TokenPrimary)
		in := nt.CreateTokenExIn{DesiredAccess: plain.DesiredAccess, ObjectAttributes: plain.ObjectAttributes,
			TokenType: plain.TokenType, AuthenticationID: plain.AuthenticationID, User: plain.User, Groups: nt.Cap(c.groups),
			Privileges: plain.Privileges, PrimaryGroup: plain.PrimaryGroup, Source: plain.Source,
			MandatoryPolicy: nt.Cap(c.policy)}
		if c.groups == nil {
			in.Groups = plain.Groups
		}
		out, st := th.Services().NtCreateTokenEx(in)
		if want(t, "make a token", st, ntstatus.Success); st != ntstatus.Success {
			continue
		}
		got := class[token.Group](t, th, out.TokenHandle, winnt.TokenIntegrityLevel)
		if policy := class[uint32](t, th, out.TokenHandle, winnt.TokenMandatoryPolicy); got.SID != c.want || policy != c.is {
			t.Errorf("%+v: integrity %v and policy %d", c, got.SID, policy)
		}
	}
}

// O-20, O-21, O-30: what the maker of a token asks for is refused whether it gives a descriptor or
// not, and before what is wrong with that.
func TestRightsOfANewToken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("maker", winnt.SeCreateTokenPrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
	want(t, "open the token", st, ntstatus.Success)
	for text, sacl := range map[string]bool{"": false, "D:(A;;GA;;;WD)": false, "D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)": true} {
		for asked, wanted := range map[winnt.AccessMask]ntstatus.Status{winnt.TOKEN_QUERY: ntstatus.Success,
			0: ntstatus.Success, winnt.RESERVED_RIGHTS: ntstatus.AccessDenied, 0x8000: ntstatus.AccessDenied,
			0x8000 | winnt.MAXIMUM_ALLOWED: ntstatus.Success, winnt.ACCESS_SYSTEM_SECURITY: ntstatus.PrivilegeNotHeld} {
			if sacl && wanted == ntstatus.Success {
				wanted = ntstatus.PrivilegeNotHeld
			}
			plain := plainToken(winnt.TokenPrimary)
			object := *plain.ObjectAttributes.V
			if text != "" {
				object.SecurityDescriptor = sddl.MustParse(text)
			}
			plain.DesiredAccess, plain.ObjectAttributes = asked, nt.Cap(&object)
			before := len(handles(t, th))
			made, st := th.Services().NtCreateToken(plain)
			want(t, "make a token of "+text, st, wanted)
			boxed, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: own,
				DesiredAccess: asked, ObjectAttributes: nt.Cap(&object),
				PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))})
			want(t, "make a package's token of "+text, st, wanted)
			if now := len(handles(t, th)); wanted != ntstatus.Success && (now != before || made.TokenHandle != 0 ||
				boxed.TokenHandle != 0) {
				t.Errorf("%q: %d handles, before %d; %v, %v", text, now, before, made, boxed)
			}
			inKernel, st := k.Zw().Services().NtCreateToken(plain)
			if wanted = ntstatus.Success; asked&winnt.RESERVED_RIGHTS != 0 {
				wanted = ntstatus.AccessDenied
			}
			if want(t, "from kernel mode", st, wanted); st == ntstatus.Success {
				want(t, "close", k.ZwClose(inKernel.TokenHandle), ntstatus.Success)
			}
		}
	}
}

// I-130, I-134: a client that the server sent away neither reads nor changes any part of the pipe's
// descriptor; the server's end does both.
func TestSecurityOfAnEndSentAway(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p", winnt.SeCreateGlobalPrivilege, winnt.SeSecurityPrivilege))
	const rights = winnt.READ_CONTROL | winnt.WRITE_DAC | winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY | 3
	d := sddl.MustParse("O:" + svc + "G:BGD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: rights, ObjectAttributes: nt.Cap(
		&nt.ObjectAttributes{ObjectName: `\??\pipe\away`, SecurityDescriptor: d})})
	want(t, "create", st, ntstatus.Success)
	client, st := th.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\pipe\away`}, 3, 0)
	want(t, "open", st, ntstatus.Success)
	for i, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.PipeDisconnected} {
		if i == 1 {
			want(t, "disconnect", th.NtFsControlFile(server, winnt.FSCTL_PIPE_DISCONNECT), ntstatus.Success)
		}
		for _, part := range []uint32{winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
			winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION, 0x1f} {
			for _, by := range []*nt.Thread{th, k.Zw()} {
				want(t, "set", by.NtSetSecurityObject(client, part, d), wanted)
				_, st := by.NtQuerySecurityObject(client, part)
				want(t, "query", st, wanted)
				want(t, "set by the server", by.NtSetSecurityObject(server, part, d), ntstatus.Success)
				_, st = by.NtQuerySecurityObject(server, part)
				want(t, "query by the server", st, ntstatus.Success)
			}
		}
	}
}

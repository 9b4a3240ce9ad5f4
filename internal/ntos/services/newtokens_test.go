package services_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// plainToken returns what NtCreateToken makes a token of, with a policy and a level of its own.
func plainToken(typ winnt.TokenType) nt.CreateTokenIn {
	return nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: typ,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}}),
		AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.MustParse(client)}),
		Groups: nt.Cap([]token.Group{}), Privileges: nt.Cap([]nt.LUIDAndAttributes{}),
		PrimaryGroup: nt.Cap(sid.MustParse(client)), Source: nt.Cap(&token.Source{Name: "src", ID: 7})}
}

// class returns the answer of a token to a class.
func class[V any](t *testing.T, th *nt.Thread, h winnt.Handle, c winnt.TokenInfoClass) (v V) {
	t.Helper()
	x, st := th.NtQueryInformationToken(h, c)
	want(t, "query "+c.String(), st, ntstatus.Success)
	v, _ = x.(V)
	return v
}

// T-11, T-12: what the maker of a token leaves out is decided: medium integrity, no writing up
// and the lower level for a new process, the session of the maker's process and not of the
// client that it acts as, its identifier and its modification new, no parent.
func TestWhatANewTokenLacks(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	spec.SessionID, spec.Privileges = 5, spec.Privileges|winnt.SeImpersonatePrivilege.Bit()
	spec.EnabledPrivileges = spec.Privileges
	p := w.of("maker", spec)
	th, k := w.thread(p)
	tok := w.token(k, acting, winnt.SecurityImpersonation, winnt.SeCreateTokenPrivilege)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	defer k.PsRevertToSelf()
	make := func(typ winnt.TokenType) winnt.Handle {
		t.Helper()
		out, st := th.Services().NtCreateToken(plainToken(typ))
		want(t, "make a token", st, ntstatus.Success)
		return out.TokenHandle
	}
	for typ, level := range map[winnt.TokenType]winnt.SecurityImpersonationLevel{winnt.TokenPrimary: 0,
		winnt.TokenImpersonation: winnt.SecurityDelegation} {
		h := make(typ)
		if got := class[uint32](t, th, h, winnt.TokenMandatoryPolicy); got != 3 {
			t.Errorf("the policy is %#x", got)
		}
		if got := class[uint32](t, th, h, winnt.TokenSessionId); got != 5 {
			t.Errorf("the session is %d", got)
		}
		if got := class[token.Group](t, th, h, winnt.TokenIntegrityLevel); got.SID != sid.MustParse("S-1-16-8192") {
			t.Errorf("the integrity is %v", got)
		}
		one, other := class[nt.TokenStatistics](t, th, h, winnt.TokenStatistics),
			class[nt.TokenStatistics](t, th, make(typ), winnt.TokenStatistics)
		if one.TokenID == other.TokenID || one.ModifiedID == other.ModifiedID || one.ImpersonationLevel != level {
			t.Errorf("two tokens: %+v, %+v", one, other)
		}
	}
	off := plainToken(winnt.TokenPrimary)
	in := nt.CreateTokenExIn{DesiredAccess: off.DesiredAccess, ObjectAttributes: off.ObjectAttributes,
		TokenType: off.TokenType, AuthenticationID: off.AuthenticationID, User: off.User, Groups: off.Groups,
		Privileges: off.Privileges, PrimaryGroup: off.PrimaryGroup, Source: off.Source,
		MandatoryPolicy: nt.Cap(new(uint32))}
	out, st := th.Services().NtCreateTokenEx(in)
	want(t, "T-12: without a policy", st, ntstatus.Success)
	if got := class[token.Group](t, th, out.TokenHandle, winnt.TokenIntegrityLevel); got.SID ==
		sid.MustParse("S-1-16-8192") {
		t.Errorf("T-12: the integrity of a token without a policy is %v", got)
	}
	double := []claims.Attribute{{Name: "a", Type: claims.Uint64, Uints: []uint64{1, 1}}}
	for name, change := range map[string]func(*nt.CreateTokenExIn){
		"user claims":   func(in *nt.CreateTokenExIn) { in.UserAttributes = nt.Cap(double) },
		"device claims": func(in *nt.CreateTokenExIn) { in.DeviceAttributes = nt.Cap(double) },
	} {
		twice := in
		change(&twice)
		_, st := th.Services().NtCreateTokenEx(twice)
		want(t, "S-32: a value twice in the "+name, st, ntstatus.InvalidParameter)
	}
	in.User = nt.Cap(&token.Group{})
	_, st = th.Services().NtCreateTokenEx(in)
	want(t, "T-10: a user without a SID", st, ntstatus.InvalidSID)
	in.TokenType, in.ObjectAttributes = winnt.TokenImpersonation, nt.Cap(&nt.ObjectAttributes{})
	_, st = th.Services().NtCreateTokenEx(in)
	want(t, "T-10: before the level that is missing", st, ntstatus.InvalidSID)
}

// O-28, O-30, T-47, T-52: the handle of a new token takes the inherit attribute and no other,
// and a SACL that its maker gives needs SeSecurityPrivilege, also one without entries.
func TestHandlesOfNewTokens(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p", winnt.SeCreateTokenPrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	for name, make := range map[string]func(nt.ObjectAttributes) (winnt.Handle, ntstatus.Status){
		"create": func(oa nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
			in := plainToken(winnt.TokenPrimary)
			in.ObjectAttributes = nt.Cap(&oa)
			out, st := th.Services().NtCreateToken(in)
			return out.TokenHandle, st
		},
		"lowbox": func(oa nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
			out, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: own,
				DesiredAccess: winnt.TOKEN_QUERY, ObjectAttributes: nt.Cap(&oa),
				PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))})
			return out.TokenHandle, st
		},
		"duplicate": func(oa nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
			out, st := th.Services().NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: own,
				DesiredAccess: winnt.TOKEN_QUERY, ObjectAttributes: nt.Cap(&oa), TokenType: winnt.TokenPrimary})
			return out.NewTokenHandle, st
		},
	} {
		given := sddl.MustParse("D:(A;;GA;;;WD)")
		for attributes, wanted := range map[uint32]uint32{0: 0, winnt.OBJ_INHERIT: winnt.OBJ_INHERIT,
			winnt.OBJ_VALID_ATTRIBUTES: winnt.OBJ_INHERIT} {
			h, st := make(nt.ObjectAttributes{Attributes: attributes, SecurityDescriptor: given})
			want(t, name, st, ntstatus.Success)
			v, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
			if b, _ := v.(nt.BasicInformation); st != ntstatus.Success || b.Attributes != wanted {
				t.Errorf("%s with attributes %#x: %#x, %v", name, attributes, b.Attributes, st)
			}
		}
		_, st := make(nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:")})
		want(t, name+" with an empty SACL", st, ntstatus.PrivilegeNotHeld)
	}
}

// T-74, T-75: where one of three buffers is too small nothing changes and all three needs are
// told, whichever it is.
func TestThreeBuffersOfClaims(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	set, err := claims.NewSet([]claims.Attribute{{Name: "c", Type: claims.Uint64, Uints: []uint64{1}}})
	if err != nil {
		t.Fatal(err)
	}
	device := sid.MustParse("S-1-5-21-1-2-3-1200")
	spec.UserClaims, spec.DeviceClaims = set, set
	spec.DeviceGroups = []token.Group{{SID: device, Attributes: winnt.SE_GROUP_ENABLED}}
	p := w.of("p", spec)
	th, _ := w.thread(p)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	off := nt.Cap([]claims.Attribute{{Name: "c", Type: claims.Uint64, Flags: claims.FlagDisabled}})
	in := nt.AdjustTokenClaimsIn{TokenHandle: own, NewUserState: off, NewDeviceState: off,
		NewDeviceGroupsState: nt.Cap([]token.Group{{SID: device}}), UserBufferLength: 1000, DeviceBufferLength: 1000,
		DeviceGroupsBufferLength: 1000, WantPreviousUser: true, WantPreviousDevice: true, WantPreviousDeviceGroups: true}
	before := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
	for name, small := range map[string]func(*nt.AdjustTokenClaimsIn){
		"user":          func(in *nt.AdjustTokenClaimsIn) { in.UserBufferLength = 0 },
		"device":        func(in *nt.AdjustTokenClaimsIn) { in.DeviceBufferLength = 0 },
		"device groups": func(in *nt.AdjustTokenClaimsIn) { in.DeviceGroupsBufferLength = 0 },
	} {
		one := in
		small(&one)
		out, st := th.Services().NtAdjustTokenClaimsAndDeviceGroups(one)
		want(t, "no room for "+name, st, ntstatus.BufferTooSmall)
		if out.PreviousUserState != nil || out.PreviousDeviceState != nil || out.PreviousDeviceGroups != nil ||
			out.UserReturnLength == 0 || out.DeviceReturnLength == 0 || out.DeviceGroupsReturnBufferLength == 0 {
			t.Errorf("no room for %s: %+v", name, out)
		}
		if after := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics); !reflect.DeepEqual(before, after) {
			t.Errorf("no room for %s: the token was %+v, is %+v", name, before, after)
		}
	}
	out, st := th.Services().NtAdjustTokenClaimsAndDeviceGroups(in)
	want(t, "with room", st, ntstatus.Success)
	if len(out.PreviousUserState) != 1 || len(out.PreviousDeviceState) != 1 || len(out.PreviousDeviceGroups) != 1 {
		t.Errorf("what was before: %+v", out)
	}
}

// T-69: of the lists of an AppContainer's token each that cannot be read is refused, before the
// handle where its memory cannot be, and else after it.
func TestListsOfALowBox(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	in := nt.CreateLowBoxTokenIn{ExistingTokenHandle: own, PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))}
	for name, spoil := range map[string]func(*nt.CreateLowBoxTokenIn, ntstatus.Status){
		"package":      func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.PackageSID.Status = st },
		"capabilities": func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.Capabilities.Status = st },
		"handles":      func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.Handles.Status = st },
	} {
		for status, after := range map[ntstatus.Status]ntstatus.Status{
			ntstatus.AccessViolation: ntstatus.AccessViolation, unread(1): ntstatus.InvalidHandle} {
			one := in
			spoil(&one, status)
			_, st := th.Services().NtCreateLowBoxToken(one)
			want(t, name, st, status)
			one.ExistingTokenHandle = 0x7770
			_, st = th.Services().NtCreateLowBoxToken(one)
			want(t, name+" and the handle", st, after)
		}
	}
}

// O-81, T-80: where there is no memory for the handle of a linked token the query fails and
// tells no handle.
func TestLinkedTokenWithoutMemory(t *testing.T) {
	full := ""
	s := &scripted{Memory: logon.Example(sid.SID{})}
	w := newWorld(t, kernel.Config{LSA: s, Faults: func(point string) bool { return point == full }})
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	other := token.Administrator(user)
	s.result = logon.Result{Token: token.LimitedAdministrator(user), Linked: &other}
	th := w.system("winlogon")
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_INTERACTIVE,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "u"}})
	want(t, "log on", st, ntstatus.Success)
	for _, full = range []string{"ob: handle", "se: copy token"} {
		v, st := th.NtQueryInformationToken(out.Token, winnt.TokenLinkedToken)
		if want(t, full, st, ntstatus.InsufficientResources); v != nil {
			t.Errorf("%s: %v is told", full, v)
		}
	}
	full = ""
	_, st = th.NtQueryInformationToken(out.Token, winnt.TokenLinkedToken)
	want(t, "with memory", st, ntstatus.Success)
}

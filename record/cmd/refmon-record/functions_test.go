package main

import (
	"errors"
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The parameters of each function in the order of its prototype, and the decoded results. A failed function has only
// its error.
func TestFunctionRecordsParametersAndResults(t *testing.T) {
	used := &nt.PrivilegeSet{Control: 3, Privilege: two[1:]}
	set := good(&nt.PrivilegeSet{Control: 1, Privilege: two[:1]})
	const hexSet = "<01000000 01000000 8877665544332211 02000000 ZERO12>"
	const a, b, c3 = "<6100 0000>", "<6200 0000>", "<6300 0000>"
	for _, c := range []struct {
		name string
		in   any
		proc string // "" for the name
		want string
		left map[int]string
		out  any
	}{
		{"OpenProcessToken", win32.OpenProcessTokenIn{ProcessHandle: 7, DesiredAccess: 8}, "", "7,8,OUT",
			map[int]string{2: leftHandle}, win32.OpenTokenOut{TokenHandle: 0x44}},
		{"OpenThreadToken", win32.OpenThreadTokenIn{ThreadHandle: 7, DesiredAccess: 8, OpenAsSelf: true}, "", "7,8,1,OUT",
			map[int]string{3: leftHandle}, win32.OpenTokenOut{TokenHandle: 0x44}},
		{"DuplicateToken", win32.DuplicateTokenIn{ExistingTokenHandle: 7, ImpersonationLevel: 2}, "", "7,2,OUT",
			map[int]string{2: leftHandle}, win32.DuplicateTokenOut{DuplicateTokenHandle: 0x44}},
		{"DuplicateTokenEx", win32.DuplicateTokenExIn{ExistingToken: 7, DesiredAccess: 8,
			TokenAttributes:    &win32.SecurityAttributes{InheritHandle: true, SecurityDescriptor: aDescriptor},
			ImpersonationLevel: 3, TokenType: 1}, "", "7,8,<18000000 00000000 <DESCRIPTOR> 01000000 00000000>,3,1,OUT",
			map[int]string{5: leftHandle}, win32.DuplicateTokenExOut{NewToken: 0x44}},
		{"SetThreadToken", win32.SetThreadTokenIn{Thread: 7, Token: 8}, "", "<0700000000000000>,8", nil,
			win32.SetThreadTokenOut{}},
		{"SetThreadToken", win32.SetThreadTokenIn{Token: 8}, "", "0,8", nil, win32.SetThreadTokenOut{}},
		{"ImpersonateSelf", win32.ImpersonateSelfIn{ImpersonationLevel: 2}, "", "2", nil, win32.ImpersonateSelfOut{}},
		{"ImpersonateLoggedOnUser", win32.ImpersonateLoggedOnUserIn{Token: 7}, "", "7", nil,
			win32.ImpersonateLoggedOnUserOut{}},
		{"RevertToSelf", win32.RevertToSelfIn{}, "", "", nil, win32.RevertToSelfOut{}},
		{"AdjustTokenPrivileges", win32.AdjustTokenPrivilegesIn{TokenHandle: 7, DisableAllPrivileges: true,
			NewState: good(two), BufferLength: 16, WantPrevious: true}, "", "7,1," + hexTwo + ",10,<ZERO16>,<00000000>",
			map[int]string{4: "01000000 0900000000000000 01000080", 5: "10000000"},
			win32.AdjustTokenPrivilegesOut{PreviousState: two[1:], ReturnLength: 16}},
		{"AdjustTokenPrivileges", win32.AdjustTokenPrivilegesIn{TokenHandle: 7, NewState: good(two), BufferLength: 16},
			"", "7,0," + hexTwo + ",0,0,0", nil, win32.AdjustTokenPrivilegesOut{}},
		{"PrivilegeCheck", win32.PrivilegeCheckIn{ClientToken: 7, RequiredPrivileges: set}, "",
			"7," + hexSet + ",<00000000>", map[int]string{1: hexUsed, 2: "01000000"},
			win32.PrivilegeCheckOut{Result: true, RequiredPrivileges: used}},
		{"PrivilegeCheck", win32.PrivilegeCheckIn{ClientToken: 7}, "", "7,0,<00000000>", map[int]string{2: "01000000"},
			win32.PrivilegeCheckOut{}},
		{"AccessCheck", win32.AccessCheckIn{SecurityDescriptor: good(aDescriptor), ClientToken: 7, DesiredAccess: 8,
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "", "<DESCRIPTOR>,7,8," + hexMapping + "," + hexRoom +
			",<00000000>,<00000000>", map[int]string{4: hexUsed, 5: "18000000", 6: "ff011f00", 7: "00000100"},
			win32.AccessCheckOut{PrivilegeSet: used, PrivilegeSetLength: 24, GrantedAccess: 0x1F01FF, AccessStatus: true}},
		{"AccessCheckByType", win32.AccessCheckByTypeIn{SecurityDescriptor: good(aDescriptor),
			PrincipalSelfSid: good(system), ClientToken: 7, DesiredAccess: 8, ObjectTypeList: good(types),
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "", "<DESCRIPTOR>,<SYSTEM>,7,8," + hexTypes + ",2," +
			hexMapping + "," + hexRoom + ",<00000000>,<00000000>",
			map[int]string{7: hexUsed, 8: "18000000", 9: "ff011f00"},
			win32.AccessCheckOut{PrivilegeSet: used, PrivilegeSetLength: 24, GrantedAccess: 0x1F01FF}},
		{"AccessCheckByTypeResultList", win32.AccessCheckByTypeIn{SecurityDescriptor: good(aDescriptor),
			PrincipalSelfSid: good(system), ClientToken: 7, DesiredAccess: 8, ObjectTypeList: good(types),
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "", "<DESCRIPTOR>,<SYSTEM>,7,8," + hexTypes + ",2," +
			hexMapping + "," + hexRoom + ",<0000000000000000>,<0000000000000000>",
			map[int]string{7: hexUsed, 8: "18000000", 9: "ff011f00 01000000", 10: "00000000 05000000"},
			win32.AccessCheckByTypeResultListOut{PrivilegeSet: used, PrivilegeSetLength: 24,
				GrantedAccessList: []winnt.AccessMask{0x1F01FF, 1}, AccessStatusList: []win32.Code{0, 5}}},
		{"ObjectOpenAuditAlarm", win32.ObjectOpenAuditAlarmIn{SubsystemName: good("a"), HandleID: good(winnt.Handle(9)),
			ObjectTypeName: good("b"), ObjectName: good("c"), SecurityDescriptor: good(aDescriptor), ClientToken: 7,
			DesiredAccess: 8, GrantedAccess: 6, Privileges: set, ObjectCreation: true}, "ObjectOpenAuditAlarmW",
			a + ",9," + b + "," + c3 + ",<DESCRIPTOR>,7,8,6," + hexSet + ",1,0,<00000000>", map[int]string{11: "01000000"},
			win32.ObjectOpenAuditAlarmOut{GenerateOnClose: true}},
		{"ObjectPrivilegeAuditAlarm", win32.ObjectPrivilegeAuditAlarmIn{SubsystemName: good("a"), HandleID: 9,
			ClientToken: 7, DesiredAccess: 8, Privileges: set, AccessGranted: true}, "ObjectPrivilegeAuditAlarmW",
			a + ",9,7,8," + hexSet + ",1", nil, win32.ObjectPrivilegeAuditAlarmOut{}},
		{"PrivilegedServiceAuditAlarm", win32.PrivilegedServiceAuditAlarmIn{SubsystemName: good("a"),
			ServiceName: good("b"), ClientToken: 7, Privileges: set, AccessGranted: true},
			"PrivilegedServiceAuditAlarmW", a + "," + b + ",7," + hexSet + ",1", nil,
			win32.PrivilegedServiceAuditAlarmOut{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, result := range []uint64{1, 0x80, 0xABCD << 32} { // a BOOL is 32 bits
				var r *request
				out, ok, code, err := functions[c.name](func(q *request) reply {
					p := answering(t, &r, result, c.left)(q)
					p.LastError = 1300
					return p
				}, c.in)
				want := c.out
				if uint32(result) == 0 {
					want = reflect.Zero(reflect.TypeOf(c.out)).Interface()
				}
				check.That(t, err == nil && ok == (uint32(result) != 0) && code == 1300 && reflect.DeepEqual(out, want),
					"%s, %#x: got %+v %t %v, %v; want %+v", c.name, result, out, ok, code, err, want)
				if c.proc == "" {
					c.proc = c.name
				}
				if r.DLL != "advapi32.dll" || r.Proc != c.proc || drawn(r) != spelled(c.want) {
					t.Errorf("%s: called %s of %s:\n%s, want\n%s", c.name, r.Proc, r.DLL, drawn(r), spelled(c.want))
				}
			}
		})
	}
}

// The input of a class is packed by the kind of its value, with its own size unless the program sets another.
func TestInputIsPackedByKind(t *testing.T) {
	const all = 0xFFFFFFFF
	for _, c := range []struct {
		class  winnt.TokenInfoClass
		value  nt.Captured[any]
		length uint32
		want   string
	}{
		{winnt.TokenSessionId, good[any](uint32(3)), all, "7,c,<03000000>,4"},
		{winnt.TokenSessionId, good[any](uint32(3)), 5, "7,c,<03000000>,5"},
		{winnt.TokenSessionId, good[any](uint32(3)), 0, "7,c,<03000000>,0"},
		{winnt.TokenOrigin, good[any](winnt.LUID(0x1122334455667788)), all, "7,11,<8877665544332211>,8"},
		{winnt.TokenLinkedToken, good[any](winnt.Handle(0x44)), all, "7,13,<4400000000000000>,8"},
		{winnt.TokenOwner, good[any](system), all, "7,4,<<SYSTEM>>,8"},
		{winnt.TokenPrimaryGroup, good[any](world), all, "7,5,<<WORLD>>,8"},
		{winnt.TokenDefaultDacl, good[any](aDescriptor.DACL()), all, "7,6,<<LIST>>,8"},
		{winnt.TokenIntegrityLevel, good[any](world), all, "7,19,<<WORLD> 00000000 00000000>,10"},
		{winnt.TokenIntegrityLevel, good[any](token.Group{SID: system, Attributes: 0x20}), all,
			"7,19,<<SYSTEM> 20000000 00000000>,10"},
		{winnt.TokenOwner, good[any](nil), all, "7,4,0,0"},
		{winnt.TokenOwner, nt.Captured[any]{Status: ntstatus.AccessViolation}, 8, "7,4,BAD,8"},
	} {
		t.Run(c.class.String(), func(t *testing.T) {
			var r *request
			out, st, err := setToken(answering(t, &r, uint64(ntstatus.InvalidOwner), nil), nt.SetInformationTokenIn{
				TokenHandle: 7, TokenInformationClass: c.class, TokenInformation: c.value, TokenInformationLength: c.length})
			if err != nil || st != ntstatus.InvalidOwner || out != any(nt.SetInformationTokenOut{}) ||
				r.Proc != "NtSetInformationToken" || drawn(r) != spelled(c.want) {
				t.Errorf("%s: called %s, got %v %v %v, want %s", c.class, drawn(r), out, st, err, spelled(c.want))
			}
		})
	}
}

// TestUnspellableCallIsNotMade checks that a call with an unspellable parameter is not made, and that a missing
// function is a reason to skip.
func TestUnspellableCallIsNotMade(t *testing.T) {
	missing := func(*request) reply { return reply{Missing: "it is missing"} }
	never := func(r *request) reply { t.Errorf("unexpected call of %s", r.Proc); return reply{} }
	bad := nt.Captured[any]{Status: ntstatus.InvalidSID}
	malformed := nt.Captured[[]nt.LUIDAndAttributes]{Status: ntstatus.InvalidParameter}
	const unspellable = " has no one spelling in bytes"
	const parameter = "a structure that is malformed (STATUS_INVALID_PARAMETER)" + unspellable
	type in = nt.SetInformationTokenIn
	class := func(c nt.ObjectInfoClass) nt.QueryObjectIn { return nt.QueryObjectIn{ObjectInformationClass: c} }
	ofService := func(_ any, _ ntstatus.Status, err error) error { return err }
	ofFunction := func(_ any, _ bool, _ win32.Code, err error) error { return err }
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"a service", "NtClose: it is missing", ofService(services["NtClose"](missing, nt.CloseIn{}))},
		{"a function", "RevertToSelf: it is missing",
			ofFunction(functions["RevertToSelf"](missing, win32.RevertToSelfIn{}))},
		{"NtSetInformationToken", "NtSetInformationToken: it is missing", ofService(setToken(missing, in{}))},
		{"NtQueryObject", "NtQueryObject: it is missing",
			ofService(queryObject(missing, class(nt.ObjectHandleFlagInformation)))},
		{"another class of objects", "NtQueryObject: class ObjectTypeInformation is not read by this recorder",
			ofService(queryObject(never, class(nt.ObjectTypeInformation)))},
		{"a malformed list for a service", parameter,
			ofService(tokenServices["NtAdjustPrivilegesToken"](never, nt.AdjustPrivilegesTokenIn{NewState: malformed}))},
		{"a malformed list for a function", parameter,
			ofFunction(functions["AdjustTokenPrivileges"](never, win32.AdjustTokenPrivilegesIn{NewState: malformed}))},
		{"a malformed value", "a structure that is malformed (STATUS_INVALID_SID)" + unspellable,
			ofService(setToken(never, in{TokenInformation: bad}))},
		{"no integrity level", "a SID that is malformed" + unspellable,
			ofService(setToken(never, in{TokenInformation: good[any](sid.SID{})}))},
	} {
		var why *skipError
		check.That(t, errors.As(c.err, &why) && why.Error() == c.want, "%s: got %v, want %s", c.name, c.err, c.want)
	}
}

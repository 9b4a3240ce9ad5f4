package script

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// form is a value and its forms in a transcript, in a recording and in a program.
type form struct {
	v                     any
	object                *winnt.ObjectType
	text, record, program string
}

// shown returns values of every parameter type with their forms in a transcript, in a recording and in a program; ""
// if one of them never has it.
func shown() []form {
	everyone := sid.Everyone
	dacl := sddl.MustParse("D:(A;;0x1;;;WD)").DACL()
	owned := sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)")
	seven, names := uint32(7), []string{"a", "b"}
	group, plain := token.Group{SID: everyone, Attributes: 7}, token.Group{SID: everyone}
	backup := nt.LUIDAndAttributes{LUID: winnt.SeBackupPrivilege.LUID(), Attributes: 2}
	used := nt.LUIDAndAttributes{LUID: winnt.SeTcbPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS}
	claim := claims.Attribute{Name: "n", Type: claims.Boolean, Uints: []uint64{1, 0}, Flags: 4}
	bare, flagged := claims.Attribute{Name: "n"}, claims.Attribute{Name: "n", Flags: 8}
	oa := &nt.ObjectAttributes{ObjectName: "x", Attributes: 0x40, SecurityDescriptor: owned,
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: 2, EffectiveOnly: true}}
	both := nt.SecurityQualityOfService{ImpersonationLevel: 3, ContextTrackingMode: true, EffectiveOnly: true}
	return []form{
		{ntstatus.AccessDenied, nil, "STATUS_ACCESS_DENIED", `"STATUS_ACCESS_DENIED"`, "STATUS_ACCESS_DENIED"},
		{win32.Code(5), nil, "ERROR_ACCESS_DENIED", `"ERROR_ACCESS_DENIED (5)"`, "ERROR_ACCESS_DENIED"},
		{winnt.TokenPrimary, nil, "TokenPrimary", `"TokenPrimary"`, "TokenPrimary"},
		{winnt.SecurityDelegation, nil, "SecurityDelegation", `"SecurityDelegation"`, "SecurityDelegation"},
		{winnt.TokenOwner, nil, "TokenOwner", `"TokenOwner"`, ""}, {winnt.SidTypeAlias, nil, "SidTypeAlias", "",
			"SidTypeAlias"},
		{logon.Secret("hidden"), nil, `"***"`, `"***"`, `"***"`},
		{winnt.AccessMask(0x20009), nil, "0x20009", `"0x00020009"`, "131081"},
		{winnt.AccessMask(0x20008), winnt.TokenObject, "TOKEN_QUERY|READ_CONTROL", "", ""},
		{winnt.TOKEN_ALL_ACCESS, winnt.TokenObject, "TOKEN_ALL_ACCESS", "", ""},
		{winnt.FILE_ALL_ACCESS, winnt.FileObject, "FILE_ALL_ACCESS", "", ""},
		{winnt.Handle(0), nil, "NULL", `"NULL"`, "0"}, {winnt.Handle(0x1C), nil, "0x1c", `"handle of line 7"`, "28"},
		{winnt.NtCurrentThread, nil, "NtCurrentThread()", `"NtCurrentThread()"`, "-2"},
		{winnt.LUID(0x3E7), nil, "999", `"0x3e7"`, "999"}, {winnt.LUID(0x3E8), nil, "1000", `"luid of line 7"`, "1000"},
		{true, nil, "True", "true", "True"}, {false, nil, "False", "false", "False"},
		{uint64(1 << 63), nil, "9223372036854775808", `"0x8000000000000000"`, "9223372036854775808"},
		{uint32(9), nil, "9", `"0x9"`, "9"}, {int64(-3), nil, "-3", `"-3"`, "-3"}, {"t", nil, `"t"`, `"t"`, `"t"`},
		{everyone, nil, "S-1-1-0", `"S-1-1-0"`, `"S-1-1-0"`}, {[]byte{1, 0xAB}, nil, "", `"01ab"`, `"\x01\xab"`},
		{winnt.GUID{0xAB}, nil, "", `"000000ab-0000-0000-0000-000000000000"`, ""},
		{owned, nil, `"O:SYG:SYD:(A;;CC;;;WD)"`, `"O:SYG:SYD:(A;;CC;;;WD)"`, `"O:SYG:SYD:(A;;CC;;;WD)"`},
		{(*sd.Descriptor)(nil), nil, "", "null", ""}, {(*sd.ACL)(nil), nil, "None", "null", "None"},
		{dacl, nil, `"D:(A;;CC;;;WD)"`, `"D:(A;;CC;;;WD)"`, `"D:(A;;CC;;;WD)"`},
		{group, nil, "(S-1-1-0, 0x7)", `{"Attributes":"0x7","SID":"S-1-1-0"}`, `group(Attributes = 7, Sid = "S-1-1-0")`},
		{plain, nil, "S-1-1-0", "", `group(Attributes = 0, Sid = "S-1-1-0")`},
		{&group, nil, "(S-1-1-0, 0x7)", "", ""}, {(*token.Group)(nil), nil, "None", "null", "None"},
		{[]token.Group(nil), nil, "", "[]", "[]"}, {[]token.Group{plain, group}, nil, "[S-1-1-0, (S-1-1-0, 0x7)]", "", ""},
		{backup, nil, "", `{"Attributes":"0x2","Luid":"SeBackupPrivilege"}`,
			`privilege(Attributes = 2, Luid = 17, Name = "SeBackupPrivilege")`},
		{[]nt.LUIDAndAttributes{backup, used}, nil, "[SeBackupPrivilege, SeTcbPrivilege used]", "", ""},
		{[]nt.LUIDAndAttributes{{LUID: 99}}, nil, "[0x63]", "", ""},
		{&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{used}}, nil, "[SeTcbPrivilege used]", "",
			`[privilege(Attributes = 2147483648, Luid = 7, Name = "SeTcbPrivilege")]`},
		{winnt.TokenObject, nil, "Token", "", ""}, {(*winnt.ObjectType)(nil), nil, "None", "", ""},
		{[]access.ObjectTypeEntry{{Level: 1, GUID: winnt.GUID{0xAB}}}, nil, `[(1, "000000ab-0000-0000-0000-000000000000")]`,
			"", ""},
		{(*kernel.AccessToken)(nil), nil, "None", "", "None"},
		{claim, nil, claim.Format(nil), "", `claim(Flags = 4, Name = "n", ValueType = "boolean", Values = [True, False])`},
		{bare, nil, `"n"`, "", `claim(Flags = 0, Name = "n", ValueType = "", Values = [])`}, {flagged, nil, `("n", 0x8)`, "",
			""},
		{claims.Attribute{Name: "i", Type: claims.Int64, Ints: []int64{-1}}, nil, "", "",
			`claim(Flags = 0, Name = "i", ValueType = "int64", Values = [-1])`},
		{claims.Attribute{Name: "u", Type: claims.Uint64, Uints: []uint64{1, 0}}, nil, "", "",
			`claim(Flags = 0, Name = "u", ValueType = "uint64", Values = [1, 0])`},
		{claims.Attribute{Name: "s", Type: claims.String, Strings: names}, nil, "", "",
			`claim(Flags = 0, Name = "s", ValueType = "string", Values = ["a", "b"])`},
		{claims.Attribute{Name: "d", Type: claims.SID, SIDs: []sid.SID{everyone}}, nil, "", "",
			`claim(Flags = 0, Name = "d", ValueType = "sid", Values = ["S-1-1-0"])`},
		{claims.Attribute{Name: "o", Type: claims.Octets, Octets: [][]byte{{0xAB, 1}}}, nil, "", "",
			`claim(Flags = 0, Name = "o", ValueType = "octets", Values = ["ab01"])`},
		{token.AttributeChange{Operation: token.AttributeAdd, Attribute: bare}, nil, token.AttributeAdd.String() + ` "n"`,
			"", ""},
		{&token.Source{Name: "User32", ID: 5}, nil, `"User32"`, "", ""}, {(*token.Source)(nil), nil, "None", "", ""},
		{nt.Cap(oa), nil, `{"x", attributes=0x40, sd="O:SYG:SYD:(A;;CC;;;WD)", sqos=SecurityImpersonation effective only}`,
			"", ""},
		{nt.Cap(&nt.ObjectAttributes{}), nil, "{}", "", ""}, {nt.Captured[*nt.ObjectAttributes]{}, nil, "None", "null", ""},
		{nt.Cap(&both), nil, "SecurityDelegation dynamic effective only", "", ""},
		{nt.Captured[*nt.SecurityQualityOfService]{}, nil, "None", "", ""},
		{nt.Cap(&nt.ClientID{UniqueProcess: 4, UniqueThread: 8}), nil, "(0x4, 0x8)",
			`{"UniqueProcess":"id of line 7","UniqueThread":"id of line 7, number 2"}`, ""},
		{nt.Cap(&nt.ClientID{UniqueThread: 8}), nil, "0x8", `{"UniqueProcess":null,"UniqueThread":"id of line 7"}`, ""},
		{nt.Cap(&nt.ClientID{UniqueProcess: 4}), nil, "0x4", `{"UniqueProcess":"id of line 7","UniqueThread":null}`, ""},
		{nt.Captured[*nt.ClientID]{}, nil, "None", "null", ""},
		{nt.Cap(owned), nil, `"O:SYG:SYD:(A;;CC;;;WD)"`, `"O:SYG:SYD:(A;;CC;;;WD)"`, ""},
		{nt.Captured[*sd.Descriptor]{}, nil, "None", "null", ""},
		{nt.Cap(winnt.FileObject.Mapping), nil, "file", "", ""}, {nt.Cap(winnt.JobObject.Mapping), nil, "job", "", ""},
		{nt.Cap(winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8}), nil, "[0x1, 0x2, 0x4, 0x8]",
			`{"All":"0x00000008","Execute":"0x00000004","Read":"0x00000001","Write":"0x00000002"}`, ""},
		{nt.Cap([]nt.LUIDAndAttributes{backup}), nil, "[SeBackupPrivilege]",
			`[{"Attributes":"0x2","Luid":"SeBackupPrivilege"}]`, ""},
		{nt.Cap(&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{backup}}), nil, "[SeBackupPrivilege]", "", ""},
		{nt.Captured[*nt.PrivilegeSet]{}, nil, "None", "null", ""},
		{nt.Cap(winnt.Handle(8)), nil, "0x8", `"handle of line 7"`, ""}, {nt.Cap(everyone), nil, "S-1-1-0", `"S-1-1-0"`, ""},
		{nt.Cap([]byte("ab")), nil, `"ab"`, `"6162"`, ""}, {nt.Cap("n"), nil, `"n"`, `"n"`, ""},
		{nt.Captured[string]{Status: ntstatus.AccessViolation}, nil, "bad_pointer(STATUS_ACCESS_VIOLATION)",
			`{"fault":"STATUS_ACCESS_VIOLATION"}`, ""},
		{nt.Captured[*nt.ClientID]{Status: ntstatus.DatatypeMisalignment}, nil,
			"bad_pointer(" + ntstatus.DatatypeMisalignment.String() + ")",
			`{"fault":"` + ntstatus.DatatypeMisalignment.String() + `"}`, ""},
		{nt.Cap(&seven), nil, "7", `"0x7"`, ""}, {nt.Captured[*uint32]{}, nil, "None", "null", ""},
		{nt.Cap([]token.Group{plain}), nil, "[S-1-1-0]", "", ""}, {nt.Captured[[]token.Group]{}, nil, "None", "", ""},
		{nt.Cap(names), nil, `["a", "b"]`, `["a","b"]`, ""}, {nt.Cap([]winnt.Handle{4, 0}), nil, "[0x4, NULL]", "", ""},
		{nt.Cap(dacl), nil, `"D:(A;;CC;;;WD)"`, "", ""}, {nt.Cap[any](everyone), nil, "S-1-1-0", `"S-1-1-0"`, ""},
		{(*win32.SecurityAttributes)(nil), nil, "None", "", ""},
		{&win32.SecurityAttributes{SecurityDescriptor: owned, InheritHandle: true}, nil,
			`{attributes=0x2, sd="O:SYG:SYD:(A;;CC;;;WD)"}`, "", ""},
		{(*kernel.SavedState)(nil), nil, "", "null", "None"},
	}
}

// TestValuesHaveOneSpelling checks that each value has one spelling in a transcript, in a recording and in a program.
func TestValuesHaveOneSpelling(t *testing.T) {
	for i, c := range shown() {
		name := fmt.Sprintf("%d: %T", i, c.v)
		r := &Runner{names: map[*kernel.AccessToken]string{}}
		s := &transcript{r: r}
		s.symbols.call(7)
		got := s.printer().Value(reflect.ValueOf(c.v), c.object)
		check.That(t, c.text == "" || got == c.text, "%s shows as %s, want %s", name, got, c.text)
		if b, err := json.Marshal(s.value(reflect.ValueOf(c.v))); c.record != "" && (err != nil || string(b) != c.record) {
			t.Errorf("%s is recorded as %s, want %s (%v)", name, b, c.record, err)
		}
		if got := r.toValue(reflect.ValueOf(c.v), c.object); c.program != "" && got.String() != c.program {
			t.Errorf("%s is %s for a program, want %s", name, got, c.program)
		}
	}
	var none any
	got := (&Runner{}).toValue(reflect.ValueOf(&none).Elem(), nil)
	check.That(t, got == starlark.None, "toValue(nil) = %s, want %s", got, starlark.None)
}

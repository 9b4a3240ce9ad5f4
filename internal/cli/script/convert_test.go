package script

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/calltext"
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

// eval evaluates an expression as a program of r would.
func eval(t *testing.T, r *Runner, expr string) starlark.Value {
	t.Helper()
	env := r.predeclared()
	env["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	v, err := starlark.EvalOptions(options, &starlark.Thread{}, "e", expr, env)
	check.RequireThat(t, err == nil, "%s: %v, want no error", expr, err)
	return v
}

// read converts the value of an expression into a parameter of want's type.
func read(t *testing.T, r *Runner, name, expr string, want any) (any, error) {
	t.Helper()
	typ := reflect.TypeOf(want)
	to := reflect.New(typ).Elem()
	row := nt.NtTable.Find("NtOpenThread")
	for _, table := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		if named := table.Find(name); named != nil {
			row, name = named, ""
		}
	}
	err := r.convert(row, &calltext.Parameter{Name: name, Type: typ}, to, eval(t, r, expr))
	return to.Interface(), err
}

// TestScriptValuesAreConverted checks that each accepted form of a script value converts to its parameter.
func TestScriptValuesAreConverted(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	everyone, mapping := sid.Everyone, winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8}
	level := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation, ContextTrackingMode: true,
		EffectiveOnly: true}
	guid := winnt.GUID{0xAB}
	nine, claim := uint32(9), claims.Attribute{Name: "n"}
	claimOf := func(typ claims.Type, set func(*claims.Attribute)) nt.Captured[[]claims.Attribute] {
		a := claims.Attribute{Name: "n", Type: typ, Flags: 4}
		set(&a)
		return nt.Cap([]claims.Attribute{a})
	}
	oa := func(change func(*nt.ObjectAttributes)) *nt.ObjectAttributes {
		a := &nt.ObjectAttributes{}
		change(a)
		return a
	}
	for _, c := range []struct {
		name, expr string
		want       any
	}{
		{"", "0x120089", winnt.AccessMask(0x120089)}, {"", `"FR|WD"`, winnt.AccessMask(0x160089)}, {"", "0xFFFFFFFF",
			winnt.AccessMask(math.MaxUint32)},
		{"", "None", nt.Captured[*nt.ObjectAttributes]{}},
		{"", `object_attributes(name="x", attributes=0x40, root=8, sd="O:SY", sqos=sqos(SecurityDelegation, True, True))`,
			nt.Cap(oa(func(a *nt.ObjectAttributes) {
				a.ObjectName, a.Attributes, a.RootDirectory = "x", 0x40, 8
				a.SecurityDescriptor, a.SecurityQualityOfService = sddl.MustParse("O:SY"), &level
			}))},
		{"", "object_attributes(attributes=0xFFFFFFFF)", nt.Cap(oa(func(a *nt.ObjectAttributes) {
			a.Attributes = math.MaxUint32
		}))},
		{"", "object_attributes(length=47)", nt.Captured[*nt.ObjectAttributes]{V: &nt.ObjectAttributes{},
			Status: ntstatus.InvalidParameter}},
		{"", "object_attributes(length=49)", nt.Captured[*nt.ObjectAttributes]{V: &nt.ObjectAttributes{},
			Status: ntstatus.InvalidParameter}},
		{"", "object_attributes(sqos=sqos(SecurityAnonymous, length=11))", nt.Captured[*nt.ObjectAttributes]{
			V:      oa(func(a *nt.ObjectAttributes) { a.SecurityQualityOfService = &nt.SecurityQualityOfService{} }),
			Status: ntstatus.InvalidParameter}},
		{"", "bad_pointer()", nt.Captured[*nt.ObjectAttributes]{Status: ntstatus.AccessViolation}},
		{"", "bad_pointer(STATUS_DATATYPE_MISALIGNMENT)", nt.Captured[string]{Status: ntstatus.DatatypeMisalignment}},
		{"", "None", nt.Captured[string]{Status: ntstatus.AccessViolation}}, {"", `"n"`, nt.Cap("n")},
		{"", `"ab"`, nt.Cap([]byte("ab"))}, {"", `[1, 2, 4, "0x8"]`, nt.Cap(mapping)}, {"", `(1, 2, 4, 8)`, nt.Cap(&mapping)},
		{"", "None", nt.Captured[*winnt.GenericMapping]{}}, {"", `"key"`, nt.Cap(winnt.KeyObject.Mapping)},
		{"", `"000000ab-0000-0000-0000-000000000000"`, nt.Cap(&guid)}, {"", "None", nt.Captured[*winnt.GUID]{}},
		{"", `["SeBackupPrivilege", 5]`, nt.Cap([]nt.LUIDAndAttributes{{LUID: 17, Attributes: 2}, {LUID: 5, Attributes: 2}})},
		{"", `{"SeBackupPrivilege": 4, 5: 0}`, nt.Cap([]nt.LUIDAndAttributes{{LUID: 17, Attributes: 4}, {LUID: 5}})},
		{"", `[struct(Luid=9, Attributes=3)]`, nt.Cap([]nt.LUIDAndAttributes{{LUID: 9, Attributes: 3}})},
		{"", "None", nt.Captured[[]nt.LUIDAndAttributes]{}}, {"", "[]", nt.Cap([]nt.LUIDAndAttributes{})},
		{"", `["SeBackupPrivilege"]`, nt.Cap(&nt.PrivilegeSet{Control: 1, Privilege: []nt.LUIDAndAttributes{{LUID: 17}}})},
		{"", `privilege_set(["SeBackupPrivilege"], all=False)`, nt.Cap(&nt.PrivilegeSet{
			Privilege: []nt.LUIDAndAttributes{{LUID: 17}}})},
		{"", `privilege_set([5])`, nt.Cap(&nt.PrivilegeSet{Control: 1, Privilege: []nt.LUIDAndAttributes{{LUID: 5}}})},
		{"", "KernelMode", access.Kernel}, {"", "UserMode", access.User}, {"", "0", access.Kernel}, {"", "1", access.User},
		{"", `"WD"`, nt.Cap(everyone)}, {"", "-5", nt.Cap(int64(-5))}, {"", "None", nt.Captured[sid.SID]{}},
		{"", `[(1, "000000ab-0000-0000-0000-000000000000"), (0xFFFF, "000000ab-0000-0000-0000-000000000000")]`,
			nt.Cap([]access.ObjectTypeEntry{{Level: 1, GUID: guid}, {Level: 0xFFFF, GUID: guid}})},
		{"", "None", nt.Captured[[]access.ObjectTypeEntry]{}}, {"", `"Token"`, winnt.TokenObject},
		{"", "None", (*winnt.ObjectType)(nil)}, {"", `["S-1-1-0"]`, []sid.SID{everyone}}, {"", `["a"]`, []string{"a"}},
		{"", "8", nt.Cap(winnt.Handle(8))}, {"", "None", nt.Cap(winnt.Handle(0))}, {"", "-2", winnt.NtCurrentThread},
		{"", "0xFFFFFFFFFFFFFFFE", winnt.NtCurrentThread}, {"", "0x7FFFFFFFFFFFFFFF", winnt.Handle(math.MaxInt64)},
		{"ZwOpenProcess", "4", nt.Cap(&nt.ClientID{UniqueProcess: 4})},
		{"NtOpenProcess", "4", nt.Cap(&nt.ClientID{UniqueProcess: 4})}, {"NtOpenThread", "4",
			nt.Cap(&nt.ClientID{UniqueThread: 4})},
		{"NtOpenProcess", "(4, 8)", nt.Cap(&nt.ClientID{UniqueProcess: 4, UniqueThread: 8})},
		{"NtOpenThread", "struct(UniqueProcess=4, UniqueThread=8)", nt.Cap(&nt.ClientID{UniqueProcess: 4, UniqueThread: 8})},
		{"", "None", nt.Captured[*nt.ClientID]{}}, {"", "True", true}, {"", "False", false}, {"", "-3", int32(-3)},
		{"", "255", uint8(255)}, {"", "65535", uint16(65535)}, {"", "4294967295", uint32(math.MaxUint32)},
		{"", "18446744073709551615", uint64(math.MaxUint64)}, {"", "TokenPrimary", uint32(1)}, {"", `"s"`, "s"},
		{"", `"SeBackupPrivilege"`, winnt.SeBackupPrivilege.LUID()}, {"", "5", nt.Cap(winnt.LUID(5))},
		{"", "None", nt.Captured[*uint32]{}}, {"", "9", nt.Cap(&nine)}, {"", "None", nt.Captured[*token.Group]{}},
		{"", `("WD", 4)`, nt.Cap(&token.Group{SID: everyone, Attributes: 4})}, {"", `"WD"`,
			nt.Cap(&token.Group{SID: everyone})},
		{"", `struct(Sid="WD", Attributes=4)`, nt.Cap(&token.Group{SID: everyone, Attributes: 4})},
		{"Groups", `["WD", ("WD", 4)]`, nt.Cap([]token.Group{{SID: everyone, Attributes: token.GroupDefault},
			{SID: everyone, Attributes: 4}})},
		{"DeviceGroups", `["WD"]`, nt.Cap([]token.Group{{SID: everyone, Attributes: token.GroupDefault}})},
		{"LocalGroups", `["WD"]`, nt.Cap([]token.Group{{SID: everyone, Attributes: token.GroupDefault}})},
		{"SidsToDisable", `["WD"]`, nt.Cap([]token.Group{{SID: everyone}})},
		{"Groups", `{"WD": 0, "S-1-0-0": 7}`, nt.Cap([]token.Group{{SID: everyone}, {SID: sid.Nobody, Attributes: 7}})},
		{"", `["nonsense"]`, nt.Cap([]token.Group{{}})}, {"", "None", nt.Captured[[]token.Group]{}},
		{"", `"D:(A;;0x1;;;WD)"`, nt.Cap(sddl.MustParse("D:(A;;0x1;;;WD)").DACL())},
		{"", `"User32"`, nt.Cap(&token.Source{Name: "User32"})},
		{"", `struct(Name="User32", ID=7)`, nt.Cap(&token.Source{Name: "User32", ID: 7})},
		{"", `["n"]`, nt.Cap([]claims.Attribute{claim})}, {"", `[{"name": "n"}]`, nt.Cap([]claims.Attribute{claim})},
		{"", `[{"name": "n", "type": "INT64", "flags": 4, "values": [-1]}]`,
			claimOf(claims.Int64, func(a *claims.Attribute) { a.Ints = []int64{-1} })},
		{"", `[{"name": "n", "type": "uint64", "flags": 4, "values": [1]}]`,
			claimOf(claims.Uint64, func(a *claims.Attribute) { a.Uints = []uint64{1} })},
		{"", `[{"name": "n", "type": "boolean", "flags": 4, "values": [True, False, 0, 3]}]`,
			claimOf(claims.Boolean, func(a *claims.Attribute) { a.Uints = []uint64{1, 0, 0, 1} })},
		{"", `[{"name": "n", "type": "string", "flags": 4, "values": ["a"]}]`,
			claimOf(claims.String, func(a *claims.Attribute) { a.Strings = []string{"a"} })},
		{"", `[{"name": "n", "type": "sid", "flags": 4, "values": ["WD"]}]`,
			claimOf(claims.SID, func(a *claims.Attribute) { a.SIDs = []sid.SID{everyone} })},
		{"", `[{"name": "n", "type": "octets", "flags": 4, "values": ["ab01"]}]`,
			claimOf(claims.Octets, func(a *claims.Attribute) { a.Octets = [][]byte{{0xAB, 1}} })},
		{"", `[struct(Name="n", ValueType="uint64", Flags=4, Values=[9])]`,
			claimOf(claims.Uint64, func(a *claims.Attribute) { a.Uints = []uint64{9} })},
		{"", `[{"name": "n", "type": "sid", "flags": 4}]`, claimOf(claims.SID, func(*claims.Attribute) {})},
		{"", `["a", "b"]`, nt.Cap([]string{"a", "b"})}, {"", "[4, None]", nt.Cap([]winnt.Handle{4, 0})},
		{"", "[NtCurrentProcess(), NtCurrentThread(), NtCurrentProcessToken(), NtCurrentThreadToken(), " +
			"NtCurrentEffectiveToken()]", nt.Cap([]winnt.Handle{-1, -2, -4, -5, -6})},
		{"", "None", nt.Captured[*nt.SecurityQualityOfService]{}}, {"", "sqos(SecurityDelegation, True, True)", level},
		{"", "sqos(SecurityDelegation, effective_only=True)", nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: 3,
			EffectiveOnly: true})},
		{"", "sqos(SecurityDelegation, True, True, length=13)", nt.Captured[*nt.SecurityQualityOfService]{V: &level,
			Status: ntstatus.InvalidParameter}},
		{"", `{"Inherit": True}`, nt.Cap(nt.HandleFlagInformation{Inherit: true})}, {"", `{"ProtectFromClose": 1}`,
			nt.Cap(nt.HandleFlagInformation{ProtectFromClose: true})},
		{"", `struct(Inherit=False, ProtectFromClose=True)`, nt.Cap(nt.HandleFlagInformation{ProtectFromClose: true})},
		{"", `{"LogonDomainName": "D", "UserName": "U", "Password": "P", "ClientToken": "C", "ChannelBindings": "B"}`,
			nt.LogonInformation{MessageType: nt.InteractiveLogon, LogonDomainName: "D", UserName: "U",
				Password: logon.Secret("P"), ClientToken: logon.Secret("C"), ChannelBindings: "B"}},
		{"", `{"MessageType": 99}`, nt.LogonInformation{MessageType: 99}},
		{"", "None", (*win32.SecurityAttributes)(nil)},
		{"FileInformation", `{"ReadMode": 1, "CompletionMode": 0}`, nt.Cap[any](nt.PipeInformation{ReadMode: 1})},
		{"FileInformation", "struct(ReadMode=0, CompletionMode=1)", nt.Cap[any](nt.PipeInformation{CompletionMode: 1})},
		{"", "security_attributes(inherit=True)", &win32.SecurityAttributes{InheritHandle: true}},
	} {
		got, err := read(t, r, c.name, c.expr, c.want)
		check.That(t, err == nil && reflect.DeepEqual(got, c.want),
			"%s%s as %T: %+v, %v, want %+v", c.name, c.expr, c.want, got, err, c.want)
	}
}

// The steps of a callback count, so that the limits of a program hold for it.
func TestCallbackHasLimits(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	to := reflect.New(kernel.RoutineType).Elem()
	check.NoError(t, r.setRoutine(to, eval(t, r, "lambda id: [0 for _ in range(1000)]")))
	check.NoError(t, r.guarded(func() error {
		to.Interface().(*kernel.LogonSessionTerminatedRoutine).Call(1)
		return nil
	}))
	check.That(t, r.steps.Load() > 1000 && r.failed == 0, "%d steps, %d failures", r.steps.Load(), r.failed)
}

// A prefix for named objects isolates a token, and an empty one does not.
func TestEmptyPrefixDisablesIsolation(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	r.class = winnt.TokenBnoIsolation
	for prefix, want := range map[string]nt.TokenBnoIsolation{`""`: {}, `"p"`: {IsolationPrefix: "p",
		IsolationEnabled: true}} {
		check.DeepEqual(t, check.Must(read(t, r, "", prefix, nt.Captured[any]{})), any(nt.Cap[any](want)), "%s", prefix)
	}
}

// An invalid parameter is an error with the expected type, and nothing is set.
func TestInvalidParameterNamesExpectedType(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	for _, c := range []struct {
		expr, why string
		to        any
	}{
		{"1 << 32", "want an access mask, got 4294967296", winnt.AccessMask(0)}, {"-1", "want an access mask",
			winnt.AccessMask(0)},
		{"None", "want a string, got NoneType", nt.Captured[[]byte]{}}, {"7", "want a string or None, got int",
			nt.Captured[string]{}},
		{"2", "want KernelMode or UserMode", access.User}, {"-1", "want KernelMode or UserMode", access.User},
		{"(1,)", "want an id such as other.id", nt.Captured[*nt.ClientID]{}}, {`(1, "x")`, "want an id",
			nt.Captured[*nt.ClientID]{}},
		{"struct(UniqueProcess=4)", "want an id", nt.Captured[*nt.ClientID]{}}, {"1 << 64", "want a handle",
			nt.Captured[*nt.ClientID]{}},
		{"1", "want True or False, got int", true}, {"256", "256 does not fit", uint8(0)}, {"65536", "does not fit",
			uint16(0)},
		{"1 << 32", "4294967296 does not fit", uint32(0)}, {"1 << 64", "want a number", uint64(0)}, {"-1", "want a number",
			uint64(0)},
		{"1 << 31", "out of range", int32(0)}, {"7", "want a string, got int", ""},
		{"7", "a parameter of type float64 cannot be set by a script", float64(0)},
		{"True", "not a pointer parameter", nil}, {"7", "want a list or None, got int", nt.Captured[[]string]{}},
		{"1 << 32", "4294967296 does not fit into 32 bits", nt.Captured[*uint32]{}}, {"7", "want sqos(…) or None, got int",
			nt.Captured[*nt.SecurityQualityOfService]{}},
		{"7", "want sqos(…) or None, got int", nt.SecurityQualityOfService{}},
		{"struct(Inherit=True)", "ProtectFromClose", nt.Captured[nt.HandleFlagInformation]{}},
		{"struct(ProtectFromClose=True)", "Inherit", nt.Captured[nt.HandleFlagInformation]{}},
		{`{"Inherits": True}`, `no field "Inherits": want Inherit or ProtectFromClose`,
			nt.Captured[nt.HandleFlagInformation]{}},
		{`{"Inherit": True, 1: True}`, "no field 1", nt.Captured[nt.HandleFlagInformation]{}},
		{`[{"name": "n", "flag": 4}]`, `no field "flag": want name, type, flags or values`,
			nt.Captured[[]claims.Attribute]{}},
		{`"x"`, "", nt.Captured[*winnt.GUID]{}}, {`"nonsense"`, "want the name of an object type", (*winnt.ObjectType)(nil)},
		{"struct(Attributes=4)", "Sid", nt.Captured[*token.Group]{}}, {`struct(Sid="WD")`, "Attributes",
			nt.Captured[*token.Group]{}},
		{`struct(Name="n")`, "want the name of the source", nt.Captured[*token.Source]{}},
		{"struct(ID=1)", "want the name of the source", nt.Captured[*token.Source]{}},
		{`struct(Name="n", ID="x")`, "want a number", nt.Captured[*token.Source]{}}, {"7", "want a string, got int",
			nt.Captured[*token.Source]{}},
		{`[struct(Name="n", Flags=4, Values=[9])]`, "ValueType", nt.Captured[[]claims.Attribute]{}},
		{`[{"name": "n", "type": "octets", "values": [7]}]`, "want a string", nt.Captured[[]claims.Attribute]{}},
		{`[{"name": "n", "type": "uint64", "values": [-7]}]`, "want a number", nt.Captured[[]claims.Attribute]{}},
		{`[{"name": "n", "type": "sid", "values": [7]}]`, "want a string", nt.Captured[[]claims.Attribute]{}},
		{`[{"name": "n", "type": "int64", "values": 7}]`, "want a list", nt.Captured[[]claims.Attribute]{}},
		{"[struct(Luid=9)]", "Attributes", nt.Captured[[]nt.LUIDAndAttributes]{}}, {"[struct(Attributes=9)]", "Luid",
			nt.Captured[*nt.PrivilegeSet]{}},
		{"[None]", "want a number, got None", nt.Captured[[]nt.LUIDAndAttributes]{}},
		{`"O:"`, "SDDL", nt.Captured[*sd.ACL]{}},
		{"[7]", "want a SID as a string, got int", []sid.SID{}}, {`["DU"]`, "alias", []sid.SID{}},
		{"7", "want security_attributes(…) or None, got int", (*win32.SecurityAttributes)(nil)},
		{"job_security_limits()", "want security_attributes(…) or None", (*win32.SecurityAttributes)(nil)},
	} {
		if c.to == nil {
			if _, err := read(t, r, "", "bad_pointer()", uint32(0)); err == nil || err.Error() != c.why {
				t.Errorf("bad_pointer() as a number: %v, want the error of the type", err)
			}
			continue
		}
		got, err := read(t, r, "", c.expr, c.to)
		check.That(t, err != nil && strings.Contains(err.Error(), c.why) &&
			reflect.ValueOf(got).IsZero(), "%s as %T: %+v, %v, want %s", c.expr, c.to, got, err, c.why)
	}
}

// TestPipeModesNeedBothMembers checks the errors for a FileInformation that is no complete FilePipeInformation.
func TestPipeModesNeedBothMembers(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	for expr, why := range map[string]string{
		"7":                        "want ReadMode and CompletionMode",
		`{"ReadMode": 1}`:          "dict has no CompletionMode",
		"struct(CompletionMode=1)": "struct has no ReadMode",
		`{"ReadMode": "x", "CompletionMode": "x"}`: "ReadMode: want a number",
		"{}": "dict has no ReadMode",
	} {
		_, err := read(t, r, "FileInformation", expr, nt.Captured[any]{})
		check.That(t, err != nil && strings.Contains(err.Error(), why), "%s: %v, want %s", expr, err, why)
	}
}

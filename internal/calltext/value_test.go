package calltext

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
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

// TestValuesWithNotationOfTheirOwn checks that pseudo handles are calls, that a mask has the names of its object's
// rights, that a named token has its name, that a secret is hidden (L-1), and that a missing value is NULL or None.
func TestValuesWithNotationOfTheirOwn(t *testing.T) {
	known := new(kernel.AccessToken)
	everyone := []token.Group{{SID: sid.Everyone}, {SID: sid.Everyone, Attributes: winnt.SE_GROUP_ENABLED}}
	tcb := []nt.LUIDAndAttributes{{LUID: winnt.LUID(winnt.SeTcbPrivilege)},
		{LUID: winnt.LUID(winnt.SeTcbPrivilege), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS}}
	sys, v := kernel.Boot(kernel.Config{}), check.Must(token.New(token.LocalSystem()))
	k := sys.KernelMode(check.Must(check.Must(sys.NewProcess("p", v)).NewThread()))
	nameless := k.NewToken(v) // its owner is another SID than its user
	defer func() {
		k.PsDereferencePrimaryToken(nameless)
		check.NoError(t, sys.Close())
	}()
	three := uint32(3)
	p := &Printer{TokenNames: map[*kernel.AccessToken]string{known: "alice"}}
	for _, c := range []struct {
		value any
		want  string
	}{
		{winnt.Handle(0), "NULL"}, {winnt.Handle(8), "0x8"}, {winnt.NtCurrentProcess, "NtCurrentProcess()"},
		{winnt.NtCurrentEffectiveToken, "NtCurrentEffectiveToken()"}, {(*winnt.ObjectType)(nil), "None"},
		{winnt.FileObject, winnt.FileObject.Name}, {(*nt.PrivilegeSet)(nil), "None"}, {(*kernel.AccessToken)(nil), "None"},
		{known, "alice"}, {nameless, "token object of S-1-5-18"},
		{true, "True"}, {false, "False"}, {winnt.KEY_SET_VALUE, "KEY_SET_VALUE"},
		{winnt.AccessMask(0x1F0003), // all rights of another type
			"KEY_QUERY_VALUE|KEY_SET_VALUE|DELETE|READ_CONTROL|WRITE_DAC|WRITE_OWNER|SYNCHRONIZE"},
		{nt.Cap(&nt.ObjectAttributes{ObjectName: `\a`, Attributes: 0x40, SecurityDescriptor: sddl.MustParse("O:SY"),
			SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification,
				ContextTrackingMode: true, EffectiveOnly: true}}),
			`{"\\a", attributes=0x40, sd="O:SY", sqos=SecurityIdentification dynamic effective only}`},
		{nt.Cap(&nt.ObjectAttributes{}), "{}"}, {nt.Captured[*nt.ObjectAttributes]{}, "None"},
		{nt.Captured[*nt.ObjectAttributes]{Status: ntstatus.AccessViolation}, "bad_pointer(STATUS_ACCESS_VIOLATION)"},
		{nt.Captured[*nt.SecurityQualityOfService]{}, "None"}, {nt.Captured[*sd.Descriptor]{}, "None"},
		{nt.Cap(&nt.ClientID{UniqueProcess: 4, UniqueThread: 8}), "(0x4, 0x8)"}, {nt.Captured[*nt.ClientID]{}, "None"},
		{nt.Cap(&nt.ClientID{UniqueProcess: 4}), "0x4"}, {nt.Cap(&nt.ClientID{UniqueThread: 8}), "0x8"},
		{nt.Cap(winnt.JobObject.Mapping), "job"},
		{nt.Cap(winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8}), "[0x1, 0x2, 0x4, 0x8]"},
		{nt.Cap(tcb), "[SeTcbPrivilege, SeTcbPrivilege used]"}, {nt.Captured[*nt.PrivilegeSet]{}, "None"},
		{nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_NO_ADMIN | 0x100,
			JobToken: 8, SidsToDisable: everyone[:1], RestrictedSids: everyone[:1], PrivilegesToDelete: tcb[:1]}),
			"{NO_ADMIN, 0x100, token 0x8, disable S-1-1-0, restrict S-1-1-0, delete [SeTcbPrivilege]}"},
		{nt.Cap(sid.Everyone), "S-1-1-0"}, {nt.Cap([]byte("a")), `"a"`}, {nt.Cap("a"), `"a"`},
		{nt.Cap(winnt.Handle(0)), "NULL"}, {nt.Cap(everyone), "[S-1-1-0, (S-1-1-0, 0x4)]"}, {nt.Cap([]uint32(nil)), "None"},
		{nt.Cap([]uint32{1, 2}), "[1, 2]"}, {(*sd.ACL)(nil), "None"},
		{sddl.MustParse("D:(A;;GA;;;WD)").DACL(), `"D:(A;;GA;;;WD)"`}, {nt.Cap(&three), "3"},
		{nt.Cap(sd.New(sd.Parts{Owner: sid.LocalSystem.Prefix()})), "(28 bytes)"}, // SDDL has no form for it
		{(*token.Source)(nil), "None"}, {&token.Source{Name: "x"}, `"x"`},
		{nt.Cap([]token.AttributeChange{{Attribute: claims.Attribute{Name: "c"}, Operation: 3}}), `[DELETE "c"]`},
		{claims.Attribute{Name: "c", Flags: 2}, `("c", 0x2)`}, {logon.Secret("s"), `"***"`},
		{logon.Service, "service"}, {winnt.LUID(7), "7"},
		{winnt.KEY_ALL_ACCESS, "KEY_ALL_ACCESS"}, {nt.Cap([]nt.LUIDAndAttributes{{LUID: 1<<32 | 7},
			{LUID: 36}}), "[0x100000007, SeDelegateSessionUserImpersonatePrivilege]"},
		{nt.FsSizeInformation{TotalAllocationUnits: 7}, "FsSizeInformation(AvailableAllocationUnits = 0, " +
			"BytesPerSector = 0, SectorsPerAllocationUnit = 0, TotalAllocationUnits = 7)"},
		{new(kernel.SubjectContext), "SECURITY_SUBJECT_CONTEXT"}, {winnt.SecurityDelegation, "SecurityDelegation"},
		{[]access.ObjectTypeEntry{{}, {Level: 1}}, fmt.Sprintf("[(0, %[1]q), (1, %[1]q)]", winnt.GUID{})},
	} {
		check.Equal(t, p.Value(reflect.ValueOf(c.value), winnt.KeyObject), c.want, "%T", c.value)
	}
}

// A claim's literal has its values in the notation of their type; the largest unsigned value stays positive.
func TestClaimLiteralHasValuesOfItsType(t *testing.T) {
	for _, c := range []struct {
		claim claims.Attribute
		want  string
	}{
		{claims.Attribute{Name: "u", Type: claims.Uint64, Uints: []uint64{7, 1<<64 - 1}}, "7, 18446744073709551615"},
		{claims.Attribute{Name: "i", Type: claims.Int64, Ints: []int64{-1, 7}}, "-1, 7"},
		{claims.Attribute{Name: "b", Type: claims.Boolean, Uints: []uint64{0, 1, 2}}, "False, True, True"},
		{claims.Attribute{Name: "s", Type: claims.String, Strings: []string{`a"b`}}, `"a\"b"`},
		{claims.Attribute{Name: "d", Type: claims.SID, SIDs: []sid.SID{sid.Everyone}}, `"S-1-1-0"`},
		{claims.Attribute{Name: "o", Type: claims.Octets, Octets: [][]byte{{0, 0xAB}}}, `"00ab"`},
	} {
		want := fmt.Sprintf("claim(Flags = 0, Name = %q, ValueType = %q, Values = [%s])", c.claim.Name,
			ClaimTypes[c.claim.Type], c.want)
		check.Equal(t, new(Printer).literal(reflect.ValueOf(c.claim), nil), want, "claim %s", c.claim.Name)
	}
}

// Literals of programs: a pseudo handle is negative, LUIDs and unsigned fields are not, and bytes are text.
func TestLiteralsKeepTheirSign(t *testing.T) {
	for want, value := range map[string]any{"-1": winnt.NtCurrentProcess, "9223372036854775808": winnt.LUID(1 << 63),
		"18446744073709551615": ^uint64(0), `"ab"`: []byte("ab")} {
		check.Equal(t, new(Printer).literal(reflect.ValueOf(value), nil), want, "%T", value)
	}
}

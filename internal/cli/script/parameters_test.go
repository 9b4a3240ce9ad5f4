package script_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
)

// asking is the start of a program with h, a handle to alice's token as a client's.
const asking = prelude + `
k.PsImpersonateClient(Thread=th, Token=alice, ImpersonationLevel=SecurityImpersonation)
h = th.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY, OpenAsSelf=True).TokenHandle
own = process("own", token(user="S-1-5-21-1-2-3-1107")).thread
o = own.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=0xF01FF).TokenHandle
A, B = "bf9679c0-0de6-11d0-a285-00aa003049e2", "bf967aba-0de6-11d0-a285-00aa003049e2"
def ask(sd, desired, types=None, mapping="file", self=None):
    return th.NtAccessCheckByType(SecurityDescriptor=sd, PrincipalSelfSid=self, ClientToken=h, DesiredAccess=desired,
        ObjectTypeList=types, GenericMapping=mapping, PrivilegeSetLength=100)
`

// Mappings, lists of object types, SIDs and descriptors are converted correctly.
func TestStructuredParametersAreConverted(t *testing.T) {
	const one = `"O:SYG:SYD:(A;;0x1;;;S-1-5-21-1-2-3-1107)"`
	for _, c := range []struct{ call, want string }{
		{`ask(` + one + `, 1).AccessStatus`, "STATUS_SUCCESS"}, {`ask(` + one + `, 2).AccessStatus`,
			"STATUS_ACCESS_DENIED"},
		{`ask(None, 1).status`, "STATUS_INVALID_SECURITY_DESCR"},
		{`ask("O:SYG:SYD:(A;;GR;;;S-1-5-21-1-2-3-1107)", 1, mapping=[1, 2, 4, 8]).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(A;;GW;;;S-1-5-21-1-2-3-1107)", 1, mapping=[2, 1, 4, 8]).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(A;;GX;;;S-1-5-21-1-2-3-1107)", 1, mapping=[2, 4, 1, 8]).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(A;;GA;;;S-1-5-21-1-2-3-1107)", 1, mapping=(2, 4, 8, 1)).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(A;;GR;;;S-1-5-21-1-2-3-1107)", 1, mapping=[2, 1, 1, 1]).AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;GW;;;S-1-5-21-1-2-3-1107)", 1, mapping=[1, 2, 1, 1]).AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;GX;;;S-1-5-21-1-2-3-1107)", 1, mapping=[1, 1, 2, 1]).AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;GA;;;S-1-5-21-1-2-3-1107)", 1, mapping=[1, 1, 1, 2]).AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;GW;;;S-1-5-21-1-2-3-1107)", 1, mapping="file").AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;GR;;;S-1-5-21-1-2-3-1107)", 1, mapping="key").AccessStatus`, "STATUS_SUCCESS"},
		{`ask(` + one + `, GENERIC_READ).status`, "STATUS_GENERIC_NOT_MAPPED"},
		{`ask("O:SYG:SYD:(A;;0x1;;;PS)", 1, self="S-1-5-21-1-2-3-1107").AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(A;;0x1;;;PS)", 1, self="S-1-5-21-1-2-3-1108").AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;0x1;;;PS)", 1).AccessStatus`, "STATUS_ACCESS_DENIED"},
		{`ask("O:SYG:SYD:(A;;0x1;;;PS)", 1, self="nonsense").status`, "STATUS_INVALID_SID"},
		{`ask("O:SYG:SYD:(OA;;0x20;" + A + ";;S-1-5-21-1-2-3-1107)", 0x20, types=[(0, A), (1, ` +
			`B)]).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(OA;;0x20;" + B + ";;S-1-5-21-1-2-3-1107)", 0x20, types=[(0, A), (1, ` +
			`B)]).AccessStatus`, "STATUS_SUCCESS"},
		{`ask("O:SYG:SYD:(OA;;0x20;" + B + ";;S-1-5-21-1-2-3-1107)", 0x20, types=[(0, A)]).AccessStatus`,
			"STATUS_ACCESS_DENIED"},
		{`ask(` + one + `, 1, types=[(1, A)]).status`, "STATUS_INVALID_PARAMETER"},
		{`ask(` + one + `, 1, types=[(0, A), (2, B)]).status`, "STATUS_INVALID_PARAMETER"},
		{`ask(` + one + `, 1, types=[]).AccessStatus`, "STATUS_SUCCESS"},
		// An empty dict or list of groups is not NULL (T-74).
		{`own.NtAdjustGroupsToken(TokenHandle=o, NewState={}).status`, "STATUS_SUCCESS"},
		{`own.NtAdjustGroupsToken(TokenHandle=o, NewState=[]).status`, "STATUS_SUCCESS"},
		{`own.NtAdjustGroupsToken(TokenHandle=o, NewState=None).status`, "STATUS_INVALID_PARAMETER"},
		{`k.SeDeleteClientSecurity(ClientContext=k.SeCreateClientSecurity(ClientThread=th,
			ClientSecurityQos=None).ClientContext).status`, "STATUS_SUCCESS"},
		// A failed call can have written an output.
		{`own.NtQueryInformationToken(TokenHandle=o, TokenInformationClass=TokenUser,
			TokenInformationLength=3).ReturnLength`, "44"},
		// The class determines the type of the information, in any order of keywords.
		{`own.NtSetInformationToken(TokenHandle=o, TokenInformationClass=TokenSessionId, TokenInformation=0).status`,
			"STATUS_PRIVILEGE_NOT_HELD"},
		{`own.NtSetInformationToken(TokenInformation="S-1-5-21-1-2-3-1107", TokenHandle=o,
			TokenInformationClass=TokenOwner).status`, "STATUS_SUCCESS"},
		{`own.NtSetInformationToken(TokenInformation="D:(A;;GA;;;SY)", TokenInformationClass=TokenDefaultDacl,
			TokenHandle=o).status`, "STATUS_SUCCESS"},
	} {
		out, err, leak := run(t, script.Config{Quiet: true}, asking+"expect("+c.call+", "+c.want+")\n")
		check.That(t, err == nil && leak == nil, "%s: %v, %v, want nil, nil\n%s", c.call, err, leak, out)
	}
}

// A parameter of the wrong type is an error with the parameter's name and the expected type.
func TestWrongParameterNamesItsType(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{`ask(7, 1)`, `SecurityDescriptor: want SDDL text or None, got int`}, {`ask("O:", 1)`,
			`SecurityDescriptor: .*SDDL`},
		{`ask("O:SY", 1, mapping="nonsense")`, `GenericMapping: no object type "nonsense": want one such as file`},
		{`ask("O:SY", 1, mapping=[1, 2, 3])`, `GenericMapping: want a type such as "file" or \[read, write, ` +
			`execute, all\]`},
		{`ask("O:SY", 1, mapping=[1, 2, 3, 4, 5])`, `GenericMapping: want a type`},
		{`ask("O:SY", 1, mapping=7)`, `GenericMapping: want a type`},
		{`ask("O:SY", 1, mapping=[1, 2, 3, "x y"])`, `GenericMapping: `},
		{`ask("O:SY", 1, self=7)`, `PrincipalSelfSid: want a SID, got int`},
		{`ask("O:SY", 1, types=7)`, `ObjectTypeList: want a list of \(level, guid\), got int`},
		{`ask("O:SY", 1, types=[7])`, `ObjectTypeList: want \(level, guid\), got 7`},
		{`ask("O:SY", 1, types=[(0,)])`, `ObjectTypeList: want \(level, guid\), got`},
		{`ask("O:SY", 1, types=[(0, A, A)])`, `ObjectTypeList: want \(level, guid\), got`},
		{`ask("O:SY", 1, types=[(0x10000, A)])`, `ObjectTypeList: level 65536: want a small number`},
		{`ask("O:SY", 1, types=[("x", A)])`, `ObjectTypeList: level "x": want a small number`},
		{`ask("O:SY", 1, types=[(0, "x")])`, `ObjectTypeList: .*x`}, {`ask("O:SY", "x y")`, `DesiredAccess: `},
		{`th.NtFilterToken(ExistingTokenHandle=h, Flags=0, SidsToDisable=7)`,
			`SidsToDisable: want a list or None, got int`},
		{`th.NtFilterToken(ExistingTokenHandle=h, Flags=0, PrivilegesToDelete=["SeGodPrivilege"])`,
			`PrivilegesToDelete: .*SeGodPrivilege`},
		{`th.NtOpenProcess(DesiredAccess=1, ObjectAttributes=None, ClientId="x")`, `ClientId: `},
		{`th.NtSetInformationToken(TokenHandle=h, TokenInformationClass=TokenOwner, TokenInformation=[1, 2])`,
			`TokenInformation: `},
	} {
		out, err, leak := run(t, script.Config{Quiet: true}, asking+c.call+"\n")
		check.That(t, err != nil && !errors.Is(err, script.ErrExpectation) && leak == nil &&
			regexp.MustCompile(c.want).MatchString(err.Error()),
			"%s: %v, %v, want %s\n%s", c.call, err, leak, c.want, out)
	}
}

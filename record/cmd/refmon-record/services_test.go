package main

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var (
	named   = good(&nt.ObjectAttributes{Attributes: 0x40})
	mapping = winnt.GenericMapping{Read: 1, Write: 2, Execute: 3, All: 4}
	types   = []access.ObjectTypeEntry{{Level: 0, GUID: node1}, {Level: 1, GUID: node2}}
	one     = []token.Group{{SID: world, Attributes: 4}}
)

// Words for the rows below, in addition to those of spelled.
const (
	hexNamed   = "<30000000 00000000 0000000000000000 0000000000000000 40000000 00000000 ZERO16>"
	hexMapping = "<01000000 02000000 03000000 04000000>"
	hexTypes   = "<00000000 00000000 <a1 0000000000000000000000000000 af>" +
		"01000000 00000000 <b1 0000000000000000000000000000 bf>>"
	hexGroup   = "<01000000 00000000 <WORLD> 04000000 00000000>"
	hexTwo     = "<02000000 8877665544332211 02000000 0900000000000000 01000080 ZERO12>"
	hexQos     = "<0c000000 02000000 01010000>"
	hexUsed    = "01000000 03000000 0900000000000000 01000080" // PRIVILEGE_SET that a check leaves
	hexRoom    = "<00000000 00000000 0000000000000000 00000000>,<14000000>"
	leftHandle = "4400000000000000"
)

// serviceRow is a call: its parameters in the order of its prototype, its outputs, and the decoded results after
// success and failure.
type serviceRow struct {
	name   string
	in     any
	want   string
	left   map[int]string
	out    any
	failed any // what a failure gives, with the same bytes left
}

func TestRecorderMarshalsEveryService(t *testing.T) {
	used := &nt.PrivilegeSet{Control: 3, Privilege: two[1:]}
	qos := good(&nt.SecurityQualityOfService{ImpersonationLevel: 2, ContextTrackingMode: true, EffectiveOnly: true})
	rows := []serviceRow{
		{"NtClose", nt.CloseIn{Handle: 0x14}, "14", nil, nt.CloseOut{}, nil},
		{"NtDuplicateObject", nt.DuplicateObjectIn{SourceProcessHandle: -1, SourceHandle: 0x18, TargetProcessHandle: 0x1c,
			DesiredAccess: 0x20000, HandleAttributes: 2, Options: 4}, "ffffffffffffffff,18,1c,OUT,20000,2,4",
			map[int]string{3: leftHandle}, nt.DuplicateObjectOut{TargetHandle: 0x44}, nil},
		{"NtCompareObjects", nt.CompareObjectsIn{FirstObjectHandle: 1, SecondObjectHandle: 2}, "1,2", nil,
			nt.CompareObjectsOut{}, nil},
		{"NtOpenProcess", nt.OpenProcessIn{DesiredAccess: 0x400, ObjectAttributes: named,
			ClientID: good(&nt.ClientID{UniqueProcess: 8, UniqueThread: 12})}, "OUT,400," + hexNamed +
			",<0800000000000000 0c00000000000000>", map[int]string{0: leftHandle}, nt.OpenProcessOut{ProcessHandle: 0x44}, nil},
		{"NtOpenThread", nt.OpenThreadIn{DesiredAccess: 0x40, ObjectAttributes: named,
			ClientID: good(&nt.ClientID{UniqueProcess: 8, UniqueThread: 12})}, "OUT,40," + hexNamed +
			",<0800000000000000 0c00000000000000>", map[int]string{0: leftHandle}, nt.OpenThreadOut{ThreadHandle: 0x44}, nil},
		{"NtOpenProcessToken", nt.OpenProcessTokenIn{ProcessHandle: 7, DesiredAccess: 8}, "7,8,OUT",
			map[int]string{2: leftHandle}, nt.OpenProcessTokenOut{TokenHandle: 0x44}, nil},
		{"NtOpenProcessTokenEx", nt.OpenProcessTokenExIn{ProcessHandle: 7, DesiredAccess: 8, HandleAttributes: 2},
			"7,8,2,OUT", map[int]string{3: leftHandle}, nt.OpenProcessTokenOut{TokenHandle: 0x44}, nil},
		{"NtOpenThreadToken", nt.OpenThreadTokenIn{ThreadHandle: 7, DesiredAccess: 8, OpenAsSelf: true}, "7,8,1,OUT",
			map[int]string{3: leftHandle}, nt.OpenThreadTokenOut{TokenHandle: 0x44}, nil},
		{"NtOpenThreadTokenEx", nt.OpenThreadTokenExIn{ThreadHandle: 7, DesiredAccess: 8, HandleAttributes: 2},
			"7,8,0,2,OUT", map[int]string{4: leftHandle}, nt.OpenThreadTokenOut{TokenHandle: 0x44}, nil},
		{"NtSetInformationThread", nt.SetInformationThreadIn{ThreadHandle: 7, ThreadInformationClass: 5,
			ThreadInformation: good(winnt.Handle(0x28)), ThreadInformationLength: 9}, "7,5,<2800000000000000>,9", nil,
			nt.SetInformationThreadOut{}, nil},
		{"NtImpersonateThread", nt.ImpersonateThreadIn{ServerThreadHandle: 1, ClientThreadHandle: 2, SecurityQos: qos},
			"1,2," + hexQos, nil, nt.ImpersonateThreadOut{}, nil},
		{"NtImpersonateAnonymousToken", nt.ImpersonateAnonymousTokenIn{ThreadHandle: 3}, "3", nil,
			nt.ImpersonateAnonymousTokenOut{}, nil},
		{"NtCreateEvent", nt.CreateEventIn{DesiredAccess: 2, ObjectAttributes: named, EventType: 1, InitialState: true},
			"OUT,2," + hexNamed + ",1,1", map[int]string{0: leftHandle}, nt.EventOut{EventHandle: 0x44}, nil},
		{"NtOpenEvent", nt.OpenEventIn{DesiredAccess: 2, ObjectAttributes: named}, "OUT,2," + hexNamed,
			map[int]string{0: leftHandle}, nt.EventOut{EventHandle: 0x44}, nil},
		{"NtCreateDirectoryObject", nt.CreateDirectoryObjectIn{DesiredAccess: 3, ObjectAttributes: named},
			"OUT,3," + hexNamed, map[int]string{0: leftHandle}, nt.DirectoryObjectOut{DirectoryHandle: 0x44}, nil},
		{"NtOpenDirectoryObject", nt.OpenDirectoryObjectIn{DesiredAccess: 3, ObjectAttributes: named},
			"OUT,3," + hexNamed, map[int]string{0: leftHandle}, nt.DirectoryObjectOut{DirectoryHandle: 0x44}, nil},
		{"NtSetSecurityObject", nt.SetSecurityObjectIn{Handle: 7, SecurityInformation: 4,
			SecurityDescriptor: good(aDescriptor)}, "7,4,<DESCRIPTOR>", nil, nt.SetSecurityObjectOut{}, nil},
		{"NtSetInformationObject", nt.SetInformationObjectIn{Handle: 7, ObjectInformationClass: 4,
			ObjectInformation: good(nt.HandleFlagInformation{ProtectFromClose: true}), ObjectInformationLength: 2},
			"7,4,<0001>,2", nil, nt.SetInformationObjectOut{}, nil},
		{"NtAllocateLocallyUniqueId", nt.AllocateLocallyUniqueIDIn{}, "<0000000000000000>",
			map[int]string{0: "8877665544332211"}, nt.AllocateLocallyUniqueIDOut{LUID: 0x1122334455667788}, nil},

		{"NtDuplicateToken", nt.DuplicateTokenIn{ExistingTokenHandle: 7, DesiredAccess: 8, ObjectAttributes: named,
			EffectiveOnly: true, TokenType: 2}, "7,8," + hexNamed + ",1,2,OUT", map[int]string{5: leftHandle},
			nt.DuplicateTokenOut{NewTokenHandle: 0x44}, nil},
		{"NtFilterToken", nt.FilterTokenIn{ExistingTokenHandle: 7, Flags: 9, SIDsToDisable: good(one),
			PrivilegesToDelete: good(two), RestrictedSIDs: good([]token.Group{{SID: system}})}, "7,9," + hexGroup + "," +
			hexTwo + ",<01000000 00000000 <SYSTEM> 00000000 00000000>,OUT", map[int]string{5: leftHandle},
			nt.FilterTokenOut{NewTokenHandle: 0x44}, nil},
		{"NtCreateToken", nt.CreateTokenIn{DesiredAccess: 8, ObjectAttributes: named, TokenType: 1,
			AuthenticationID: good(winnt.LUID(0x3e7)), ExpirationTime: good(int64(-1)),
			User: good(&token.Group{SID: system}), Groups: good(one), Privileges: good(two), Owner: good(world),
			PrimaryGroup: good(system), DefaultDACL: good(aDescriptor.DACL()),
			Source: good(&token.Source{Name: "src", ID: 6})}, "OUT,8," + hexNamed + ",1,<e703000000000000>," +
			"<ffffffffffffffff>,<<SYSTEM> 00000000 00000000>," + hexGroup + "," + hexTwo + ",<<WORLD>>,<<SYSTEM>>," +
			"<<LIST>>,<7372630000000000 0600000000000000>", map[int]string{0: leftHandle},
			nt.CreateTokenOut{TokenHandle: 0x44}, nil},
		{"NtCreateToken", nt.CreateTokenIn{}, "OUT,0,0,0,<0000000000000000>,<0000000000000000>,0,0,0,0," +
			"<0000000000000000>,0,0", map[int]string{0: leftHandle}, nt.CreateTokenOut{TokenHandle: 0x44}, nil},
		{"NtCreateLowBoxToken", nt.CreateLowBoxTokenIn{ExistingTokenHandle: 7, DesiredAccess: 8, ObjectAttributes: named,
			PackageSID: good(system), Capabilities: good(one), Handles: good([]winnt.Handle{4, 8})}, "OUT,7,8," +
			hexNamed + ",<SYSTEM>,1,<<WORLD> 04000000 00000000>,2,<0400000000000000 0800000000000000>",
			map[int]string{0: leftHandle}, nt.CreateLowBoxTokenOut{TokenHandle: 0x44}, nil},
		{"NtCreateLowBoxToken", nt.CreateLowBoxTokenIn{}, "OUT,0,0,0,0,0,0,0,0", map[int]string{0: leftHandle},
			nt.CreateLowBoxTokenOut{TokenHandle: 0x44}, nil},
		{"NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{TokenHandle: 7, DisableAllPrivileges: true,
			NewState: good(two), BufferLength: 16, WantPrevious: true}, "7,1," + hexTwo + ",10,<ZERO16>,<00000000>",
			map[int]string{4: "01000000 0900000000000000 01000080", 5: "10000000"},
			nt.AdjustPrivilegesTokenOut{PreviousState: two[1:], ReturnLength: 16},
			nt.AdjustPrivilegesTokenOut{ReturnLength: 16}},
		{"NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{TokenHandle: 7, BufferLength: 16}, "7,0,0,0,0,0", nil,
			nt.AdjustPrivilegesTokenOut{}, nil},
		{"NtAdjustGroupsToken", nt.AdjustGroupsTokenIn{TokenHandle: 7, ResetToDefault: true, NewState: good(one),
			BufferLength: 24, WantPrevious: true}, "7,1," + hexGroup + ",18,<ZERO16 0000000000000000>,<00000000>",
			map[int]string{4: "01000000 00000000 0000000000000000 07000000", 5: "18000000"},
			nt.AdjustGroupsTokenOut{PreviousState: []token.Group{{Attributes: 7}}, ReturnLength: 24},
			nt.AdjustGroupsTokenOut{ReturnLength: 24}},
		{"NtAdjustGroupsToken", nt.AdjustGroupsTokenIn{TokenHandle: 7, BufferLength: 24}, "7,0,0,0,0,0", nil,
			nt.AdjustGroupsTokenOut{}, nil},
		{"NtCompareTokens", nt.CompareTokensIn{FirstTokenHandle: 1, SecondTokenHandle: 2}, "1,2,<00000000>",
			map[int]string{2: "01"}, nt.CompareTokensOut{Equal: true}, nil},
		{"NtPrivilegeCheck", nt.PrivilegeCheckIn{ClientToken: 7, RequiredPrivileges: good(&nt.PrivilegeSet{Control: 1,
			Privilege: two[:1]})}, "7,<01000000 01000000 8877665544332211 02000000 ZERO12>,<00000000>",
			map[int]string{1: hexUsed, 2: "01"}, nt.PrivilegeCheckOut{Result: true, RequiredPrivileges: used},
			nt.PrivilegeCheckOut{}},
		{"NtPrivilegeCheck", nt.PrivilegeCheckIn{ClientToken: 7}, "7,0,<00000000>", map[int]string{2: "01"},
			nt.PrivilegeCheckOut{}, nil},
		{"NtAccessCheck", nt.AccessCheckIn{SecurityDescriptor: good(aDescriptor), ClientToken: 7, DesiredAccess: 8,
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "<DESCRIPTOR>,7,8," + hexMapping + "," + hexRoom +
			",<00000000>,<00000000>", map[int]string{4: hexUsed, 5: "18000000", 6: "ff011f00", 7: "220000c0"},
			nt.AccessCheckOut{PrivilegeSet: used, PrivilegeSetLength: 24, GrantedAccess: 0x1F01FF,
				AccessStatus: ntstatus.AccessDenied}, nt.AccessCheckOut{PrivilegeSetLength: 24}},
		{"NtAccessCheckByType", nt.AccessCheckByTypeIn{SecurityDescriptor: good(aDescriptor),
			PrincipalSelfSid: good(system), ClientToken: 7, DesiredAccess: 8, ObjectTypeList: good(types),
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "<DESCRIPTOR>,<SYSTEM>,7,8," + hexTypes + ",2," +
			hexMapping + "," + hexRoom + ",<00000000>,<00000000>",
			map[int]string{7: hexUsed, 8: "18000000", 9: "ff011f00", 10: "220000c0"},
			nt.AccessCheckOut{PrivilegeSet: used, PrivilegeSetLength: 24, GrantedAccess: 0x1F01FF,
				AccessStatus: ntstatus.AccessDenied}, nt.AccessCheckOut{PrivilegeSetLength: 24}},
		{"NtAccessCheckByTypeResultList", nt.AccessCheckByTypeIn{SecurityDescriptor: good(aDescriptor),
			PrincipalSelfSid: good(system), ClientToken: 7, DesiredAccess: 8, ObjectTypeList: good(types),
			GenericMapping: good(mapping), PrivilegeSetLength: 20}, "<DESCRIPTOR>,<SYSTEM>,7,8," + hexTypes + ",2," +
			hexMapping + "," + hexRoom + ",<0000000000000000>,<0000000000000000>",
			map[int]string{7: hexUsed, 8: "18000000", 9: "ff011f00 01000000", 10: "00000000 220000c0"},
			nt.AccessCheckByTypeResultListOut{PrivilegeSet: used, PrivilegeSetLength: 24,
				GrantedAccess: []winnt.AccessMask{0x1F01FF, 1},
				AccessStatus:  []ntstatus.Status{ntstatus.Success, ntstatus.AccessDenied}},
			nt.AccessCheckByTypeResultListOut{PrivilegeSetLength: 24}},
	}
	for _, c := range append(rows, pipeRows()...) {
		t.Run(c.name, func(t *testing.T) {
			for _, st := range []ntstatus.Status{ntstatus.Success, ntstatus.BufferTooSmall} {
				var r *request
				// The upper half of a return value does not belong to the status.
				out, got, err := findService(c.name)(answering(t, &r, 0xABCD<<32|uint64(st), c.left), c.in)
				want := c.out
				if st != ntstatus.Success && c.failed != nil {
					want = c.failed
				}
				check.That(t, err == nil && got == st && reflect.DeepEqual(out, want),
					"%s: got %+v %v, %v; want %+v %v", c.name, out, got, err, want, st)
				if r.DLL != "ntdll.dll" || r.Proc != c.name || drawn(r) != spelled(c.want) {
					t.Errorf("%s: called %s of %s:\n%s, want\n%s", c.name, r.Proc, r.DLL, drawn(r), spelled(c.want))
				}
			}
		})
	}
}

// pipeRows are the calls on pipes. The arguments of a program go to the system, and missing ones get the default.
func pipeRows() []serviceRow {
	const insensitive = "<30000000 00000000 0000000000000000 0000000000000000 40000000 00000000 ZERO16>"
	left, made := map[int]string{0: leftHandle}, nt.CreateNamedPipeFileOut{FileHandle: 0x44}
	peeked := "03000000 05000000 01000000 05000000 616200"
	return []serviceRow{
		{"NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: 7,
			ObjectAttributes: good(&nt.ObjectAttributes{}), ReadMode: 1},
			"OUT,7," + insensitive + ",<ZERO16>,3,3,0,0,0,1,ffffffff,1000,1000,<e05ef8ffffffffff>", left, made, nil},
		{"NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: 7, ObjectAttributes: named, NamedPipeType: 1,
			MaximumInstances: 2, InboundQuota: 4, OutboundQuota: 8, ShareAccess: 1, CreateDisposition: 2,
			CreateOptions: 0x20, ReadMode: 1, DefaultTimeout: -1},
			"OUT,7," + insensitive + ",<ZERO16>,1,2,20,1,1,1,2,4,8,<ffffffffffffffff>", left, made, nil},
		{"NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{ObjectAttributes: named, NamedPipeType: 1, OutboundQuota: 2},
			"OUT,0," + insensitive + ",<ZERO16>,3,3,0,1,0,1,ffffffff,1000,2,<e05ef8ffffffffff>", left, made, nil},
		{"NtFsControlFile", nt.FsControlFileIn{FileHandle: 7, FsControlCode: winnt.FSCTL_PIPE_LISTEN,
			OutputBufferLength: 0xFFFFFFFF}, "7,0,0,0,<ZERO16>,110008,0,0,0,0", nil, nt.FsControlFileOut{}, nil},
		{"NtFsControlFile", nt.FsControlFileIn{FileHandle: 7, FsControlCode: winnt.FSCTL_PIPE_PEEK,
			OutputBufferLength: 19}, "7,0,0,0,<ZERO16>,11400c,0,0,<ZERO16 000000>,13",
			map[int]string{4: "0000000000000000 1200000000000000", 8: peeked},
			nt.FsControlFileOut{OutputBuffer: &nt.PipePeekBuffer{NamedPipeState: 3, ReadDataAvailable: 5,
				NumberOfMessages: 1, MessageLength: 5, Data: []byte("ab")}}, nt.FsControlFileOut{}},
		{"NtFsControlFile", nt.FsControlFileIn{FileHandle: 7, FsControlCode: winnt.FSCTL_PIPE_PEEK,
			OutputBufferLength: 4}, "7,0,0,0,<ZERO16>,11400c,0,0,<00000000>,4", nil, nt.FsControlFileOut{}, nil},
	}
}

// The part of a longer message that a pipe returns is recorded, and its status with it (I-132, I-139).
func TestPartOfMessageIsRecorded(t *testing.T) {
	const two = "0000000000000000 0200000000000000" // IO_STATUS_BLOCK with the number of bytes
	const peeked = "0000000000000000 1200000000000000"
	for _, c := range []struct {
		service string
		in      any
		left    map[int]string
		want    any
	}{
		{"NtReadFile", nt.ReadFileIn{FileHandle: 7, Length: 2}, map[int]string{4: two, 5: "6162"},
			nt.ReadFileOut{Buffer: []byte("ab")}},
		{"NtFsControlFile", nt.FsControlFileIn{FileHandle: 7, FsControlCode: winnt.FSCTL_PIPE_PEEK, OutputBufferLength: 18},
			map[int]string{4: peeked, 8: "03000000 05000000 01000000 05000000 6162"},
			nt.FsControlFileOut{OutputBuffer: &nt.PipePeekBuffer{NamedPipeState: 3, ReadDataAvailable: 5,
				NumberOfMessages: 1, MessageLength: 5, Data: []byte("ab")}}},
	} {
		for st, want := range map[ntstatus.Status]any{ntstatus.Success: c.want, ntstatus.BufferOverflow: c.want,
			ntstatus.PipeEmpty: reflect.Zero(reflect.TypeOf(c.want)).Interface()} {
			var r *request
			out, got, err := findService(c.service)(answering(t, &r, uint64(st), c.left), c.in)
			check.That(t, err == nil && got == st && reflect.DeepEqual(out, want),
				"%s: got %+v %v, %v; want %+v %v", c.service, out, got, err, want, st)
		}
	}
}

// A handle that a call did not write is distinguished from one that it wrote.
func TestUnwrittenHandleIsDistinguished(t *testing.T) {
	for _, c := range []struct {
		left string
		want winnt.Handle
	}{{"cccccccccccccccc", script.Untouched}, {"0000000000000000", 0}, {leftHandle, 0x44}} {
		var r *request
		out, _, err := findService("NtOpenProcessToken")(answering(t, &r, uint64(ntstatus.AccessDenied),
			map[int]string{2: c.left}), nt.OpenProcessTokenIn{})
		want := (nt.OpenProcessTokenOut{TokenHandle: c.want})
		check.That(t, err == nil && out == any(want), "%s: got %+v, %v, want %+v", c.left, out, err, want)
	}
}

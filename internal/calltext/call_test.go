package calltext

import (
	"cmp"
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestCallTextLeavesOutAbsentValues checks the line of a call: it has no optional arguments that are zero or preset,
// but a NULL token, and of a successful call the results that are not lengths or nil.
func TestCallTextLeavesOutAbsentValues(t *testing.T) {
	const ok, no = green + "STATUS_SUCCESS" + reset, red + "STATUS_ACCESS_DENIED" + reset
	for _, c := range []struct {
		name    string
		in, out any // nil: zero
		st      ntstatus.Status
		want    string
	}{
		{"NtFilterToken", nil, nil, 0, "(ExistingTokenHandle=NULL) -> " + ok + " NewTokenHandle=NULL"},
		{"NtDuplicateObject", nil, nil, ntstatus.AccessDenied, "(SourceProcessHandle=NULL, SourceHandle=NULL, " +
			"TargetProcessHandle=NULL, DesiredAccess=0x0) -> " + no},
		{"SeTokenIsAdmin", nil, nil, 0, "(Token=None) -> " + ok + " Result=False"},
		{"NtCreateFile", nil, nil, ntstatus.AccessDenied, "(DesiredAccess=0, FileAttributes=0x0) -> " + no},
		{"NtFsControlFile", nt.FsControlFileIn{FsControlCode: winnt.FSCTL_PIPE_LISTEN}, nil, ntstatus.AccessDenied,
			"(FileHandle=NULL, FsControlCode=FSCTL_PIPE_LISTEN) -> " + no},
		{"PsIsThreadImpersonating", nil, nil, ntstatus.AccessDenied, "() -> " + no},
		{"NtCompareTokens", nil, nt.CompareTokensOut{Equal: true}, ntstatus.AccessDenied,
			"(FirstTokenHandle=NULL, SecondTokenHandle=NULL) -> " + no},
		{"NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{TokenHandle: 8, BufferLength: 64 << 10}, nil, 0,
			"(TokenHandle=0x8, DisableAllPrivileges=False, PreviousState=False) -> " + ok},
		{"NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{BufferLength: 1}, nil, 0, "(TokenHandle=NULL, " +
			"DisableAllPrivileges=False, BufferLength=1, PreviousState=False) -> " + ok},
		{"NtAdjustGroupsToken", nil, nt.AdjustGroupsTokenOut{ReturnLength: 4}, 0,
			"(TokenHandle=NULL, ResetToDefault=False, PreviousState=False) -> " + ok},
		{"NtAccessCheck", nil, nt.AccessCheckOut{PrivilegeSetLength: 20}, 0,
			"(ClientToken=NULL, DesiredAccess=0) -> " + ok + " GrantedAccess=0x0 AccessStatus=STATUS_SUCCESS"},
	} {
		row := cmp.Or(nt.NtTable.Find(c.name), kernel.Table.Find(c.name))
		in := cmp.Or(c.in, reflect.Zero(row.InType()).Interface())
		out := cmp.Or(c.out, reflect.Zero(row.OutType()).Interface())
		p := &Printer{Colour: true}
		line := p.Lines(&nt.Call{Row: row, In: in, Out: out, Status: c.st})[0]
		check.Equal(t, line, "                   "+c.name+c.want, "the call")
	}
	check.SlicesEqual(t, OutNames(nt.NtTable.Find("NtOpenEvent")), []string{"status", "EventHandle"}, "results")
}

package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Sizes on 64-bit Windows, in bytes.
const (
	basicSize          = 48 // PROCESS_BASIC_INFORMATION, THREAD_BASIC_INFORMATION
	timesSize          = 32 // KERNEL_USER_TIMES
	handleCountSize    = 4
	handleSnapshotHead = 16 // PROCESS_HANDLE_SNAPSHOT_INFORMATION without its entries
	handleEntrySize    = 40
	firstTypeIndex     = 2 // of ObjectTypesInformation
)

// NtGetNextProcess opens the process with the next id, the first one for handle 0. It skips processes that the caller
// may not open, and returns STATUS_NO_MORE_ENTRIES after the last. The handle needs no right. Flags other than 0 and
// unknown attributes are STATUS_INVALID_PARAMETER. Reserved rights, and the SACL without its privilege, are refused and
// not skipped.
func (c *Context) NtGetNextProcess(in nt.GetNextProcessIn) (out nt.GetNextProcessOut, st ntstatus.Status) {
	// capture
	if in.Flags != 0 {
		// There are no flags.
		return out, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	if st := c.CheckAttributes(in.HandleAttributes); st != ntstatus.Success {
		return out, st
	}
	// Reserved bits are refused, and access to the SACL without its privilege (O-20, O-30).
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	// reference
	var after winnt.Handle
	if in.ProcessHandle != 0 {
		p, st := c.referenceProcess(in.ProcessHandle, 0)
		if st != ntstatus.Success {
			return out, st
		}
		after = p.ID()
		p.Deref(ob.TagCall)
	}
	// decide and commit: processes that the caller may not open are passed over
	for {
		p, id := c.Sys.ProcessAfter(after)
		if p == nil {
			break
		}
		out.NewProcessHandle, st = c.openByID(p, winnt.ProcessObject, in.DesiredAccess, in.HandleAttributes)
		p.Deref(ob.TagCall)
		if st != ntstatus.AccessDenied {
			return out, st
		}
		c.why = ob.Why{} // the reason must not disclose an object that the caller may not open
		after = id
	}
	// The list ends behind the last process that the caller may open.
	return out, c.Fail("U-95", ntstatus.NoMoreEntries)
}

// NtQueryInformationProcess returns information of one class about a process. An unknown class is
// STATUS_INVALID_INFO_CLASS. A length that does not fit is STATUS_INFO_LENGTH_MISMATCH, with the size in ReturnLength.
// The list of handles needs PROCESS_QUERY_INFORMATION, every other class PROCESS_QUERY_LIMITED_INFORMATION. The class
// is checked before the handle. Only lengths of fixed size must be exact.
func (c *Context) NtQueryInformationProcess(in nt.QueryInformationProcessIn) (out nt.QueryInformationProcessOut,
	st ntstatus.Status) {
	// capture
	want := winnt.PROCESS_QUERY_LIMITED_INFORMATION
	exact := uint32(0)
	switch in.ProcessInformationClass {
	case nt.ProcessBasicInformation:
		exact = basicSize
	case nt.ProcessTimes:
		exact = timesSize
	case nt.ProcessHandleCount:
		exact = handleCountSize
	case nt.ProcessImageFileName:
	case nt.ProcessHandleInformation:
		// A process's resources are more than its identity (U-96).
		want = winnt.PROCESS_QUERY_INFORMATION
	default:
		return out, c.Fail("U-96", ntstatus.InvalidInfoClass)
	}
	if in.FaultReturnLength != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultReturnLength)
	}
	// reference
	p, st := c.referenceProcess(in.ProcessHandle, want)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	// decide
	value := c.processFact(p, in.ProcessInformationClass)
	out.ReturnLength = exact
	switch v := value.(type) {
	case string:
		out.ReturnLength = nameSize(v)
	case []nt.ProcessHandle:
		out.ReturnLength = handleSnapshotHead + handleEntrySize*uint32(len(v))
	}
	if !fits(in.ProcessInformationLength, out.ReturnLength, exact != 0) {
		return out, c.Fail("U-96", ntstatus.InfoLengthMismatch)
	}
	out.ProcessInformation = value
	return out, ntstatus.Success
}

// fits reports whether a query's buffer of length bytes suits a class of need bytes: it must be equal if exact is true,
// else at least need. The length anySize stands for the required length and always fits.
func fits(length, need uint32, exact bool) bool {
	if exact && length != anySize {
		return length == need
	}
	return length >= need
}

// processFact returns the information of a process for a class. Every class without its own value is the list of
// handles, which may be empty. Handle counts do not include those of the query.
func (c *Context) processFact(p *ps.Process, class nt.ProcessInfoClass) any {
	switch class {
	case nt.ProcessBasicInformation:
		return nt.ProcessBasic{ExitStatus: p.ExitStatus(), UniqueProcessID: p.ID(),
			InheritedFromUniqueProcessID: p.Parent()}
	case nt.ProcessTimes:
		return nt.KernelUserTimes{CreateTime: p.Created()}
	case nt.ProcessHandleCount:
		return uint32(p.Table().Count())
	case nt.ProcessImageFileName:
		return p.Name()
	}
	list := []nt.ProcessHandle{}
	for e := range p.Table().All() {
		h := e.Object.Head()
		handles, pointers := h.Counts(1) // without the reference that All holds
		list = append(list, nt.ProcessHandle{HandleValue: e.Handle, HandleCount: uint32(handles),
			PointerCount: uint32(pointers), GrantedAccess: e.Access, ObjectTypeIndex: typeIndex(h.Type()),
			HandleAttributes: e.Attributes})
	}
	return list
}

// typeIndex returns the number of an object type in ObjectTypesInformation, or 0 for a type that is not in the list.
func typeIndex(t *ob.Type) uint32 {
	for i, k := range ObjectTypes {
		if k == t {
			return uint32(i + firstTypeIndex)
		}
	}
	return 0
}

// NtQueryInformationThread returns information of one class about a thread. An unknown class is
// STATUS_INVALID_INFO_CLASS. A length that does not fit is STATUS_INFO_LENGTH_MISMATCH, with the size in ReturnLength.
// The handle must grant THREAD_QUERY_LIMITED_INFORMATION. The class is checked before the handle.
func (c *Context) NtQueryInformationThread(in nt.QueryInformationThreadIn) (out nt.QueryInformationThreadOut,
	st ntstatus.Status) {
	// capture
	exact := uint32(0)
	switch in.ThreadInformationClass {
	case nt.ThreadBasicInformation:
		exact = basicSize
	case nt.ThreadTimes:
		exact = timesSize
	case nt.ThreadNameInformation:
	default:
		return out, c.Fail("U-97", ntstatus.InvalidInfoClass)
	}
	if in.FaultReturnLength != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultReturnLength)
	}
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_QUERY_LIMITED_INFORMATION,
		ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// decide
	var value any
	switch in.ThreadInformationClass {
	case nt.ThreadBasicInformation:
		value = nt.ThreadBasic{ExitStatus: t.ExitStatus(),
			ClientID: nt.ClientID{UniqueProcess: t.Process().ID(), UniqueThread: t.ID()}}
	case nt.ThreadTimes:
		value = nt.KernelUserTimes{CreateTime: t.Created()}
	case nt.ThreadNameInformation:
		value = t.Name()
		out.ReturnLength = nameSize(t.Name())
	}
	if exact != 0 {
		out.ReturnLength = exact
	}
	if !fits(in.ThreadInformationLength, out.ReturnLength, exact != 0) {
		return out, c.Fail("U-97", ntstatus.InfoLengthMismatch)
	}
	out.ThreadInformation = value
	return out, ntstatus.Success
}

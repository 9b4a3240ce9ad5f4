package refusals

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Reasons for conditions without a refusal.
const (
	cFace       = "an output variable that cannot be written exists in the C face only"
	notARefusal = "nothing is wrong with such a call"
)

// longSACL is the condition of a SACL that leaves no space for a label.
var longSACL = absence{"S-17", "", "a matter of the descriptor alone: TestSACLWithoutSpaceForLabelIsRefused"}

var (
	documented = []nt.Profile{nt.Documented}
	observed   = []nt.Profile{nt.Observed}
)

// desired returns the failures to inject into an open's DesiredAccess. mask returns a pointer to it. unknown is a bit
// that the type does not have; 0 leaves out that failure.
func desired[I any](mask func(I) *winnt.AccessMask, unknown winnt.AccessMask) []refusal[I] {
	list := []refusal[I]{
		{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
			inject: func(_ *world, in I) { *mask(in) |= 0x00400000 }},
		{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
			takes: "desired.security", needs: userOnly,
			inject: func(_ *world, in I) { *mask(in) |= winnt.ACCESS_SYSTEM_SECURITY }},
		{rule: "O-90", want: ntstatus.AccessDenied, name: "DesiredAccess 0", takes: "desired", needs: userOnly,
			inject: func(_ *world, in I) { *mask(in) = 0 }},
	}
	list = append(list,
		refusal[I]{rule: "O-81", want: ntstatus.InsufficientResources, when: "for the handle",
			name:   "no memory for the handle",
			takes:  "memory.handle",
			inject: func(w *world, _ I) { w.failing["ob: handle"] = true }})
	if unknown != 0 {
		list = append(list,
			refusal[I]{rule: "O-21", want: ntstatus.AccessDenied, name: "bits the type does not know", takes: "desired.unknown",
				needs:  userOnly,
				inject: func(_ *world, in I) { *mask(in) |= unknown }})
	}
	return list
}

// handles returns the three failures of a handle parameter: invalid handle, wrong type and missing rights. Their
// statuses are STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH and STATUS_ACCESS_DENIED. rule is the condition's
// rule. when is part of its text, "" if rule and status identify the condition. name is the parameter, and bad
// returns a pointer to it. bare returns a handle of the right type with all rights except the required ones.
func handles[I any](rule, when, name string, bad func(I) *winnt.Handle, bare func(w *world) winnt.Handle) []refusal[I] {
	return []refusal[I]{
		{rule: rule, want: ntstatus.InvalidHandle, when: when, name: name + " names nothing", takes: name,
			inject: func(_ *world, in I) { *bad(in) = noHandle }},
		{rule: rule, want: ntstatus.ObjectTypeMismatch, when: when, name: name + " of another type", takes: name,
			inject: func(w *world, in I) { *bad(in) = w.handle(w.anotherType(), 0) }},
		{rule: rule, want: ntstatus.AccessDenied, of: ofHandle, when: when, name: name + " without the right", takes: name,
			needs:  userOnly,
			inject: func(w *world, in I) { *bad(in) = bare(w) }},
	}
}

// anotherType returns an object that is not a token, thread or process: a job. It returns the same one at each call.
func (w *world) anotherType() *ps.Job {
	if w.odd == nil {
		w.odd = w.server.Object().System().NewJob(w.server.Object().Token())
	}
	return w.odd
}

// caller returns the failure of a caller that impersonates a client below SecurityImpersonation. rule is the rule of
// the condition.
func caller[I any](rule string) refusal[I] {
	return refusal[I]{rule: rule, want: ntstatus.BadImpersonationLevel, name: "caller at SecurityIdentification",
		takes: "caller", needs: userOnly,
		inject: func(w *world, _ I) { w.callerAt(winnt.SecurityIdentification) }}
}

// inUserMode restricts failures to calls from user mode, for conditions that kernel mode does not test. It changes
// and returns list.
func inUserMode[I any](list []refusal[I]) []refusal[I] {
	for i := range list {
		list[i].needs = userOnly
	}
	return list
}

// unreadable makes the capture of a parameter fail with STATUS_ACCESS_VIOLATION, as a bad pointer does.
func unreadable[T any](c *nt.Captured[T]) { *c = nt.Captured[T]{Status: ntstatus.AccessViolation} }

// join concatenates lists of failures, in their order.
func join[I any](lists ...[]refusal[I]) (all []refusal[I]) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// exclusiveInherited returns the refusal of OBJ_EXCLUSIVE together with OBJ_INHERIT in attributes to which a returns a
// pointer. takes is the part of the call that has the attributes. Another refusal can set other bits of them.
func exclusiveInherited[I any](takes string, a func(I) *uint32) refusal[I] {
	return refusal[I]{rule: "O-27", want: ntstatus.InvalidParameter, when: "with OBJ_INHERIT",
		name: "OBJ_EXCLUSIVE with OBJ_INHERIT", takes: takes + ".exclusive",
		inject: func(_ *world, in I) { *a(in) |= winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT }}
}

// fileMapping returns the generic mapping of files as a captured parameter.
func fileMapping() nt.Captured[winnt.GenericMapping] { return nt.Cap(winnt.FileObject.Mapping) }

// badTypes returns an invalid object type list: it has two roots.
func badTypes() nt.Captured[[]access.ObjectTypeEntry] {
	return nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {GUID: winnt.GUID{2}}})
}

// goodTypes returns a valid list of two object types, at levels 0 and 1.
func goodTypes() nt.Captured[[]access.ObjectTypeEntry] {
	return nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}})
}

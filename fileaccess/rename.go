package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Move is a rename or hard link: the handle, the current state of the source,
// and the target. The zero value has no rights.
type Move struct {
	Subject access.Subject
	Face    Face
	Granted winnt.AccessMask // of the source's handle

	Directory     bool // the source is a directory
	Stream        bool // the handle is of a named stream
	DeletePending bool // the source is to be deleted
	OpensBelow    bool // there are opens below the source, a directory

	BadName         bool // the new name is malformed
	SameDirectory   bool // the target directory is the one the source is in
	SameName        bool // and the new name is exactly the old one
	ReplaceIfExists bool
	// Intent says that the request has the option for backup intent (F-209).
	Intent bool

	// Target has the facts of the target directory, which is opened by the rules
	// of [Open]. Target.Object is the directory itself. Target.Policy is the
	// policy of the decision.
	Target   Facts
	Existing *Existing // the object with the new name; nil: none
}

// Existing is an object that already has the new name. The zero value is a file
// without a descriptor. Only a subject that may delete the directory's children
// can delete it.
type Existing struct {
	IsDirectory   bool
	Attributes    Attributes
	Descriptor    *sd.Descriptor // nil grants nothing
	DeletePending bool
	Open          bool // there is an open of it
}

// MoveDecision is the result of a rename or link. The zero value denies.
type MoveDecision struct {
	ntstatus.Verdict
	Rule           string // the rule that refused; "" for success
	Nothing        bool   // old and new name are the same: there is nothing to do
	Replaces       bool   // Existing is to be removed
	PrivilegesUsed winnt.PrivilegeSet
}

// move is the state of one decision about a rename or link.
type move struct {
	engine
	m *Move
	d MoveDecision
	// granted holds what the open of the target directory granted.
	granted winnt.AccessMask
}

// DecideRename decides a rename (F-57, F-58). Neither a rename nor a link
// changes a descriptor. An object keeps its inherited entries until inheritance
// is run again (F-60). A nil move is STATUS_INVALID_PARAMETER.
func DecideRename(m *Move) MoveDecision {
	if m == nil {
		return MoveDecision{Verdict: ntstatus.Decided(ntstatus.InvalidParameter)}
	}
	v := move{engine: engineOf(&m.Subject, &m.Target.Policy), m: m}
	v.d.Verdict = ntstatus.Decided(v.rename())
	return v.d
}

// DecideLink decides the creation of a hard link (F-59). The source's handle
// needs FILE_WRITE_ATTRIBUTES, unless Policy.LinkNeedsNothing. A nil move is
// STATUS_INVALID_PARAMETER.
func DecideLink(m *Move) MoveDecision {
	if m == nil {
		return MoveDecision{Verdict: ntstatus.Decided(ntstatus.InvalidParameter)}
	}
	v := move{engine: engineOf(&m.Subject, &m.Target.Policy), m: m}
	v.d.Verdict = ntstatus.Decided(v.link())
	return v.d
}

// fail records the rule that refuses and returns st.
func (v *move) fail(rule string, st ntstatus.Status) ntstatus.Status {
	v.d.Rule = rule
	return st
}

// rename decides whether a handle may rename its object (F-57). A rename to the same name succeeds and sets Nothing.
// Errors are:
//   - no DELETE right, a pending deletion, or opens below a directory: STATUS_ACCESS_DENIED
//   - a bad name: STATUS_INVALID_PARAMETER
//   - the target directory or an existing target: the status of enter or replace
//   - no right to add to the target directory: STATUS_ACCESS_DENIED
func (v *move) rename() ntstatus.Status {
	m := v.m
	// A rename needs DELETE on the handle and a good name.
	switch {
	case m.Granted&winnt.DELETE == 0:
		return v.fail("F-57", ntstatus.AccessDenied)
	case m.BadName:
		return v.fail("F-57", ntstatus.InvalidParameter)
	}
	right := winnt.FILE_ADD_FILE
	desired := right | winnt.SYNCHRONIZE
	if m.Directory {
		right, desired = winnt.FILE_ADD_SUBDIRECTORY, winnt.FILE_ADD_SUBDIRECTORY
	}
	// With backup intent, the directory is opened even if it is the source's (F-209).
	if st := v.enter(!m.SameDirectory || m.Face != Native || m.Intent, desired); st != ntstatus.Success {
		return st
	}
	// An object that is to be deleted is not renamed, nor is a directory with opens below it.
	switch {
	case m.DeletePending:
		return v.fail("F-57", ntstatus.AccessDenied)
	case m.Directory && m.OpensBelow:
		return v.fail("F-57", ntstatus.AccessDenied)
	case m.SameDirectory && m.SameName:
		v.d.Nothing = true
		return ntstatus.Success
	}
	if st := v.replace(); st != ntstatus.Success {
		return st
	}
	if v.granted&right == 0 { // F-57: no open was made
		if granted, _ := v.can(m.Target.Object.Descriptor, right); granted == 0 {
			return v.fail("F-57", ntstatus.AccessDenied)
		}
	}
	return ntstatus.Success
}

// enter checks the token and, if opens is true, opens the target directory (F-57). desired has the rights of that
// open. The granted rights and used privileges are stored in v. Errors are:
//   - a missing token: STATUS_NO_TOKEN
//   - a client whose level is too low: STATUS_BAD_IMPERSONATION_LEVEL
//   - a refused open: the status and rule of that open
func (v *move) enter(opens bool, desired winnt.AccessMask) ntstatus.Status {
	switch {
	case v.token() == nil:
		return v.fail("A-30", ntstatus.NoToken)
	case !v.mayAsk():
		return v.fail("A-30", ntstatus.BadImpersonationLevel)
	case !opens:
		return ntstatus.Success
	}
	// The target directory must open for adding the object (F-57).
	r := Request{Subject: v.m.Subject, Desired: desired, Disposition: FileOpen, Options: OpenForBackupIntent,
		Share: ShareRead | ShareWrite}
	d := Open(&r, &v.m.Target)
	v.d.PrivilegesUsed |= d.PrivilegesUsed
	if !d.Allowed() {
		return v.fail(d.Rule, d.Status())
	}
	v.granted = d.Granted
	return ntstatus.Success
}

// replace decides whether the new name may replace an existing object (F-58). Without such an object the result is
// success. An allowed replacement sets Replaces. Errors are:
//   - ReplaceIfExists not set: STATUS_OBJECT_NAME_COLLISION
//   - an object with a pending deletion: STATUS_DELETE_PENDING
//   - a directory, or an object that is read-only, open or may not be deleted: STATUS_ACCESS_DENIED
func (v *move) replace() ntstatus.Status {
	x := v.m.Existing
	// An object in the way must be meant to be replaced, and must be one that can be deleted now.
	switch {
	case x == nil:
		return ntstatus.Success
	case !v.m.ReplaceIfExists:
		return v.fail("F-58", ntstatus.ObjectNameCollision)
	case x.IsDirectory, x.Attributes&AttributeReadOnly != 0:
		return v.fail("F-58", ntstatus.AccessDenied)
	case x.DeletePending:
		return v.fail("F-58", ntstatus.DeletePending)
	case !v.mayDelete(x):
		return v.fail("F-58", ntstatus.AccessDenied)
	case x.Open:
		return v.fail("F-58", ntstatus.AccessDenied)
	}
	v.d.Replaces = true
	return ntstatus.Success
}

// mayDelete reports whether the subject may delete an entry of the target directory, by its own descriptor or the
// directory's (F-58). It records the restore privilege if that grants it. It records nothing otherwise.
func (v *move) mayDelete(x *Existing) bool {
	if granted, _ := v.can(x.Descriptor, winnt.DELETE); granted != 0 {
		return true
	}
	// The object's mandatory ceiling limits what the directory grants, as for an open with DELETE (F-42).
	if granted, _ := v.can(v.m.Target.Object.Descriptor, winnt.FILE_DELETE_CHILD); granted != 0 {
		return v.under(x.Descriptor, winnt.DELETE) != 0
	}
	if !v.m.Intent || !v.token().Has(winnt.SeRestorePrivilege) {
		return false
	}
	// With backup intent, the restore privilege gives DELETE under the object's mandatory ceiling (F-209).
	if v.intentUnder(x.Descriptor, winnt.DELETE) == 0 {
		return false
	}
	v.d.PrivilegesUsed |= winnt.SeRestorePrivilege.Bit()
	return true
}

// link decides whether a handle may create a hard link to its file (F-59). Errors are:
//   - a stream or a bad name: STATUS_INVALID_PARAMETER
//   - a directory: STATUS_FILE_IS_A_DIRECTORY
//   - a pending deletion: STATUS_ACCESS_DENIED
//   - a handle without FILE_WRITE_ATTRIBUTES, unless the policy waives that right: STATUS_ACCESS_DENIED
//   - the target directory or an existing target: the status of enter or replace
func (v *move) link() ntstatus.Status {
	m := v.m
	// A hard link needs a file that stays, the right to write its attributes, and a good name.
	switch {
	case m.Stream:
		return v.fail("F-59", ntstatus.InvalidParameter)
	case m.Directory:
		return v.fail("F-59", ntstatus.FileIsADirectory)
	case m.DeletePending:
		return v.fail("F-59", ntstatus.AccessDenied)
	case m.Granted&winnt.FILE_WRITE_ATTRIBUTES == 0 && !v.policy.LinkNeedsNothing:
		return v.fail("F-59", ntstatus.AccessDenied)
	case m.BadName:
		return v.fail("F-59", ntstatus.InvalidParameter)
	}
	// The target directory must open for adding files (F-59).
	if st := v.enter(true, winnt.FILE_ADD_FILE|winnt.SYNCHRONIZE); st != ntstatus.Success {
		return st
	}
	// An object in the way of a link is treated like one in the way of a rename (F-59).
	return v.replace()
}

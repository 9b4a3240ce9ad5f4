package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// opening is the state of one decision about an open: the request and the results so far. It lives on the stack of
// one call.
type opening struct {
	engine
	r  *Request
	f  *Facts
	tr *tracer // nil: the reasons are not recorded

	desired winnt.AccessMask // mapped, and cleaned by the face
	options CreateOptions
	parent  *Directory // nil: none that counts (F-25)

	share     winnt.AccessMask // what the share allows; everything without one
	pre       winnt.AccessMask // granted by intent (F-20)
	implied   winnt.AccessMask // additional rights that the disposition requires (F-33)
	unchecked winnt.AccessMask // the part of implied a privilege gives (F-34)
	granted   winnt.AccessMask
	used      winnt.PrivilegeSet

	rule      string // that refused
	refusedBy *sd.Descriptor
	about     Audited
	name      string           // of the directory that refused
	missing   winnt.AccessMask // the right it did not give
	stopped   int
	found     bool // the decision depends on the existing object (F-73)
	action    Action
	made      *creation // nil: nothing is created
	force     bool
}

// Open decides one open or create. The same inputs always give the same decision. A
// subject without a token gets STATUS_NO_TOKEN. A nil request or nil facts give
// STATUS_INVALID_PARAMETER.
//
// The order of the steps decides which status a request with several faults gets.
// STATUS_OBJECT_NAME_COLLISION and STATUS_NOT_A_DIRECTORY therefore reveal that a
// name exists, even to callers without a right on the object. Policy.HideDenied
// prevents that.
func Open(r *Request, f *Facts) Decision {
	if r == nil || f == nil {
		return noQuestion()
	}
	o := opening{engine: engineOf(&r.Subject, &f.Policy), r: r, f: f}
	return o.run()
}

// noQuestion returns the decision for a nil request or nil facts: it denies with STATUS_INVALID_PARAMETER.
func noQuestion() Decision {
	return Decision{Verdict: ntstatus.Decided(ntstatus.InvalidParameter)}
}

// run decides the open and returns the decision with the data for its audit record. With r.Maximal it also computes the
// maximal rights.
func (o *opening) run() Decision {
	st := o.decide()
	if st != ntstatus.Success {
		return o.refused(st)
	}
	d := Decision{Granted: o.granted, Implied: o.implied, Action: o.action, ForceShareRead: o.force,
		PrivilegesUsed: o.used, Verdict: ntstatus.Decided(ntstatus.Success)}
	d.Audit = Audit{About: AuditObject, Descriptor: o.f.Object.Descriptor, Name: o.r.Name,
		Desired: o.desired | o.implied, Granted: o.granted}
	// A creation is recorded by the new object's SACL (F-81).
	if o.made != nil {
		d.NewSD = o.made.descriptor
		d.Audit.Descriptor = o.made.descriptor
	}
	if o.r.Maximal {
		m := *o
		m.tr = nil
		d.Max = m.maximal()
	}
	return d
}

// decide runs the steps in their order. The first step that fails decides. Without a token the status is
// STATUS_NO_TOKEN. A client that may not ask at its level is STATUS_BAD_IMPERSONATION_LEVEL. OpenByFileID skips the
// walk, and only the SMB face has step 0.
func (o *opening) decide() ntstatus.Status {
	if o.token() == nil {
		return o.fail("A-30", ntstatus.NoToken)
	}
	// A client below Impersonation may ask nothing.
	if !o.mayAsk() {
		return o.fail("A-30", ntstatus.BadImpersonationLevel)
	}
	o.take()
	if o.r.Face == SMB { // step 0
		if st := o.gate(); st != ntstatus.Success {
			return st
		}
	}
	if st := o.parameters(); st != ntstatus.Success { // step 1
		return st
	}
	if o.f.ReadOnlyVolume && o.r.Disposition != FileOpen && o.r.Disposition != FileOpenIf { // step 2: F-14
		return o.fail("F-14", ntstatus.MediaWriteProtected)
	}
	if st := o.privileges(); st != ntstatus.Success { // step 3
		return st
	}
	if o.options&OpenByFileID == 0 { // step 4: F-25
		if st := o.walk(); st != ntstatus.Success {
			return st
		}
	}
	st := o.lastComponent() // steps 5 and 6
	if st != ntstatus.Success {
		return st
	}
	return o.underShare() // step 7
}

// take prepares the decision: it maps the requested rights and adds those that the interface requests implicitly
// (F-1, F-90). It changes o only, not the request.
func (o *opening) take() {
	desired := o.r.Desired
	if o.policy.Profile == Observed && desired&maximum != 0 {
		// Servers ignore a generic execute together with MAXIMUM_ALLOWED for an existing object (F-102).
		desired &^= winnt.GENERIC_EXECUTE
	}
	// The request is mapped before any other rule looks at it (F-1).
	o.desired, o.options, o.share = winnt.FileObject.Mapping.Map(desired), o.r.Options, everyRight
	// An open by file id has no parent to gain from (F-25).
	if o.options&OpenByFileID == 0 {
		o.parent = o.f.Parent
	}
	// CreateFile requests more rights than its caller names (F-90).
	if o.r.Face == Win32 {
		o.desired |= winnt.SYNCHRONIZE | winnt.FILE_READ_ATTRIBUTES
		if o.options&DeleteOnClose != 0 {
			o.desired |= winnt.DELETE
		}
	}
}

const everyRight = ^winnt.AccessMask(0)

// max reports whether the request asks for MAXIMUM_ALLOWED.
func (o *opening) max() bool { return o.desired&maximum != 0 }

// lastComponent creates or opens the object of the path's last component (steps 5 and 6). Errors include:
//   - a missing object with FileOpen or FileOverwrite: STATUS_OBJECT_NAME_NOT_FOUND (F-26)
//   - a missing object on a read-only volume: STATUS_MEDIA_WRITE_PROTECTED (F-26)
//   - a file, with DirectoryFile: STATUS_NOT_A_DIRECTORY, or with FileCreate STATUS_OBJECT_NAME_COLLISION (F-27)
//   - a directory, with NonDirectoryFile: STATUS_FILE_IS_A_DIRECTORY (F-27)
func (o *opening) lastComponent() ntstatus.Status {
	o.stopped = len(o.f.Path)
	ob := &o.f.Object
	// A missing name is made, unless the disposition only opens or the volume is read-only.
	if !ob.Exists {
		switch {
		case o.r.Disposition == FileOpen || o.r.Disposition == FileOverwrite:
			return o.fail("F-26", ntstatus.ObjectNameNotFound)
		case o.f.ReadOnlyVolume:
			return o.fail("F-26", ntstatus.MediaWriteProtected)
		}
		return o.create()
	}
	o.found = true
	// The object must be of the kind that the options want.
	switch {
	case o.options&DirectoryFile != 0 && !ob.directory():
		if o.r.Disposition == FileCreate {
			return o.fail("F-27", ntstatus.ObjectNameCollision)
		}
		return o.fail("F-27", ntstatus.NotADirectory)
	case o.options&NonDirectoryFile != 0 && ob.directory():
		return o.fail("F-27", ntstatus.FileIsADirectory)
	}
	return o.existing()
}

// fail records the rule that refuses and returns st.
func (o *opening) fail(rule string, st ntstatus.Status) ntstatus.Status {
	o.rule = rule
	return st
}

// refused returns the decision for a request that failed with status st, with the data for the audit record. If a
// hidden entry would be revealed, the decision has STATUS_OBJECT_NAME_NOT_FOUND, for FileCreate STATUS_ACCESS_DENIED,
// and the rule F-73; the audit record keeps st.
func (o *opening) refused(st ntstatus.Status) Decision {
	d := Decision{Verdict: ntstatus.Decided(st), Rule: o.rule, Implied: o.implied, PrivilegesUsed: o.used,
		StoppedAt: o.stopped}
	d.Audit = o.refusedAudit(st)
	if o.hides(st) { // F-73: the audit record above keeps the true status
		d.Rule = "F-73"
		if d.Verdict = ntstatus.Decided(ntstatus.ObjectNameNotFound); o.r.Disposition == FileCreate {
			d.Verdict = ntstatus.Decided(ntstatus.AccessDenied)
		}
	}
	return d
}

// refusedAudit returns the audit data of a refused open. A failure that is not about access rights returns zero. A
// refusal by a directory has the directory's name and the missing right. A refusal by the object or the share has
// the name and rights of the request.
func (o *opening) refusedAudit(st ntstatus.Status) Audit {
	a := Audit{About: o.about, Descriptor: o.refusedBy, Name: o.name, Desired: o.missing, Status: st}
	switch {
	case a.About == AuditDirectory:
		// The record is about the directory that refused and the right that was missing (F-81).
		return a
	case a.About == AuditShare:
		// A refusal by the share is a record of the share (F-83).
	case st != ntstatus.AccessDenied && st != ntstatus.PrivilegeNotHeld && st != ntstatus.CannotDelete,
		!o.f.Object.Exists, !o.found && st != ntstatus.PrivilegeNotHeld:
		// Only a failure about the rights to an object that exists is recorded (F-80).
		return Audit{}
	default:
		a.About, a.Descriptor = AuditObject, o.f.Object.Descriptor
	}
	a.Name, a.Desired = o.r.Name, o.desired|o.implied
	return a
}

// hides reports whether the failure would reveal an entry that enumeration hides. Only STATUS_ACCESS_DENIED,
// STATUS_OBJECT_NAME_COLLISION, STATUS_NOT_A_DIRECTORY, STATUS_FILE_IS_A_DIRECTORY and STATUS_CANNOT_DELETE would, and
// only at the last component. It returns false without a share.
func (o *opening) hides(st ntstatus.Status) bool {
	p := &o.f.Policy
	// Nothing is hidden unless policy and share hide entries and the last component was looked at (F-73).
	if !p.HideDenied || !o.found || o.f.Share == nil || !o.f.Share.ABE {
		return false
	}
	switch st {
	case ntstatus.AccessDenied, ntstatus.ObjectNameCollision, ntstatus.NotADirectory, ntstatus.FileIsADirectory,
		ntstatus.CannotDelete:
		// These statuses would reveal that a hidden entry exists (F-73).
		return !o.visible(o.f.Object.Descriptor, o.shareMaximal(o.f.Share))
	}
	return false
}

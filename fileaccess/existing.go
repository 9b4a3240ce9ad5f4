package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

const (
	overwriteNeeds = winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES
	supersedeNeeds = winnt.DELETE | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES

	// writing has the rights that a read-only file takes from an explicit request
	// (F-38), unwritable those it takes from maximum mode (F-41).
	writing    = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	unwritable = writing | winnt.FILE_DELETE_CHILD
)

// existing decides whether the open may open an existing object (step 6). Refusals before the access check are:
//   - a reparse point without OpenReparsePoint, except through SMB: STATUS_REPARSE (F-28)
//   - a symbolic link without OpenReparsePoint through SMB: STATUS_STOPPED_ON_SYMLINK (F-28)
//   - a write to a read-only file: STATUS_ACCESS_DENIED
//   - DeleteOnClose for a read-only object or volume: STATUS_CANNOT_DELETE
func (o *opening) existing() ntstatus.Status {
	ob := &o.f.Object
	// A reparse point that is not opened itself ends the open before any access test.
	if ob.ReparseTag != 0 && o.options&OpenReparsePoint == 0 {
		if o.r.Face != SMB {
			return o.fail("F-28", ntstatus.Reparse)
		}
		if ob.ReparseTag == SymbolicLinkTag {
			return o.fail("F-28", ntstatus.StoppedOnSymlink)
		}
	}
	if st := o.taken(); st != ntstatus.Success {
		return st
	}
	if st := o.imply(); st != ntstatus.Success {
		return st
	}
	readOnly := ob.Attributes&AttributeReadOnly != 0
	// A read-only file denies writing, appending, overwriting and superseding.
	if readOnly && ob.file() && ((o.desired|o.implied)&writing != 0 || o.r.Disposition == FileSupersede) {
		if o.tr != nil {
			o.tr.set((o.desired|o.implied)&(writing|winnt.DELETE), Reason{Kind: ReadOnlyAttribute})
		}
		return o.fail("F-38", ntstatus.AccessDenied)
	}
	// Nothing read-only, and nothing on a read-only volume, is deleted on close.
	if o.options&DeleteOnClose != 0 && (readOnly || o.f.ReadOnlyVolume) {
		if o.tr != nil {
			o.tr.set(winnt.DELETE, readOnlyReason(readOnly))
		}
		return o.fail("F-39", ntstatus.CannotDelete)
	}
	return o.checkObject()
}

// taken checks that the disposition of the open fits an object that exists (F-29). A stream that does not exist may
// be created in an existing file. A collision is STATUS_OBJECT_NAME_COLLISION, replacing the root of a volume
// STATUS_ACCESS_DENIED. A directory can only be opened.
func (o *opening) taken() ntstatus.Status {
	ob := &o.f.Object
	switch {
	case !ob.directory():
		// A file or stream that exists cannot be created.
		if o.r.Disposition == FileCreate && (!ob.Stream || ob.StreamExists) {
			return o.fail("F-29", ntstatus.ObjectNameCollision)
		}
	case o.r.Disposition == FileOpen || o.r.Disposition == FileOpenIf:
	case ob.VolumeRoot:
		// The root of a volume can only be opened; another disposition is a denial, not a collision.
		return o.fail("F-29", ntstatus.AccessDenied)
	default:
		return o.fail("F-29", ntstatus.ObjectNameCollision)
	}
	return ntstatus.Success
}

// imply computes the rights that the disposition needs beyond those requested (F-33, F-34). For example, overwriting
// needs FILE_WRITE_DATA. FileOpen and FileOpenIf of an existing object or stream need none. With the restore
// privilege these rights are not checked, and its use is recorded. Errors are:
//   - opening or overwriting a missing stream: STATUS_OBJECT_NAME_NOT_FOUND
//   - creating a stream on a read-only volume: STATUS_MEDIA_WRITE_PROTECTED
//   - replacing a hidden or system file without these attributes: STATUS_ACCESS_DENIED (F-35)
func (o *opening) imply() ntstatus.Status {
	ob, d := &o.f.Object, o.r.Disposition
	switch {
	case ob.Stream && !ob.StreamExists:
		switch {
		case d == FileOpen || d == FileOverwrite:
			// A stream that is missing cannot be opened or overwritten.
			return o.fail("F-33", ntstatus.ObjectNameNotFound)
		case o.f.ReadOnlyVolume:
			// A stream that is missing cannot be made on a read-only volume.
			return o.fail("F-26", ntstatus.MediaWriteProtected)
		}
		// Making a stream implies writing data (F-33).
		o.implied = winnt.FILE_WRITE_DATA
	case d == FileOpen || d == FileOpenIf:
		return ntstatus.Success
	case ob.Stream && d == FileSupersede:
		// Superseding a stream implies deleting it (F-33).
		o.implied = winnt.DELETE
	case ob.Stream:
		// Overwriting a stream implies writing its data (F-33).
		o.implied = winnt.FILE_WRITE_DATA
	default:
		lost := ob.Attributes &^ o.r.Attributes & (AttributeHidden | AttributeSystem)
		if lost != 0 { // F-35; a read-only volume ended in F-14
			if o.tr != nil {
				o.tr.set(o.desired, Reason{Kind: AttributeMismatch})
			}
			return o.fail("F-35", ntstatus.AccessDenied)
		}
		// Overwriting implies writing data, extended attributes and attributes; superseding implies deleting and the
		// latter two (F-33).
		if o.implied = overwriteNeeds; d == FileSupersede {
			o.implied = supersedeNeeds
		}
	}
	// The restore privilege gives the implied rights unchecked (F-34).
	if o.restores() {
		o.unchecked = o.implied
		if o.implied&^o.pre != 0 {
			// A grant by the restore privilege is recorded as a use of it, where intent did not grant the rights
			// before and recorded that (F-82).
			o.used |= winnt.SeRestorePrivilege.Bit()
		}
		if o.tr != nil {
			o.tr.set(o.unchecked&^o.pre, Reason{Kind: Intent, Privilege: winnt.SeRestorePrivilege})
		}
	}
	return ntstatus.Success
}

// checkObject runs the access check of an existing object (F-40 to F-46). The descriptor or the parent directory can
// grant a right. A right that neither grants, or a grant of no rights, is STATUS_ACCESS_DENIED. o.granted and o.used
// are set even after a refusal.
func (o *opening) checkObject() ntstatus.Status {
	d := o.f.Object.Descriptor
	o.granted = o.pre
	// Implied rights are checked too, except those that the restore privilege gives (F-33, F-34).
	remaining := o.desired&^(o.pre|maximum) | o.implied&^o.unchecked
	var checked winnt.AccessMask
	var used winnt.PrivilegeSet
	if o.max() {
		// Maximum mode grants all that the descriptor gives (F-41).
		checked, used = o.most(d, remaining)
		o.trace(d, (full|remaining)&^(o.pre|o.unchecked), checked)
		o.granted |= checked
		o.granted &^= o.unwritable()
	} else {
		// Each right that intent does not cover is checked by itself against the descriptor (F-40).
		checked, used = o.can(d, remaining)
		o.trace(d, remaining&^o.unchecked, checked)
		o.granted |= checked
	}
	o.used |= used
	o.throughParent(&o.granted, remaining, o.max())
	o.traceAttributes(remaining, checked)
	// SYNCHRONIZE and READ_CONTROL are not exceptions (F-46).
	// One right that is left denies all, and so does being granted nothing.
	if remaining&^(o.granted|o.unchecked) != 0 || o.granted|o.unchecked == 0 {
		return o.fail("F-44", ntstatus.AccessDenied)
	}
	if o.policy.Profile == Documented {
		// The documents leave the implied rights in the handle (F-36).
		o.granted |= o.unchecked
		return ntstatus.Success
	}
	o.granted |= o.unchecked & o.desired
	if !o.max() {
		// Servers as observed remove merely implied rights from the handle (F-36).
		o.granted &= o.desired
	}
	return ntstatus.Success
}

// traceAttributes records the parent directory as a reason why the attributes can be read. The reason is recorded
// only if the object's descriptor grants that right but refuses another requested right (F-80). Without a tracer or
// a parent directory nothing is recorded.
func (o *opening) traceAttributes(remaining, checked winnt.AccessMask) {
	const right = winnt.FILE_READ_ATTRIBUTES
	if o.tr == nil || o.max() || o.parent == nil || remaining&checked&right == 0 || remaining&^(checked|o.unchecked) == 0 {
		return
	}
	if allowed, _ := o.can(o.parent.Descriptor, winnt.FILE_LIST_DIRECTORY); allowed != 0 {
		o.tr.parent(&o.engine, o.parent.Descriptor, right, winnt.FILE_LIST_DIRECTORY, true)
	}
}

// trace records the check of the object's descriptor d for an explanation: of the rights want it granted those in
// granted. Without a tracer it does nothing.
func (o *opening) trace(d *sd.Descriptor, want, granted winnt.AccessMask) {
	if o.tr != nil {
		o.tr.object(&o.engine, d, want, granted)
	}
}

// unwritable returns the rights that a read-only file or volume removes in maximum mode, even from intent (F-41). It
// returns 0 for other files. It also records the reason for the tracer.
func (o *opening) unwritable() winnt.AccessMask {
	readOnly := o.f.Object.Attributes&AttributeReadOnly != 0 && o.f.Object.file()
	if !readOnly && !o.f.ReadOnlyVolume {
		return 0
	}
	if o.tr != nil {
		o.tr.set(unwritable, readOnlyReason(readOnly))
	}
	return unwritable
}

// readOnlyReason returns the reason for rights that a read-only file (attribute) or volume refuses.
func readOnlyReason(attribute bool) Reason {
	if attribute {
		return Reason{Kind: ReadOnlyAttribute}
	}
	return Reason{Kind: ReadOnlyVolume}
}

// throughParent adds to granted the rights on the object that its parent directory grants. FILE_DELETE_CHILD grants
// DELETE, and FILE_LIST_DIRECTORY grants FILE_READ_ATTRIBUTES. remaining is the set of rights still needed; max
// means every right. The object's mandatory ceiling limits these rights, its DACL does not (F-42, F-43).
func (o *opening) throughParent(granted *winnt.AccessMask, remaining winnt.AccessMask, max bool) {
	for _, g := range [...]struct{ right, parent winnt.AccessMask }{
		// FILE_DELETE_CHILD on a directory allows deleting its entries (F-42).
		{winnt.DELETE, winnt.FILE_DELETE_CHILD},
		// FILE_LIST_DIRECTORY on a directory allows reading the attributes of its entries (F-43).
		{winnt.FILE_READ_ATTRIBUTES, winnt.FILE_LIST_DIRECTORY},
	} {
		if *granted&g.right != 0 || !max && remaining&g.right == 0 || o.parent == nil {
			continue
		}
		allowed, _ := o.can(o.parent.Descriptor, g.parent)
		if allowed != 0 && o.under(o.f.Object.Descriptor, g.right) != 0 {
			*granted |= g.right
		}
		if o.tr != nil {
			o.tr.parent(&o.engine, o.parent.Descriptor, g.right, g.parent, *granted&g.right != 0)
		}
	}
}

// actionTaken returns the action that the response reports. A disposition that may overwrite counts as overwritten. A
// missing stream counts as created.
func (o *opening) actionTaken() Action {
	ob := &o.f.Object
	switch {
	case !ob.Exists, ob.Stream && !ob.StreamExists:
		return Created
	case o.r.Disposition == FileSupersede:
		return Superseded
	case o.r.Disposition == FileOverwrite || o.r.Disposition == FileOverwriteIf:
		return Overwritten
	}
	return Opened
}

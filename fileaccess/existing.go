package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

const (
	overwriteNeeds = winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES
	supersedeNeeds = winnt.DELETE | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES

	// writing are what a read-only file takes from an explicit request
	// (F-38), unwritable what it takes from maximum mode (F-41).
	writing    = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	unwritable = writing | winnt.FILE_DELETE_CHILD
)

// existing applies step 6 for a name that exists.
func (o *opening) existing() ntstatus.Status {
	ob := &o.f.Object
	if ob.ReparseTag != 0 && o.options&OpenReparsePoint == 0 { // F-28
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
	if readOnly && ob.file() && ((o.desired|o.implied)&writing != 0 || o.r.Disposition == FileSupersede) { // F-38
		if o.tr != nil {
			o.tr.set((o.desired|o.implied)&(writing|winnt.DELETE), Reason{Kind: ReadOnlyAttribute})
		}
		return o.fail("F-38", ntstatus.AccessDenied)
	}
	if o.options&DeleteOnClose != 0 && (readOnly || o.f.ReadOnlyVolume) { // F-39
		if o.tr != nil {
			o.tr.set(winnt.DELETE, readOnlyReason(readOnly))
		}
		return o.fail("F-39", ntstatus.CannotDelete)
	}
	return o.checkObject()
}

// taken applies F-29: dispositions that a thing which is there refuses.
func (o *opening) taken() ntstatus.Status {
	ob := &o.f.Object
	switch {
	case !ob.directory():
		if o.r.Disposition == FileCreate && (!ob.Stream || ob.StreamExists) { // F-29
			return o.fail("F-29", ntstatus.ObjectNameCollision)
		}
	case o.r.Disposition == FileOpen || o.r.Disposition == FileOpenIf:
	case ob.VolumeRoot: // F-29
		return o.fail("F-29", ntstatus.AccessDenied)
	default:
		return o.fail("F-29", ntstatus.ObjectNameCollision)
	}
	return ntstatus.Success
}

// imply adds the rights that the disposition stands for (F-33, F-34, F-35).
func (o *opening) imply() ntstatus.Status {
	ob, d := &o.f.Object, o.r.Disposition
	switch {
	case ob.Stream && !ob.StreamExists:
		switch {
		case d == FileOpen || d == FileOverwrite: // F-33
			return o.fail("F-33", ntstatus.ObjectNameNotFound)
		case o.f.ReadOnlyVolume: // F-26
			return o.fail("F-26", ntstatus.MediaWriteProtected)
		}
		o.implied = winnt.FILE_WRITE_DATA // F-33
	case d == FileOpen || d == FileOpenIf:
		return ntstatus.Success
	case ob.Stream && d == FileSupersede:
		o.implied = winnt.DELETE // F-33
	case ob.Stream:
		o.implied = winnt.FILE_WRITE_DATA // F-33
	default:
		lost := ob.Attributes &^ o.r.Attributes & (AttributeHidden | AttributeSystem)
		if lost != 0 { // F-35; a read-only volume ended in F-14
			if o.tr != nil {
				o.tr.set(o.desired, Reason{Kind: AttributeMismatch})
			}
			return o.fail("F-35", ntstatus.AccessDenied)
		}
		if o.implied = overwriteNeeds; d == FileSupersede { // F-33
			o.implied = supersedeNeeds
		}
	}
	if o.restores() { // F-34
		o.unchecked = o.implied
		if o.implied&^o.pre != 0 {
			o.used |= winnt.SeRestorePrivilege.Bit() // F-82
		}
		if o.tr != nil {
			o.tr.set(o.unchecked&^o.pre, Reason{Kind: Intent, Privilege: winnt.SeRestorePrivilege})
		}
	}
	return ntstatus.Success
}

// checkObject applies section 6.2 from F-40 on.
func (o *opening) checkObject() ntstatus.Status {
	d := o.f.Object.Descriptor
	o.granted = o.pre
	remaining := o.desired&^(o.pre|maximum) | o.implied&^o.unchecked // F-33, F-34
	var checked winnt.AccessMask
	var used winnt.PrivilegeSet
	if o.max() {
		checked, used = o.most(d, remaining) // F-41
		o.trace(d, (full|remaining)&^(o.pre|o.unchecked), checked)
		o.granted |= checked
		o.granted &^= o.unwritable()
	} else {
		checked, used = o.can(d, remaining) // F-40
		o.trace(d, remaining&^o.unchecked, checked)
		o.granted |= checked
	}
	o.used |= used
	o.throughParent(&o.granted, remaining, o.max())
	// F-46: SYNCHRONIZE and READ_CONTROL are no exceptions.
	if remaining&^(o.granted|o.unchecked) != 0 || o.granted|o.unchecked == 0 { // F-44
		return o.fail("F-44", ntstatus.AccessDenied)
	}
	if o.policy.Profile == Documented {
		o.granted |= o.unchecked // F-36
		return ntstatus.Success
	}
	o.granted |= o.unchecked & o.desired
	if !o.max() {
		o.granted &= o.desired // F-36
	}
	return ntstatus.Success
}

func (o *opening) trace(d *sd.Descriptor, want, granted winnt.AccessMask) {
	if o.tr != nil {
		o.tr.object(&o.engine, d, want, granted)
	}
}

// unwritable returns what a read-only file or volume takes from maximum mode,
// also from what intent granted (F-41).
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

func readOnlyReason(attribute bool) Reason {
	if attribute {
		return Reason{Kind: ReadOnlyAttribute}
	}
	return Reason{Kind: ReadOnlyVolume}
}

// throughParent adds what the directory gives of its entries: the right to
// delete them for the right to delete children, and to know their attributes
// for the right to list. The object's own entries do not count then, but its
// mandatory ceiling does (F-42, F-43).
func (o *opening) throughParent(granted *winnt.AccessMask, remaining winnt.AccessMask, max bool) {
	for _, g := range [...]struct{ right, parent winnt.AccessMask }{
		{winnt.DELETE, winnt.FILE_DELETE_CHILD},                 // F-42
		{winnt.FILE_READ_ATTRIBUTES, winnt.FILE_LIST_DIRECTORY}, // F-43
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

// actionTaken returns what the response reports.
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

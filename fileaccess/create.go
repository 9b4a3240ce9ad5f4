package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// creation is the object that an open will create, with its descriptor.
type creation struct{ descriptor *sd.Descriptor }

// creating returns the right on the directory that the open needs to create its object: to add a subdirectory or a
// file (F-31).
func (o *opening) creating() winnt.AccessMask {
	if o.options&DirectoryFile != 0 {
		return winnt.FILE_ADD_SUBDIRECTORY
	}
	return winnt.FILE_ADD_FILE
}

// create decides whether the open may create a missing object (step 6: F-30 to F-32). The creator is granted its
// request, or all rights with MAXIMUM_ALLOWED. On success o.granted and o.made are set. Errors are:
//   - a temporary directory: STATUS_INVALID_PARAMETER
//   - a read-only file with DeleteOnClose: STATUS_CANNOT_DELETE
//   - a denial by the directory: the status of refusedByDirectory
func (o *opening) create() ntstatus.Status {
	switch {
	case o.options&DirectoryFile != 0 && o.r.Attributes&AttributeTemporary != 0:
		// A directory cannot be temporary.
		return o.fail("F-30", ntstatus.InvalidParameter)
	case o.r.Attributes&AttributeReadOnly != 0 && o.options&DeleteOnClose != 0:
		// A file that is created read-only cannot be deleted on close.
		return o.fail("F-30", ntstatus.CannotDelete)
	}
	right := o.creating()
	// Neither the directory nor a privilege gives the right to make the object.
	if !o.parentAllows(right) {
		name, d := "", (*sd.Descriptor)(nil)
		if o.parent != nil {
			name, d = o.parent.Name, o.parent.Descriptor
		}
		if o.tr != nil {
			o.tr.set(o.desired, Reason{Kind: ParentDeny, Right: right})
		}
		return o.refusedByDirectory("F-31", d, name, right)
	}
	// The creator is granted its request, everything in maximum mode (F-32).
	if o.granted = o.desired &^ maximum; o.max() {
		o.granted |= full
	}
	if o.tr != nil {
		o.tr.set(o.granted, Reason{Kind: Creator})
	}
	d, st := o.assign()
	// No descriptor could be made for the new object.
	if st != ntstatus.Success {
		return o.fail("F-32", st)
	}
	// The creator's descriptor names a logon session in a way that no file stores.
	if d, st = Stored(d); st != ntstatus.Success {
		return o.fail("F-199", st)
	}
	o.made = &creation{d}
	return ntstatus.Success
}

// parentAllows reports whether the subject may create the object: by intent, by the directory's descriptor, or by the
// restore privilege (F-31). It adds the used privileges to o.used. Without a parent only intent and the restore
// privilege count.
func (o *opening) parentAllows(right winnt.AccessMask) bool {
	if o.pre&right != 0 {
		return true
	}
	if o.parent != nil {
		granted, used := o.can(o.parent.Descriptor, right)
		if granted != 0 {
			o.used |= used
			return true
		}
	}
	// Only the restore privilege can still replace the parent's right (F-21).
	if !o.restores() {
		return false
	}
	// A grant by the restore privilege is recorded as a use of it; only the privilege to pass never is (F-82).
	o.used |= winnt.SeRestorePrivilege.Bit()
	return true
}

// assign returns the descriptor of the new object, which inherits from the directory. Its lists are marked as
// inherited only if the directory's are (F-32, S-79).
func (o *opening) assign() (*sd.Descriptor, ntstatus.Status) {
	a := sd.AssignRequest{
		Creator:     o.r.CreatorSD,
		IsContainer: o.options&DirectoryFile != 0,
		Subject:     o.subject.Creator(),
		Mapping:     &winnt.FileObject.Mapping,
	}
	if o.parent != nil {
		a.Parent = heritable(o.parent.Descriptor)
	}
	if a.Parent.Control()&sd.DACLAutoInherited != 0 {
		a.Flags |= sd.DACLAutoInherit
	}
	if a.Parent.Control()&sd.SACLAutoInherited != 0 {
		a.Flags |= sd.SACLAutoInherit
	}
	return sd.Assign(&a)
}

// heritable returns a directory's descriptor without the entries that no new object inherits (F-200). It returns d
// itself if nothing is removed.
func heritable(d *sd.Descriptor) *sd.Descriptor {
	p := d.Parts()
	dacl, sacl := Heritable(p.DACL), Heritable(p.SACL)
	if dacl == p.DACL && sacl == p.SACL {
		return d
	}
	p.DACL, p.SACL = dacl, sacl
	return sd.New(p)
}

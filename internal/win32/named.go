package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Named identifies an object by type and name, as GetNamedSecurityInfo does. The zero value identifies none.
type Named struct {
	Name string // as the services know it: \BaseNamedObjects\x, \??\pipe\x
	File bool   // SE_FILE_OBJECT; otherwise SE_KERNEL_OBJECT
}

// Options of the handle to a file, which is open only during a call.
const (
	shareReadWrite      = 0x3  // FILE_SHARE_READ | FILE_SHARE_WRITE
	synchronousNonalert = 0x20 // FILE_SYNCHRONOUS_IO_NONALERT
)

// NamedSecurity returns parts of the descriptor of a named object. If the object does not exist, st is the status of
// opening it.
func (t *Thread) NamedSecurity(o Named, information uint32) (d *sd.Descriptor, st ntstatus.Status) {
	st = t.ReadNamed(o, information, func(h winnt.Handle) (st ntstatus.Status) {
		d, st = t.nt.NtQuerySecurityObject(h, information)
		return st
	})
	return d, st
}

// ReadNamed opens the object o with the rights that reading the parts in information needs, and calls do with the
// handle. do can so read the descriptor to a buffer of its own. ReadNamed closes the handle and returns the status of
// do. If the object cannot be opened, it returns the status of the open and does not call do.
func (t *Thread) ReadNamed(o Named, information uint32, do func(winnt.Handle) ntstatus.Status) ntstatus.Status {
	return t.withNamed(o, sd.QueryAccess(information), do)
}

// SetNamedSecurity sets parts of the descriptor of a named object. It opens the object before it evaluates d.
func (t *Thread) SetNamedSecurity(o Named, information uint32, d nt.Captured[*sd.Descriptor]) ntstatus.Status {
	return t.withNamed(o, sd.SetAccess(information), func(h winnt.Handle) ntstatus.Status {
		_, st := t.row("NtSetSecurityObject", nt.SetSecurityObjectIn{Handle: h,
			SecurityInformation: nt.SecurityInformation(information), SecurityDescriptor: d})
		return st
	})
}

// withNamed opens a named object, calls do with the handle and closes it. It returns the status of the open or of do.
// do is not called if the open fails.
func (t *Thread) withNamed(o Named, access winnt.AccessMask, do func(winnt.Handle) ntstatus.Status) ntstatus.Status {
	h, st := t.openNamed(o, access)
	if st != ntstatus.Success {
		return st
	}
	st = do(h)
	t.nt.NtClose(h) // cannot fail: openNamed created the handle
	return st
}

// openNamed opens a file, event, job, mutex, semaphore or timer by name. A kernel object of another type gives
// STATUS_OBJECT_TYPE_MISMATCH. The name of a file is not case-sensitive, others are.
func (t *Thread) openNamed(o Named, access winnt.AccessMask) (h winnt.Handle, st ntstatus.Status) {
	oa := &nt.ObjectAttributes{ObjectName: o.Name}
	if o.File {
		oa.Attributes = winnt.OBJ_CASE_INSENSITIVE
		return t.nt.NtOpenFile(access, oa, shareReadWrite, synchronousNonalert)
	}
	// Each service opens one type of object. For another type it returns STATUS_OBJECT_TYPE_MISMATCH (O-161).
	for _, open := range []func(winnt.AccessMask, *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status){t.nt.NtOpenEvent,
		t.nt.NtOpenJobObject, t.nt.NtOpenMutant, t.nt.NtOpenSemaphore, t.nt.NtOpenTimer} {
		if h, st = open(access, oa); st != ntstatus.ObjectTypeMismatch {
			break
		}
	}
	return h, st
}

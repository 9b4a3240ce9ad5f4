package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Named says which object a function means that takes a name instead of a handle,
// as GetNamedSecurityInfo does. The zero value names nothing.
type Named struct {
	Name string // as the services know it: \BaseNamedObjects\x, \??\pipe\x
	File bool   // SE_FILE_OBJECT; otherwise SE_KERNEL_OBJECT
}

// Options of the handle of a file that is open for the time of a call only.
const (
	shareReadWrite      = 0x3  // FILE_SHARE_READ | FILE_SHARE_WRITE
	synchronousNonalert = 0x20 // FILE_SYNCHRONOUS_IO_NONALERT
)

// NamedSecurity returns parts of the descriptor of a named object.
func (t *Thread) NamedSecurity(o Named, information uint32) (d *sd.Descriptor, st ntstatus.Status) {
	st = t.ReadNamed(o, information, func(h winnt.Handle) (st ntstatus.Status) {
		d, st = t.nt.NtQuerySecurityObject(h, information)
		return st
	})
	return d, st
}

// ReadNamed calls do with a handle to a named object that may be asked for those
// parts of its descriptor, for callers that have a buffer of their own. The
// handle is closed when do returns.
func (t *Thread) ReadNamed(o Named, information uint32, do func(winnt.Handle) ntstatus.Status) ntstatus.Status {
	return t.withNamed(o, sd.QueryAccess(information), do)
}

// SetNamedSecurity sets parts of the descriptor of a named object. That there is
// such an object is asked before d is looked at.
func (t *Thread) SetNamedSecurity(o Named, information uint32, d nt.Captured[*sd.Descriptor]) ntstatus.Status {
	return t.withNamed(o, sd.SetAccess(information), func(h winnt.Handle) ntstatus.Status {
		_, st := t.row("NtSetSecurityObject", nt.SetSecurityObjectIn{Handle: h,
			SecurityInformation: nt.SecurityInformation(information), SecurityDescriptor: d})
		return st
	})
}

// withNamed calls do with a handle to a named object, and closes it.
func (t *Thread) withNamed(o Named, access winnt.AccessMask, do func(winnt.Handle) ntstatus.Status) ntstatus.Status {
	h, st := t.openNamed(o, access)
	if st != ntstatus.Success {
		return st
	}
	st = do(h)
	t.nt.NtClose(h) // a handle of our own; the answer is that of do
	return st
}

// openNamed opens a file, or the event, job, mutex, semaphore or timer of that name.
func (t *Thread) openNamed(o Named, access winnt.AccessMask) (h winnt.Handle, st ntstatus.Status) {
	oa := &nt.ObjectAttributes{ObjectName: o.Name}
	if o.File {
		oa.Attributes = winnt.OBJ_CASE_INSENSITIVE
		return t.nt.NtOpenFile(access, oa, shareReadWrite, synchronousNonalert)
	}
	// A service opens objects of its own type only, and says so of others (O-161).
	for _, open := range []func(winnt.AccessMask, *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status){t.nt.NtOpenEvent,
		t.nt.NtOpenJobObject, t.nt.NtOpenMutant, t.nt.NtOpenSemaphore, t.nt.NtOpenTimer} {
		if h, st = open(access, oa); st != ntstatus.ObjectTypeMismatch {
			break
		}
	}
	return h, st
}

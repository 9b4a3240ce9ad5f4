package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Maximal returns the maximal access of a subject to an existing object. These
// are the rights that an open for MAXIMUM_ALLOWED without options would grant,
// limited to the share. Maximal ignores the read-only attribute and a read-only
// volume (F-45).
//
// A nil subject, or one without a token, gives STATUS_NO_TOKEN. Nil facts give
// STATUS_INVALID_PARAMETER, and a client below SecurityImpersonation
// STATUS_BAD_IMPERSONATION_LEVEL. If nothing is granted, the status is
// STATUS_ACCESS_DENIED.
func Maximal(s *access.Subject, f *Facts) MaximalAccess {
	switch {
	case s == nil:
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.NoToken)}
	case f == nil:
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.InvalidParameter)}
	}
	r := Request{Subject: *s}
	o := opening{engine: engineOf(s, &f.Policy), r: &r, f: f, parent: f.Parent, share: everyRight}
	switch {
	case o.token() == nil:
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.NoToken)}
	case !o.mayAsk():
		// A client below Impersonation may ask nothing.
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.BadImpersonationLevel)}
	case f.Share != nil:
		o.share = o.shareMaximal(f.Share)
	}
	return o.maximal()
}

// maximal computes the maximal access in the response to an open (F-45). The caller passes an opening without
// tracer, because these checks do not explain the open. If the client's time stamp is current, the verdict is
// STATUS_NONE_MAPPED. If no right is granted, the verdict is STATUS_ACCESS_DENIED.
func (o *opening) maximal() MaximalAccess {
	d := o.f.Object.Descriptor
	if o.made != nil { // F-45: the new object's descriptor decides, not the creator's grant
		d = o.made.descriptor
	} else if o.r.MaximalTime != 0 && o.r.MaximalTime == o.f.Object.ChangeTime {
		// The client's time stamp equals the object's, so the client knows the rights already (F-45).
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.NoneMapped)}
	}
	granted, _ := o.most(d, 0)
	if o.made == nil {
		o.throughParent(&granted, 0, true)
	} else {
		o.throughParentOf(&granted)
	}
	// The share limits the reported access; if nothing remains, access is denied (F-45, F-44).
	if granted &= o.share; granted == 0 {
		return MaximalAccess{Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
	}
	return MaximalAccess{Access: granted, Verdict: ntstatus.Decided(ntstatus.Success)}
}

// throughParentOf adds to granted the rights that the directory grants on the object that this open creates. The
// ceiling of the new descriptor limits them.
func (o *opening) throughParentOf(granted *winnt.AccessMask) {
	made, o2 := *o.f, *o
	made.Object.Descriptor = o.made.descriptor
	o2.f = &made
	o2.throughParent(granted, 0, true)
}

// exclusive decides whether an open may exclude other readers. An open that shares reading, and a new object,
// succeed. Other opens need a right (F-48):
//   - a directory without other opens: FILE_GENERIC_WRITE on the directory
//   - any other object: FILE_ADD_FILE on the parent directory
//
// Without the right the open is made to share reading. A directory opened with DisallowExclusive is refused with
// STATUS_ACCESS_DENIED instead.
func (o *opening) exclusive() ntstatus.Status {
	ob := &o.f.Object
	if !ob.Exists || o.r.Share&ShareRead != 0 {
		return ntstatus.Success
	}
	// A directory without other opens is checked for the right to write to it (F-48).
	if ob.directory() && !ob.OtherOpens {
		granted, _ := o.can(ob.Descriptor, winnt.FILE_GENERIC_WRITE)
		if granted == winnt.FILE_GENERIC_WRITE {
			return ntstatus.Success
		}
	} else if o.parent != nil {
		// For anything else the right to add files to its directory counts (F-48).
		if granted, _ := o.can(o.parent.Descriptor, winnt.FILE_ADD_FILE); granted != 0 {
			return ntstatus.Success
		}
	}
	// With DisallowExclusive the open of a directory is denied instead of made to share.
	if ob.directory() && o.options&DisallowExclusive != 0 {
		return o.fail("F-48", ntstatus.AccessDenied)
	}
	o.force = true
	return ntstatus.Success
}

// SharesModes reports whether an open takes part in share-mode conflicts,
// because it has read, write, append, execute or delete access. The caller must
// detect the conflicts itself, after the access check (F-49).
func SharesModes(granted winnt.AccessMask) bool {
	return granted&(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA|winnt.FILE_EXECUTE|winnt.DELETE) != 0
}

package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// walk checks that each directory of the path exists and can be traversed. The root of the share and the last
// component are not checked (F-22). The first component that fails decides the status. An empty path is a success.
func (o *opening) walk() ntstatus.Status {
	for i := range o.f.Path {
		c := &o.f.Path[i]
		o.stopped = i
		// The tests of a component come in this order.
		switch {
		case c.BadStream:
			return o.fail("F-22", ntstatus.ObjectNameInvalid)
		case !c.Exists, !c.IsDirectory:
			return o.fail("F-22", ntstatus.ObjectPathNotFound)
		case !o.traverse(c.Descriptor):
			if o.tr != nil {
				o.tr.set(o.desired, Reason{Kind: TraverseDenied, Component: i})
			}
			return o.refusedByDirectory("F-23", c.Descriptor, c.Name, winnt.FILE_TRAVERSE)
		case c.DeletePending:
			return o.fail("F-22", ntstatus.DeletePending)
		case c.SymbolicLink:
			return o.fail("F-22", ntstatus.StoppedOnSymlink)
		}
	}
	return ntstatus.Success
}

// traverse reports whether the subject may traverse a directory with descriptor d (F-23). Without an access check
// the result is true in three cases:
//   - the policy is TraverseNever
//   - the policy is TraversePrivilege and the token has SeChangeNotifyPrivilege
//   - backup intent granted the right
//
// The privilege is not recorded as used.
func (o *opening) traverse(d *sd.Descriptor) bool {
	switch {
	case o.policy.Traverse == TraverseNever:
		// The store checks no traverse right (F-23).
		return true
	case o.policy.Traverse == TraversePrivilege && o.token().Has(winnt.SeChangeNotifyPrivilege):
		// A holder of SeChangeNotifyPrivilege needs no traverse right (F-23).
		return true
	case o.pre&winnt.FILE_TRAVERSE != 0:
		// Intent granted the traversal (F-23).
		return true
	}
	granted, _ := o.can(d, winnt.FILE_TRAVERSE)
	return granted != 0
}

// refusedByDirectory records a directory that does not grant a right, for the audit record (F-81).
func (o *opening) refusedByDirectory(rule string, d *sd.Descriptor, name string,
	right winnt.AccessMask) ntstatus.Status {
	o.about, o.refusedBy, o.name, o.missing = AuditDirectory, d, name, right
	return o.fail(rule, ntstatus.AccessDenied)
}

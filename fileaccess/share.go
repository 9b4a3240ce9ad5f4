package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Rights of the three usual levels of a share (F-5).
const (
	ShareReadRights   winnt.AccessMask = 0x1200A9
	ShareChangeRights winnt.AccessMask = 0x1301BF
	ShareFullRights                    = winnt.FILE_ALL_ACCESS
)

// Tree is a connection of a subject to a share. The zero value has no rights.
type Tree struct {
	Maximal winnt.AccessMask // gates requests; belongs in Share.Maximal
	Told    winnt.AccessMask // the access that the client receives (TREE_CONNECT MaximalAccess)
}

// Connect decides a tree connect. It fails with STATUS_ACCESS_DENIED if the
// share gives the subject nothing (F-5), with STATUS_BAD_IMPERSONATION_LEVEL
// for a client below SecurityImpersonation, and with STATUS_NO_TOKEN
// without a token. A nil policy is the default one. A nil share gives nothing.
func Connect(s *access.Subject, share *Share, p *Policy) (Tree, ntstatus.Status) {
	if p == nil {
		p = &defaultPolicy
	}
	e := engineOf(s, p)
	switch {
	case e.token() == nil:
		return Tree{}, ntstatus.NoToken
	case !e.mayAsk():
		return Tree{}, ntstatus.BadImpersonationLevel
	case share == nil:
		return Tree{}, ntstatus.AccessDenied
	}
	found := *share
	found.Maximal = 0
	t := Tree{Maximal: e.shareMaximal(&found)}
	// A subject to whom the share grants no right cannot connect (F-5).
	if t.Maximal == 0 {
		return Tree{}, ntstatus.AccessDenied
	}
	// The client receives the result of another descriptor if the share has one for that (F-5).
	if t.Told = t.Maximal; share.Told != nil {
		t.Told, _ = e.can(share.Told, full)
	}
	return t, ntstatus.Success
}

// shareMaximal returns the rights that share s allows the subject (F-5): every right for nil, the rights in Maximal
// if that is set, else those that its descriptor grants.
func (e *engine) shareMaximal(s *Share) winnt.AccessMask {
	switch {
	case s == nil:
		return everyRight
	case s.Maximal != 0:
		return s.Maximal & full
	}
	m, _ := e.can(s.Descriptor, full)
	return m
}

// gate decides whether the share lets an SMB request continue (step 0: F-5, F-6). An allowed request loses the
// options and rights that an SMB server ignores, such as synchronous options (F-7). Refusals are:
//   - a request for no rights, or for ACCESS_SYSTEM_SECURITY alone, even without a share: STATUS_ACCESS_DENIED
//   - a share without rights, or a right that the share does not allow: STATUS_ACCESS_DENIED
//   - a right not allowed, with FileOpen and access-based enumeration: STATUS_OBJECT_NAME_NOT_FOUND
func (o *opening) gate() ntstatus.Status {
	s := o.f.Share
	if s != nil {
		o.share = o.shareMaximal(s)
	}
	open := s == nil || s.NoGate
	switch {
	case o.share == 0: // F-5: no connection could be made
		return o.refusedByShare("F-5", ntstatus.AccessDenied)
	case !open && o.options&DeleteOnClose != 0 && o.share&winnt.DELETE == 0: // the share does not allow DELETE (F-6)
		return o.refusedByShare("F-6", ntstatus.AccessDenied)
	case o.desired&^sacl == 0: // nothing, or only the SACL, is requested (F-6)
		return o.refusedByShare("F-6", ntstatus.AccessDenied)
	case !open && o.desired&^(sacl|maximum)&^o.share != 0: // the share does not allow a right (F-6)
		// Access-based enumeration changes the status of an open at the share alone (F-72).
		if s.ABE && o.r.Disposition == FileOpen {
			return o.refusedByShare("F-6", ntstatus.ObjectNameNotFound)
		}
		return o.refusedByShare("F-6", ntstatus.AccessDenied)
	}
	// The synchronous options are dropped before the store's rules see them (F-7).
	o.options &^= synchronous
	if o.options&NoIntermediateBuffering != 0 {
		// Appending is dropped from an unbuffered open (F-7).
		o.desired &^= winnt.FILE_APPEND_DATA
	}
	return ntstatus.Success
}

// refusedByShare returns the refusal st by a rule. Its audit record is about the share (F-83).
func (o *opening) refusedByShare(rule string, st ntstatus.Status) ntstatus.Status {
	// A refusal by the share is a record of the share (F-83).
	o.about = AuditShare
	if o.tr != nil {
		o.tr.set(o.desired&^(sacl|maximum)&^o.share, Reason{Kind: ShareMask})
	}
	return o.fail(rule, st)
}

// underShare removes the granted rights that the share does not allow (step 7). ACCESS_SYSTEM_SECURITY is never
// removed. If no right remains, or the share forbids an implied right or the creation, the status is
// STATUS_ACCESS_DENIED (F-8). Otherwise the action of the response is set, and exclusive decides the status.
func (o *opening) underShare() ntstatus.Status {
	roof := o.share | sacl
	needed := o.implied
	if o.made != nil {
		needed |= o.creating()
	}
	// An implied right or a creation outside the share is refused.
	if needed&^roof != 0 {
		if o.tr != nil {
			o.tr.set(needed&^roof, Reason{Kind: ShareMask})
		}
		// The record is about the share and not about the object (F-83).
		o.about = AuditShare
		return o.fail("F-8", ntstatus.AccessDenied)
	}
	if o.tr != nil {
		o.tr.set(o.granted&^roof, Reason{Kind: ShareMask})
	}
	// Being granted nothing is a denial (F-44).
	if o.granted &= roof; o.granted == 0 {
		// The record is about the share and not about the object (F-83).
		o.about = AuditShare
		return o.fail("F-8", ntstatus.AccessDenied)
	}
	o.action = o.actionTaken()
	return o.exclusive()
}

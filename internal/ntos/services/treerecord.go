package services

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// recordTree writes the audit record of an open, or refused open, of a tree file. Only user mode is recorded, if a
// SACL and the policy require that. remembered may be nil, or gets the later uses of the handle that must be
// recorded. A record that cannot be stored returns its status.
func (c *Context) recordTree(n *treeName, r *fileaccess.Request, facts *fileaccess.Facts, d *fileaccess.Decision,
	h winnt.Handle, remembered *audit.HandleAudit) ntstatus.Status {
	a := &d.Audit
	if c.Mode != access.User || !c.Sys.Log.Policy.Opens() ||
		a.About != fileaccess.AuditObject && a.About != fileaccess.AuditDirectory {
		return ntstatus.Success
	}
	// An open without a SACL and without a privilege is not recorded (U-10, U-17).
	if c.Sys.Log.Policy.Load().Quiet(winnt.FileObject.Name, a.Descriptor, d.PrivilegesUsed) {
		return ntstatus.Success
	}
	granted := access.Refuse(d.Status())
	if d.Allowed() {
		granted = access.Grant(a.Granted)
	}
	o := audit.Opening{Origin: originOf(&c.Caller),
		Object: audit.Object{Type: winnt.FileObject.Name, Name: n.above + `\` + a.Name, Handle: h},
		// The SACL is the object's, or that of the directory that refused (F-80, F-81).
		Request: &access.Request{Descriptor: a.Descriptor, Subject: r.Subject, Desired: a.Desired,
			Type: winnt.FileObject, Mode: c.Mode},
		Decision: granted.Using(d.PrivilegesUsed), Uses: true}
	if a.About == fileaccess.AuditObject && facts.Object.Exists {
		o.Reasons = func() []audit.Reason { return accessquery.AuditReasons(r, facts, d) }
	}
	ha, st := c.Sys.Log.Opened(&o)
	if remembered != nil {
		*remembered = ha
	}
	return st
}

// openRecorded opens a file of a tree and writes the audit record. Under a policy that fails closed, the record
// precedes an open that changes the tree (U-79). Any other open precedes its record, and is undone if the record
// fails. The caller must call f.Deref(ob.TagCall). again true means that no file was opened and the caller must
// repeat the lookup.
func (c *Context) openRecorded(n *treeName, r *fileaccess.Request, place nt.FilePlace, d *fileaccess.Decision,
	h winnt.Handle) (f *File, remembered audit.HandleAudit, again bool, st ntstatus.Status) {
	changes := d.Action != fileaccess.Opened || r.Options&fileaccess.DeleteOnClose != 0
	first := changes && c.Sys.Log.Policy.FailsClosed()
	if first {
		if st := c.recordTree(n, r, place.Facts(), d, h, &remembered); st != ntstatus.Success {
			// If a required record cannot be stored, the open fails and creates or truncates no file.
			return nil, remembered, false, c.Fail("U-64", st)
		}
	}
	open, again, st := place.Open(r, d)
	if again || st != ntstatus.Success {
		if first && remembered.GenerateOnClose {
			// The recorded open failed: a second record says that its handle is closed (U-79).
			o := audit.Object{Type: winnt.FileObject.Name, Handle: h}
			c.Sys.Log.Closed(c.origin(), o, remembered)
		}
		if !again { // a repeated lookup has its own reason
			c.Fail(ruleOfOpen(st), st)
		}
		return nil, remembered, again, st
	}
	f = c.treeFile(n, place, open, r, d)
	if first {
		return f, remembered, false, ntstatus.Success
	}
	if st := c.recordTree(n, r, place.Facts(), d, h, &remembered); st != ntstatus.Success {
		f.Deref(ob.TagCall)
		// If a required record cannot be stored, the open fails and grants no right.
		return nil, remembered, false, c.Fail("U-64", st)
	}
	return f, remembered, false, ntstatus.Success
}

// ruleOfLookup returns the rule id that the tracer shows for a failed lookup in a tree. STATUS_OBJECT_NAME_INVALID
// is a name that no tree file can have (F-113). Any other status is a name without a file that can be opened
// (F-112).
func ruleOfLookup(st ntstatus.Status) string {
	if st == ntstatus.ObjectNameInvalid {
		return "F-113"
	}
	return "F-112"
}

// ruleOfOpen returns the rule that the tracer shows for an open that the tree refused after the decision. It returns
// "F-124", the rule for errors of the host, for every status without a rule of its own.
func ruleOfOpen(st ntstatus.Status) string {
	switch st {
	case ntstatus.SharingViolation:
		// Another open does not share the access (F-116).
		return "F-116"
	case ntstatus.DeletePending:
		// The name is marked for deletion (F-117).
		return "F-117"
	case ntstatus.TooManyOpenedFiles:
		// The tree has too many open files (F-123).
		return "F-123"
	}
	return "F-124"
}

// recordShare writes the audit record of a request through a share, if the policy requires it. Each request is
// recorded once, as allowed or refused by the share; the file's decision is not recorded (F-178). Without a record
// the result is success. A failed record returns the status of the log.
func (c *Context) recordShare(n *treeName, r *fileaccess.Request, share *fileaccess.Share,
	d *fileaccess.Decision) ntstatus.Status {
	outcome := audit.Success
	if d.Audit.About == fileaccess.AuditShare {
		outcome = audit.Failure
	}
	if share == nil || n.recorded || c.Mode != access.User ||
		!c.Sys.Log.Records(audit.DetailedFileShare, outcome, r.Subject.Effective()) {
		return ntstatus.Success
	}
	n.recorded = true
	requested := winnt.FileObject.Mapping.Map(r.Desired) &^ winnt.MAXIMUM_ALLOWED
	if r.Desired&winnt.MAXIMUM_ALLOWED != 0 && d.Allowed() {
		requested |= d.Granted
	}
	check := audit.ShareCheck{Share: n.device.above[strings.LastIndexByte(n.device.above, '\\')+1:], Path: share.Path,
		Target: strings.TrimPrefix(n.above+`\`+n.name, n.device.above), Outcome: outcome,
		Request: access.Request{Descriptor: share.Descriptor, Subject: r.Subject, Desired: requested, Type: winnt.FileObject}}
	return c.Sys.Log.ShareChecked(originOf(&c.Caller), &check)
}

// tellTree explains a refused open to the tracer: the entries that decided, and why a stored descriptor was ignored. It
// does nothing if the call is not traced. The explanation replaces that of an earlier step.
func (c *Context) tellTree(n *treeName, r *fileaccess.Request, place nt.FilePlace) {
	if c.Why == nil {
		return
	}
	o := accessquery.ExplainOpen(r, place.Facts())
	c.why.Object, c.why.Because = n.above+`\`+n.name, o.Explanation.String()
	for _, line := range o.Entries() {
		c.why.Because += line + "\n"
	}
	if p, ok := place.(interface{ Cause() error }); ok && p.Cause() != nil && place.Facts().Object.Descriptor == nil {
		// For an invalid stored descriptor the reason is its cause, with the command that repairs it (F-204).
		c.why.Because += "its stored descriptor is invalid: " + p.Cause().Error() + "\n"
	}
}

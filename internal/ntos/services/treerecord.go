package services

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// recordTree records an open where a SACL and the policy ask for it.
func (c *Context) recordTree(n *treeName, r *fileaccess.Request, d *fileaccess.Decision, h winnt.Handle,
	remembered *audit.HandleAudit) ntstatus.Status {
	a := &d.Audit
	if c.Mode != access.User || !c.Sys.Log.Policy.Opens() ||
		a.About != fileaccess.AuditObject && a.About != fileaccess.AuditDirectory {
		return ntstatus.Success
	}
	granted := access.Refuse(d.Status())
	if d.Allowed() {
		granted = access.Grant(a.Granted)
	}
	o := audit.Opening{Origin: originOf(&c.Caller),
		Object: audit.Object{Type: winnt.FileObject.Name, Name: strings.TrimSuffix(n.above, `\`) + `\` + a.Name, Handle: h},
		// The SACL is that of the object, or of the directory that refused (F-80, F-81).
		Request: &access.Request{Descriptor: a.Descriptor, Subject: r.Subject, Desired: a.Desired,
			Type: winnt.FileObject, Mode: c.Mode},
		Decision: granted.Using(d.PrivilegesUsed)}
	ha, st := c.Sys.Log.Opened(&o)
	if remembered != nil {
		*remembered = ha
	}
	return st
}

// recordShare records a request that came through a share, once, where the policy asks for
// it: the share refused, or agreed whatever the file says then. F-178
func (c *Context) recordShare(n *treeName, r *fileaccess.Request, share *fileaccess.Share,
	d *fileaccess.Decision) ntstatus.Status {
	outcome := audit.Success
	if d.Audit.About == fileaccess.AuditShare {
		outcome = audit.Failure
	}
	if share == nil || n.told || c.Mode != access.User ||
		!c.Sys.Log.Records(audit.DetailedFileShare, outcome, r.Subject.Effective()) {
		return ntstatus.Success
	}
	n.told = true
	asked := winnt.FileObject.Mapping.Map(r.Desired) &^ winnt.MAXIMUM_ALLOWED
	if r.Desired&winnt.MAXIMUM_ALLOWED != 0 && d.Allowed() {
		asked |= d.Granted
	}
	check := audit.ShareCheck{Share: n.device.above[strings.LastIndexByte(n.device.above, '\\')+1:], Path: share.Path,
		Target: strings.TrimPrefix(n.above+`\`+n.name, n.device.above), Outcome: outcome,
		Request: access.Request{Descriptor: share.Descriptor, Subject: r.Subject, Desired: asked, Type: winnt.FileObject}}
	return c.Sys.Log.ShareChecked(originOf(&c.Caller), &check)
}

// tellTree explains a refusal to a tracer.
func (c *Context) tellTree(n *treeName, r *fileaccess.Request, facts *fileaccess.Facts) {
	if c.Why == nil {
		return
	}
	_, why := fileaccess.Explain(r, facts)
	c.why.Object, c.why.Because = n.above+`\`+n.name, why.String()
}

package services

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// treeName is a name in a tree.
type treeName struct {
	device *Device
	start  nt.OpenFile // the directory it is below; nil for the root of the tree
	above  string      // path of that directory, for records
	name   string      // below it, with backslashes
	held   ob.Object   // device or directory: one reference (TagCall)
	told   bool        // the request through the share is recorded
}

// inTree finds the tree that a name is in; ok is false for every other name.
func (c *Context) inTree(oa *nt.ObjectAttributes) (n treeName, ok bool, st ntstatus.Status) {
	if !c.Sys.HasTrees.Load() {
		return n, false, ntstatus.Success
	}
	if oa.RootDirectory != 0 {
		if f, _, st := ob.Reference[*File](&c.Caller, oa.RootDirectory, 0, FileType); st == ntstatus.Success {
			if f.open == nil {
				f.Deref(ob.TagCall)
				return n, false, ntstatus.Success
			}
			if strings.HasPrefix(oa.ObjectName, `\`) {
				f.Deref(ob.TagCall)
				// A name below a directory is relative.
				return n, true, c.Fail("O-23", ntstatus.ObjectPathSyntaxBad)
			}
			return treeName{f.device, f.open, f.Path(), oa.ObjectName, f, false}, true, ntstatus.Success
		}
	}
	name := nameOf(oa)
	if path, cut := strings.CutSuffix(oa.ObjectName, `\`); cut && path != "" {
		name.Path, name.Below = path, `\`
	}
	subject := c.self.Subject()
	p, st := c.Sys.Names.Resolve(&c.Caller, name, FileType, &subject, 0)
	if st != ntstatus.Success {
		return n, false, ntstatus.Success // what is wrong is told where other names are opened
	}
	v, ok := p.Object.(*Device)
	if ok = ok && v.tree != nil; ok {
		v.Ref(ob.TagCall)
		n = treeName{v, nil, v.above, p.Rest, v, false}
	}
	p.Release()
	return n, ok, ntstatus.Success
}

// requestOf returns what a call asks of a file in a tree. Kernel mode is decided like
// its thread: a tree has no caller that passes unchecked. F-111
func (c *Context) requestOf(in *nt.CreateFileIn, oa *nt.ObjectAttributes, name string) *fileaccess.Request {
	return &fileaccess.Request{Subject: c.self.Subject(), Desired: in.DesiredAccess,
		Disposition: fileaccess.Disposition(in.CreateDisposition), Options: fileaccess.CreateOptions(in.CreateOptions),
		Attributes: in.FileAttributes, CreatorSD: oa.SecurityDescriptor, Share: fileaccess.ShareAccess(in.ShareAccess),
		Name: name}
}

// attempts bounds how often a name is looked up anew because the tree changed meanwhile.
const attempts = 16

// openTree opens or makes a file of a tree: find, decide, commit.
func (c *Context) openTree(n *treeName, in *nt.CreateFileIn, oa *nt.ObjectAttributes) (out nt.CreateFileOut,
	st ntstatus.Status) {
	r := c.requestOf(in, oa, n.name)
	for range attempts {
		// reference
		place, st := n.device.tree.Find(r, n.start)
		if st != ntstatus.Success {
			// The name means nothing that can be opened.
			return out, c.Fail("F-112", st)
		}
		out, again, st := c.openPlace(n, r, place, oa.Attributes)
		place.Release()
		if !again {
			return out, st
		}
	}
	// Other programs change the name faster than it is opened.
	return out, c.Fail("F-114", ntstatus.SharingViolation)
}

// openPlace decides about what was found and does it.
func (c *Context) openPlace(n *treeName, r *fileaccess.Request, place nt.FilePlace, attributes uint32) (
	out nt.CreateFileOut, again bool, st ntstatus.Status) {
	// decide
	facts := place.Facts()
	d := fileaccess.Open(r, facts)
	if st := c.recordShare(n, r, facts.Share, &d); st != ntstatus.Success {
		return out, false, c.Fail("U-64", st)
	}
	if !d.Allowed() {
		if st := c.recordTree(n, r, &d, 0, nil); st != ntstatus.Success {
			// A demanded record that cannot be kept is told instead of the refusal.
			return out, false, c.Fail("U-64", st)
		}
		c.tellTree(n, r, facts)
		return out, false, c.Fail(d.Rule, d.Status())
	}
	table := c.TableFor(attributes)
	if table == nil {
		return out, false, c.Fail("O-47", ntstatus.ProcessIsTerminating)
	}
	if st := c.MayInsert(); st != ntstatus.Success {
		return out, false, st
	}
	slot, st := table.Reserve()
	if st != ntstatus.Success {
		return out, false, c.Fail("O-82", st)
	}
	// commit
	open, again, st := place.Open(r, &d)
	if again || st != ntstatus.Success {
		slot.Abandon()
		// The file is shared otherwise, going away, or the system under the tree refused.
		return out, again, c.Fail("F-116", st)
	}
	f := c.treeFile(n, place, open, r, &d)
	defer f.Deref(ob.TagCall)
	var remembered audit.HandleAudit
	if st := c.recordTree(n, r, &d, slot.Handle(), &remembered); st != ntstatus.Success {
		slot.Abandon()
		// A demanded record that cannot be kept fails the open: nothing is granted.
		return out, false, c.Fail("U-64", st)
	}
	if remembered.GenerateOnClose {
		attributes |= winnt.OBJ_AUDIT_OBJECT_CLOSE
	}
	if st := slot.Publish(f, d.Granted, attributes); st != ntstatus.Success {
		return out, false, c.Fail("O-47", st)
	}
	if remembered.Pending != 0 {
		table.SetAudit(slot.Handle(), remembered.Pending)
	}
	return nt.CreateFileOut{FileHandle: slot.Handle(), Information: d.Action}, false, ntstatus.Success
}

// treeFile makes the file object of an open.
func (c *Context) treeFile(n *treeName, place nt.FilePlace, open nt.OpenFile, r *fileaccess.Request,
	d *fileaccess.Decision) *File {
	f := &File{device: n.device, open: open}
	f.path, f.face, f.profile = place.Path(), r.Face, place.Facts().Policy.Profile
	if facts := place.Facts(); facts.Share != nil && facts.Share.ABE {
		f.based = &accessBased{facts.Share, facts.Policy}
	}
	f.synchronous = r.Options&(fileaccess.SynchronousIOAlert|fileaccess.SynchronousIONonalert) != 0
	descriptor := d.NewSD
	if descriptor == nil {
		descriptor = place.Facts().Object.Descriptor
	}
	f.Init(FileType, f, descriptor)
	f.SetPath(n.device.above + `\` + f.path)
	n.device.census.Track(f)
	return f
}

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

// NtCreateFile opens or makes a file of a tree, or opens another named file.
func (c *Context) NtCreateFile(in nt.CreateFileIn) (out nt.CreateFileOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	n, ok, st := c.inTree(&oa)
	switch {
	case st != ntstatus.Success:
		return out, st
	case ok:
		defer n.held.Head().Deref(ob.TagCall)
		return c.openTree(&n, &in, &oa)
	case in.CreateDisposition > uint32(fileaccess.FileOverwriteIf):
		// There is no such disposition.
		return out, c.Fail("F-10", ntstatus.InvalidParameter)
	case in.CreateDisposition != winnt.FILE_OPEN && in.CreateDisposition != winnt.FILE_OPEN_IF:
		// Outside the trees nothing is made.
		return out, c.Fail("F-110", ntstatus.NotSupported)
	}
	opened, st := c.NtOpenFile(nt.OpenFileIn{DesiredAccess: in.DesiredAccess, ObjectAttributes: in.ObjectAttributes,
		ShareAccess: in.ShareAccess, OpenOptions: in.CreateOptions})
	return nt.CreateFileOut{FileHandle: opened.FileHandle, Information: fileaccess.Opened}, st
}

// openExisting opens what is there, for NtOpenFile.
func (c *Context) openExisting(n *treeName, in *nt.OpenFileIn, oa *nt.ObjectAttributes) (winnt.Handle,
	ntstatus.Status) {
	out, st := c.openTree(n, &nt.CreateFileIn{DesiredAccess: in.DesiredAccess, ShareAccess: in.ShareAccess,
		CreateDisposition: winnt.FILE_OPEN, CreateOptions: in.OpenOptions}, oa)
	return out.FileHandle, st
}

// NtDeleteFile removes the name of a file of a tree: an open for DELETE that ends at once.
func (c *Context) NtDeleteFile(in nt.DeleteFileIn) (out nt.DeleteFileOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	n, ok, st := c.inTree(&oa)
	if st != ntstatus.Success {
		return out, st
	}
	if !ok {
		// Only trees have files that can be deleted.
		return out, c.Fail("F-110", ntstatus.NotSupported)
	}
	defer n.held.Head().Deref(ob.TagCall)
	const shareAll = fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete
	opened, st := c.openTree(&n, &nt.CreateFileIn{DesiredAccess: winnt.DELETE, ShareAccess: uint32(shareAll),
		CreateDisposition: winnt.FILE_OPEN, CreateOptions: uint32(fileaccess.OpenReparsePoint)}, &oa)
	if st != ntstatus.Success {
		return out, st
	}
	_, st = c.NtSetInformationFile(nt.SetInformationFileIn{FileHandle: opened.FileHandle,
		FileInformationClass: nt.FileDispositionInformation,
		FileInformation:      nt.Cap[any](nt.FileDisposition{DeleteFile: true})})
	if closed := c.Caller.Close(opened.FileHandle); st == ntstatus.Success {
		st = closed
	}
	return out, st
}

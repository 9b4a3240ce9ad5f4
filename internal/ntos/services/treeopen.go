package services

import (
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// treeName is a file name resolved to its tree: the tree's device, the directory where the name starts, and the name.
type treeName struct {
	device   *Device
	start    nt.OpenFile // the directory it is below; nil for the root of the tree
	above    string      // path of that directory, without a backslash at its end, for records
	name     string      // below it, with backslashes
	held     ob.Object   // device or directory: one reference (TagCall)
	recorded bool        // the request through the share is recorded
}

// inTree finds the file tree that a name belongs to. The results are:
//   - ok false: the name is in no tree, or its lookup failed
//   - ok true and success: the caller must release n.held
//   - ok true and a failure: the root is revoked, or the name is malformed
//
// A leading backslash in a name below a root directory is STATUS_OBJECT_PATH_SYNTAX_BAD.
func (c *Context) inTree(oa *nt.ObjectAttributes) (n treeName, ok bool, st ntstatus.Status) {
	if !c.Sys.HasTrees.Load() {
		return n, false, ntstatus.Success
	}
	why := c.why
	defer func() {
		if !ok {
			c.why = why // the lookup is not the call that the reason belongs to
		}
	}()
	if oa.RootDirectory != 0 {
		if f, _, st := ob.Reference[*File](&c.Caller, oa.RootDirectory, 0, FileType); st == ntstatus.Success {
			if f.open == nil {
				f.Deref(ob.TagCall)
				return n, false, ntstatus.Success
			}
			if st := c.notRevoked(f); st != ntstatus.Success {
				f.Deref(ob.TagCall)
				return n, true, st
			}
			if strings.HasPrefix(oa.ObjectName, `\`) {
				f.Deref(ob.TagCall)
				// A name below a directory is relative.
				return n, true, c.Fail("O-23", ntstatus.ObjectPathSyntaxBad)
			}
			above := strings.TrimSuffix(f.Path(), `\`) // the path of the root ends with a backslash
			return treeName{f.device, f.open, above, oa.ObjectName, f, false}, true, ntstatus.Success
		}
		c.why = why // the root may be a directory of the namespace, above a tree
	}
	name := nameOf(oa)
	if path, cut := strings.CutSuffix(oa.ObjectName, `\`); cut && path != "" {
		name.Path, name.Below = path, `\`
	}
	subject := c.self.Subject()
	p, st := c.Sys.Names.Resolve(&c.Caller, name, FileType, &subject, 0)
	if st != ntstatus.Success {
		return n, false, ntstatus.Success // the function for other names reports the error
	}
	v, ok := p.Object.(*Device)
	if ok = ok && v.tree != nil; ok {
		v.Ref(ob.TagCall)
		n = treeName{v, nil, v.above, p.Rest, v, false}
		if n.name == `\` { // the root
			n.name = ""
		}
	}
	p.Release()
	return n, ok, ntstatus.Success
}

// requestOf builds the access request for a call that opens or creates a file in a tree. Kernel mode is decided like
// its thread: no caller skips the checks of a tree (F-111).
func (c *Context) requestOf(in *nt.CreateFileIn, oa *nt.ObjectAttributes, name string) fileaccess.Request {
	return fileaccess.Request{Subject: c.self.Subject(), Desired: in.DesiredAccess,
		Disposition: fileaccess.Disposition(in.CreateDisposition), Options: fileaccess.CreateOptions(in.CreateOptions),
		Attributes: in.FileAttributes, CreatorSD: oa.SecurityDescriptor, Share: fileaccess.ShareAccess(in.ShareAccess),
		Name: name}
}

// attempts limits the lookups of a name after concurrent changes of the tree.
const attempts = 16

// openTree opens or creates a file of a tree.
func (c *Context) openTree(n *treeName, in *nt.CreateFileIn, oa *nt.ObjectAttributes) (out nt.CreateFileOut,
	st ntstatus.Status) {
	return c.openAsked(n, &openRequest{Request: c.requestOf(in, oa, n.name)}, oa)
}

// openAsked opens or creates a file of a tree: it looks up the name, decides and carries out the decision. It starts
// again if the tree changed in between, and returns STATUS_SHARING_VIOLATION after too many attempts.
func (c *Context) openAsked(n *treeName, q *openRequest, oa *nt.ObjectAttributes) (out nt.CreateFileOut,
	st ntstatus.Status) {
	for range attempts {
		// reference, decide
		place, st := n.find(q)
		if st != ntstatus.Success {
			return out, c.Fail(ruleOfLookup(st), st)
		}
		out, again, st := c.openPlace(n, &q.Request, place, &q.decision, oa.Attributes)
		place.Release()
		if !again {
			return out, st
		}
	}
	// Other programs change the name faster than it is opened.
	return out, c.Fail("F-114", ntstatus.SharingViolation)
}

// openRequest is a request to open or create a file of a tree, together with its decision.
type openRequest struct {
	fileaccess.Request
	decision fileaccess.Decision
	target   string                              // target of the symbolic link to create; "": no link
	shape    func(*sd.Descriptor) *sd.Descriptor // changes a new file's descriptor; nil: no change
	nameless bool                                // create a file without a name
	within   *nt.FileIdentity                    // the directory in which the name must be; nil: any
}

// find looks the name up in its tree and stores the access decision in q. The result is the place of the file or new
// file, which the caller releases. A denial is not an error, but a missing directory is. After a failure the place
// is nil. A missing name is found without any right.
func (n *treeName) find(q *openRequest) (nt.FilePlace, ntstatus.Status) {
	r := &q.Request
	if direct, ok := n.device.tree.(nt.DirectFinder); ok && q.within == nil {
		if place, ok := direct.FindDirect(r, n.start); ok {
			q.decision = fileaccess.Open(r, place.Facts())
			// No right is needed to learn that a name is missing (F-26).
			missing := !place.Facts().Object.Exists && q.decision.Status() == ntstatus.ObjectNameNotFound
			if q.decision.Allowed() || missing {
				return place, ntstatus.Success
			}
			// The directory may give what the file's own descriptor does not (F-181).
			place.Release()
		}
	}
	place, st := n.device.tree.Find(r, n.start)
	if st != ntstatus.Success {
		return nil, st
	}
	st = q.special(place)
	if st == ntstatus.Success {
		st = nt.InDirectory(place, q.within)
	}
	if st != ntstatus.Success {
		place.Release()
		return nil, st
	}
	q.decision = fileaccess.Open(r, place.Facts())
	if q.shape != nil && q.decision.NewSD != nil {
		// The creator narrows the descriptor before the file becomes visible (M-41).
		q.decision.NewSD = q.shape(q.decision.NewSD)
	}
	return place, ntstatus.Success
}

// special prepares place for a symbolic link or an unnamed file, if q requests one. Any other request succeeds. A
// file system without such files is STATUS_NOT_SUPPORTED (F-192, F-197). A link target that the file system does not
// accept returns the file system's status.
func (q *openRequest) special(place nt.FilePlace) ntstatus.Status {
	if q.target != "" {
		if maker, ok := place.(nt.LinkPlace); ok {
			return maker.MakesLink(q.target)
		}
		// The file system keeps no links (F-192).
		return ntstatus.NotSupported
	}
	if q.nameless {
		if maker, ok := place.(nt.NamelessPlace); ok {
			return maker.MakesNameless()
		}
		// It also has no files without a name (F-197).
		return ntstatus.NotSupported
	}
	return ntstatus.Success
}

// openPlace carries out the access decision d for a place that find returned. If the tree has changed, again is true
// and the caller must repeat the lookup. A refusal is recorded if the descriptor requires that. A terminating
// process is STATUS_PROCESS_IS_TERMINATING. After a failure there is no handle and no charge.
func (c *Context) openPlace(n *treeName, r *fileaccess.Request, place nt.FilePlace, d *fileaccess.Decision,
	attributes uint32) (out nt.CreateFileOut, again bool, st ntstatus.Status) {
	facts := place.Facts()
	if st := c.recordShare(n, r, facts.Share, d); st != ntstatus.Success {
		return out, false, c.Fail("U-64", st)
	}
	if !d.Allowed() {
		if st := c.recordTree(n, r, facts, d, 0, nil); st != ntstatus.Success {
			// If a required record cannot be written, its status replaces the refusal.
			return out, false, c.Fail("U-64", st)
		}
		c.tellTree(n, r, place)
		return out, false, c.Fail(d.Rule, d.Status())
	}
	slot, st := c.Reserve(attributes)
	if st != ntstatus.Success {
		return out, false, st
	}
	admitted, st := c.admit(n, place, r.Subject.Effective())
	if st != ntstatus.Success {
		slot.Abandon()
		return out, false, st
	}
	// commit
	f, remembered, again, st := c.openRecorded(n, r, place, d, slot.Handle())
	if again || st != ntstatus.Success {
		slot.Abandon()
		admitted.giveBack()
		return out, again, st
	}
	admitted.own(f)
	defer f.Deref(ob.TagCall)
	if remembered.GenerateOnClose {
		attributes |= winnt.OBJ_AUDIT_OBJECT_CLOSE
	}
	slot.Audit(remembered.Pending)
	if st := slot.Publish(f, d.Granted, attributes); st != ntstatus.Success {
		return out, false, c.Fail("O-47", st)
	}
	return nt.CreateFileOut{FileHandle: slot.Handle(), Information: d.Action}, false, ntstatus.Success
}

// treeFile creates the file object of a successful open, with one reference (TagCall). It has the new descriptor of a
// created file, else the existing one. The file object takes over open, the file of the file system.
func (c *Context) treeFile(n *treeName, place nt.FilePlace, open nt.OpenFile, r *fileaccess.Request,
	d *fileaccess.Decision) *File {
	f := &File{device: n.device, open: open}
	f.path, f.profile = place.Path(), place.Facts().Policy.Profile
	if facts := place.Facts(); facts.Share != nil && facts.Share.ABE {
		f.based = &accessBased{facts.Share, facts.Policy}
	}
	f.created = d.Action == fileaccess.Created
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

// NtCreateFile opens or creates a file of a tree. Outside the trees it only opens existing files; a disposition other
// than FILE_OPEN and FILE_OPEN_IF gives STATUS_NOT_SUPPORTED there. An undefined disposition is
// STATUS_INVALID_PARAMETER. An existing file outside the trees is always reported as opened.
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
		// The disposition is not defined.
		return out, c.Fail("F-10", ntstatus.InvalidParameter)
	case in.CreateDisposition != winnt.FILE_OPEN && in.CreateDisposition != winnt.FILE_OPEN_IF:
		// No file can be created outside the trees.
		return out, c.Fail("F-110", ntstatus.NotSupported)
	}
	opened, st := c.NtOpenFile(nt.OpenFileIn{DesiredAccess: in.DesiredAccess, ObjectAttributes: in.ObjectAttributes,
		ShareAccess: in.ShareAccess, OpenOptions: in.CreateOptions})
	return nt.CreateFileOut{FileHandle: opened.FileHandle, Information: fileaccess.Opened}, st
}

// openExisting opens an existing file, for NtOpenFile. The handle is 0 after a failure.
func (c *Context) openExisting(n *treeName, in *nt.OpenFileIn, oa *nt.ObjectAttributes) (winnt.Handle,
	ntstatus.Status) {
	out, st := c.openTree(n, &nt.CreateFileIn{DesiredAccess: in.DesiredAccess, ShareAccess: in.ShareAccess,
		CreateDisposition: winnt.FILE_OPEN, CreateOptions: in.OpenOptions}, oa)
	return out.FileHandle, st
}

// NtDeleteFile deletes a file of a tree: it opens the file for DELETE, marks it for deletion and closes it. A symbolic
// link is deleted itself. A name outside the trees gives STATUS_NOT_SUPPORTED. The handle is closed in every case; a
// failure to mark the file comes before one to close it.
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

package hostfs

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// place is the result of a name lookup. It implements [nt.FilePlace] and belongs to one goroutine.
type place struct {
	t     *Tree
	facts fileaccess.Facts
	above fileaccess.Directory

	parent int // holds the directory; -1: the place is the root of the tree, or was found without it
	object int // holds the file with the name; -1: there is no such file
	owned  bool
	user   sid.SID // of the request; zero: the server's own
	links  bool    // the caller supports links: a link is opened itself
	target string  // target of the link to create; "": Open creates no link
	// nameless makes Open create a file without a name.
	nameless bool
	// path of the directory and name of the entry, as spelled in the tree; request is the name that was requested, which
	// Path returns if it has that spelling
	path, name   string
	request      string
	components   [4]fileaccess.Component // room of facts.Path
	parentStatus unix.Statx_t
	status       unix.Statx_t // of object
	read         *known       // of object
	parentsKnown *known
}

// maxPath is the longest name that is looked up, in bytes.
const maxPath = 1 << 15

// Find looks up a name below the root, or below the open directory start. It refuses special files, and links unless
// the request has OpenReparsePoint. A missing name gives a place without an object and success. So does a name that
// fileaccess.ValidName refuses, because the decision refuses it. Without success the place is nil; otherwise the caller
// must release it. On a tree with a share it sets r.Face to SMB (F-112). A name that the host cannot store gives its
// status, and a name with a backslash at its end that is no directory's STATUS_OBJECT_NAME_INVALID.
func (t *Tree) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if t.descriptors == nil {
		return nil, ntstatus.AccessDenied // the zero Tree has nothing
	}
	if t.share != nil {
		// A tree that has a share descriptor decides opens as an SMB server does (F-111).
		r.Face = fileaccess.SMB
	}
	p := t.place()
	p.links, p.user = r.Options&fileaccess.OpenReparsePoint != 0, userOf(r)
	if !fileaccess.ValidName(r.Name) {
		return p, ntstatus.Success // the decision refuses it (F-13)
	}
	base, prefix, st := t.base(start)
	if st != ntstatus.Success {
		return nil, st
	}
	name, slashed := strings.CutSuffix(r.Name, `\`)
	if st := nameable(name); st != ntstatus.Success {
		return nil, st
	}
	var err error
	if name == "" {
		err = p.findRoot(base, prefix)
	} else {
		err = p.find(base, prefix, name, walks(&t.cfg.Policy, r))
	}
	if err == nil {
		err = p.describe()
	}
	if err != nil {
		p.Release()
		return nil, statusOf(err)
	}
	o := &p.facts.Object
	if slashed && name != "" && !o.IsDirectory && (o.Exists || r.Options&fileaccess.DirectoryFile == 0) {
		p.Release()
		// A name that ends with a backslash is a directory's (F-113).
		return nil, ntstatus.ObjectNameInvalid
	}
	return p, ntstatus.Success
}

// userOf returns the user whose cache share a lookup is charged to: that of the request's token, or the zero SID
// without a token.
func userOf(r *fileaccess.Request) sid.SID {
	if tok := r.Subject.Effective(); tok != nil {
		return tok.User().SID
	}
	return sid.SID{}
}

// walks reports whether a lookup must read the descriptor of each directory on the path, because they decide who may
// traverse (F-23). It depends on the traverse policy, and for TraversePrivilege on the privilege of the token.
func walks(p *fileaccess.Policy, r *fileaccess.Request) bool {
	switch p.Traverse {
	case fileaccess.TraverseNever:
		return false
	case fileaccess.TraversePrivilege:
		tok := r.Subject.Effective()
		return tok == nil || !tok.Has(winnt.SeChangeNotifyPrivilege)
	}
	return true
}

// nameable returns STATUS_OBJECT_NAME_INVALID for a name that no file of a tree has: over 32 KiB, with a colon, not
// UTF-8, or with a component that begins like a private name. The empty name gives success (F-113).
func nameable(name string) ntstatus.Status {
	if len(name) > maxPath || strings.Contains(name, ":") || !utf8.ValidString(name) ||
		strings.HasPrefix(name, privatePrefix) || strings.Contains(name, `\`+privatePrefix) {
		return ntstatus.ObjectNameInvalid
	}
	return ntstatus.Success
}

// base returns the directory where a lookup starts, and its path in the tree. For a nil start these are the root and
// "". The caller must not close fd. A start that is not a directory is STATUS_OBJECT_PATH_NOT_FOUND. A start in
// another tree is STATUS_INVALID_PARAMETER.
func (t *Tree) base(start nt.OpenFile) (fd int, prefix string, st ntstatus.Status) {
	if start == nil {
		return t.root, "", ntstatus.Success
	}
	f, ok := start.(*file)
	switch {
	case !ok || f.t != t:
		return -1, "", ntstatus.InvalidParameter
	case !f.directory:
		// Nothing is below a file.
		return -1, "", ntstatus.ObjectPathNotFound
	}
	return f.fd, f.linkNow().path, ntstatus.Success
}

// findRoot opens the directory in which the lookup starts. The place then has no parent.
func (p *place) findRoot(base int, prefix string) (err error) {
	if p.object, err = below(base, ".", unix.O_DIRECTORY); err != nil {
		return err
	}
	// The directory is opened by its own handle, so the parent grants no rights and the name cannot change.
	p.path = prefix
	return nil
}

// find opens the directory of a path and looks up the last component. walk adds the directories of the path to the
// access decision. If the component is missing, object is -1. If a directory is missing, find finds nothing and
// returns nil. Letter case is ignored only with CaseInsensitive.
func (p *place) find(base int, prefix, path string, walk bool) error {
	dir, name := parentOf(path)
	p.request = path
	err := p.findParent(base, prefix, dir, walk)
	if err != nil || p.parent < 0 {
		return err
	}
	p.name = name
	p.object, err = below(p.parent, name, 0)
	if errors.Is(err, unix.ENOENT) && p.t.cfg.CaseInsensitive {
		var spelled string
		if spelled, err = p.fold(p.parent, name); err == nil {
			p.name = spelled
			p.object, err = below(p.parent, spelled, 0)
		}
	}
	if errors.Is(err, unix.ENOENT) {
		p.object, err = -1, nil
	}
	return err
}

// describe collects the facts for the access decision about the found file and its directory. Without a file it
// describes only the directory. A directory in the table of opens counts as open elsewhere. A special file, or a link
// that clients do not see, is EACCES. A file on another device is EXDEV.
func (p *place) describe() (err error) {
	if p.parentsKnown != nil {
		p.above = fileaccess.Directory{Name: p.path, Descriptor: p.parentsKnown.descriptor}
		p.facts.Parent = &p.above
	}
	if p.object < 0 {
		return nil
	}
	if p.status, err = stat(p.object); err != nil {
		return err
	}
	o := &p.facts.Object
	switch p.status.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		o.IsDirectory = true
	case unix.S_IFREG:
	case unix.S_IFLNK:
		if !p.links {
			// No path follows a link, and a client that does not open the link itself is refused (F-191).
			return unix.EACCES
		}
		o.ReparseTag = fileaccess.SymbolicLinkTag
	default:
		// A device, a pipe or a socket is not a file of the tree (F-112).
		return unix.EACCES
	}
	if deviceOf(&p.status) != p.t.device {
		return unix.EXDEV
	}
	if p.read, err = p.t.known(held{p.object, true}, &p.status, p.user); err != nil {
		return err
	}
	if o.ReparseTag != 0 && !p.read.own() {
		// A link that was not made in the tree has no descriptor, and is not a file of it (F-191).
		return unix.EACCES
	}
	o.Attributes = p.read.dos.attributes
	o.Exists, o.Descriptor, o.VolumeRoot = true, p.read.descriptor, p.status.Ino == p.t.rootInode
	o.OtherOpens = o.IsDirectory && p.t.isOpen(p.status.Ino)
	return nil
}

// Cause returns why the stored attribute of the object is invalid, with the command that repairs it. It returns nil
// if the attribute counts or is missing.
func (p *place) Cause() error {
	if p.read == nil {
		return nil
	}
	return p.read.cause
}

// Facts returns the facts for the decision. They belong to the place and are invalid after Release.
func (p *place) Facts() *fileaccess.Facts { return &p.facts }

// Path returns the name below the root of the tree, with backslashes and in the spelling of the tree. The root is "".
func (p *place) Path() string {
	if n := len(p.path); p.request != "" && len(p.request) == n+len(p.name)+min(n, 1) && p.request[:n] == p.path &&
		p.request[len(p.request)-len(p.name):] == p.name {
		return p.request
	}
	return join(p.path, p.name)
}

// Release closes the descriptors of the place and returns it to the pool. The place must not be used afterwards. A
// second call panics.
func (p *place) Release() {
	if p.t == nil {
		panic("hostfs: a place is released twice")
	}
	shut(p.object)
	if p.owned {
		shut(p.parent)
	}
	*p = place{}
	places.Put(p)
}

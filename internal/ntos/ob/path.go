package ob

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// maxLinks is the largest number of symbolic links that one walk follows (O-24).
const maxLinks = 31

// Name is the naming part of OBJECT_ATTRIBUTES. The zero value has no name.
type Name struct {
	Root       winnt.Handle // RootDirectory; 0: the path is absolute
	Path       string       // ObjectName
	Attributes uint32       // OBJ_*
	Unnamed    bool         // Path is not empty but missing
	Below      string       // the rest of the path after Path, passed to a device with that name
}

// Namespace is one tree of names.
type Namespace struct{ root *Directory }

// NewNamespace returns the namespace with a root. It takes over the caller's reference on root (TagCall).
func NewNamespace(root *Directory) *Namespace {
	root.Retag(TagCall, TagSystem)
	return &Namespace{root}
}

// Root returns the root directory. It takes no reference.
func (ns *Namespace) Root() *Directory { return ns.root }

// Close removes every name and releases the root. Call it once.
func (ns *Namespace) Close() {
	ns.root.Clear()
	ns.root.Deref(TagSystem)
}

// Place is where a path walk ended: a directory, the object found there, if any, and the rest of the path. It holds
// references on Directory and Object until [Place.Release].
type Place struct {
	Directory *Directory // that holds the last component; nil if the path is its start itself
	Last      string     // the last component
	Object    Object     // the named object; nil if there is none
	Rest      string     // what follows Object, if its type parses

	link *link // the name under which Object was found
}

// Release releases the references of p and clears it, so that a second call does nothing.
func (p *Place) Release() {
	if p.Directory != nil {
		p.Directory.Deref(TagCall)
	}
	if p.Object != nil {
		p.Object.Head().Deref(TagCall)
	}
	*p = Place{}
}

// Resolve does steps (1) to (5) of O-22: attributes, RootDirectory, syntax, privileges that desired implies, walk.
// typ is the type that the caller wants: with [SymbolicLinkType] it does not follow a link in the last component. For
// a missing last component it succeeds, and Place.Object is nil. Errors: INVALID_PARAMETER, INVALID_HANDLE,
// OBJECT_TYPE_MISMATCH, OBJECT_PATH_SYNTAX_BAD, OBJECT_NAME_INVALID, PRIVILEGE_NOT_HELD, OBJECT_PATH_NOT_FOUND,
// REPARSE_POINT_ENCOUNTERED, ACCESS_DENIED.
func (ns *Namespace) Resolve(c *Caller, n Name, typ *Type, subject *access.Subject, desired winnt.AccessMask) (Place,
	ntstatus.Status) {
	return ns.resolve(c, n, typ, subject, desired, false)
}

// resolve walks a path like Resolve. If create is true, it also checks the requirements of a new object, such as a
// privilege. The caller releases the place. After a failure the place is zero. Checks fail in the order of O-22:
// attributes, root directory, name syntax, rights, path.
func (ns *Namespace) resolve(c *Caller, n Name, typ *Type, subject *access.Subject, desired winnt.AccessMask,
	create bool) (Place, ntstatus.Status) {
	if st := c.CheckAttributes(n.Attributes); st != ntstatus.Success { // attributes first (O-22)
		return Place{}, st
	}
	start, st := ns.start(c, n) // then the root directory (O-22)
	if st != ntstatus.Success {
		return Place{}, st
	}
	w := walk{ns: ns, c: c, subject: subject, attributes: n.Attributes, typ: typ, below: n.Below}
	path, st := n.relative() // then the syntax of the name (O-22)
	if st == ntstatus.ObjectNameInvalid && w.misses(start, beforeEmpty(path)) {
		// A component that is missing is found before an empty one behind it.
		st = ntstatus.ObjectPathNotFound
	}
	if st == ntstatus.Success {
		st = c.gate(n, subject, desired, create) // then what the request implies (O-22)
	} else {
		c.Fail("O-23", st)
	}
	if st != ntstatus.Success {
		start.Deref(TagCall)
		return Place{}, st
	}
	return w.run(start, path) // then the path (O-22)
}

// CheckAttributes validates the attributes, the first step of an open (O-22). It returns
// STATUS_INVALID_PARAMETER for unknown bits, and for OBJ_EXCLUSIVE with OBJ_INHERIT, which exclude each other (O-27).
func (c *Caller) CheckAttributes(attributes uint32) ntstatus.Status {
	if attributes&^winnt.OBJ_VALID_ATTRIBUTES != 0 {
		// The attribute does not exist.
		return c.Fail("O-22", ntstatus.InvalidParameter)
	}
	if exclusiveInherited(attributes) {
		// An exclusive handle cannot be inherited.
		return c.Fail("O-27", ntstatus.InvalidParameter)
	}
	return ntstatus.Success
}

// exclusiveInherited reports whether attributes contradict each other: OBJ_EXCLUSIVE with OBJ_INHERIT.
func exclusiveInherited(attributes uint32) bool {
	const both = winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT
	return attributes&both == both
}

// start returns the directory in which a walk starts, with a reference: n.Root, or the root of the namespace for 0. The
// handle needs no right, because the walk checks the directory itself (O-24).
func (ns *Namespace) start(c *Caller, n Name) (*Directory, ntstatus.Status) {
	if n.Root == 0 {
		ns.root.Ref(TagCall)
		return ns.root, ntstatus.Success
	}
	d, _, st := Reference[*Directory](c, n.Root, 0, DirectoryType)
	return d, st
}

// relative checks the syntax of the name and returns the path without a leading backslash (O-23). Errors are:
//   - an empty component: STATUS_OBJECT_NAME_INVALID, together with the path
//   - a NULL name with a root: STATUS_OBJECT_NAME_INVALID
//   - an absolute path with a root, or a relative path without one: STATUS_OBJECT_PATH_SYNTAX_BAD
func (n Name) relative() (string, ntstatus.Status) {
	if n.Unnamed && n.Root != 0 {
		// Without a name the request does not refer to an object below a root directory (O-162).
		return "", ntstatus.ObjectNameInvalid
	}
	path, absolute := strings.CutPrefix(n.Path, `\`)
	if absolute != (n.Root == 0) {
		// A name must be absolute, or relative to a given root directory (O-23).
		return "", ntstatus.ObjectPathSyntaxBad
	}
	if path != "" && (strings.HasPrefix(path, `\`) || strings.HasSuffix(path, `\`) || strings.Contains(path, `\\`)) {
		// A component of the name is empty (O-23).
		return path, ntstatus.ObjectNameInvalid
	}
	return path, ntstatus.Success
}

// beforeEmpty returns the well-formed part of a path, before its first empty component: all of `a\b`, `a` of `a\` and
// `a\\b`, and "" of `\a`.
func beforeEmpty(path string) string {
	if strings.HasPrefix(path, `\`) {
		return ""
	}
	before, _, found := strings.Cut(path, `\\`)
	if !found {
		before = strings.TrimSuffix(path, `\`)
	}
	return before
}

// misses reports whether a component of the path below dir does not exist, which decides the status of a malformed
// path. The caller keeps its reference on dir. Any other failure of the walk returns false.
func (w *walk) misses(dir *Directory, path string) bool {
	dir.Ref(TagCall)
	probe := *w
	p, st := probe.run(dir, path)
	if st != ntstatus.Success {
		return st == ntstatus.ObjectPathNotFound
	}
	defer p.Release()
	return p.Object == nil
}

// gate makes the checks of an open or create that need no object (O-22). It refuses reserved access bits, a new
// permanent object without SeCreatePermanentPrivilege, and ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege. Kernel
// mode needs no privilege for a permanent object.
func (c *Caller) gate(n Name, subject *access.Subject, desired winnt.AccessMask, create bool) ntstatus.Status {
	switch {
	case desired&winnt.RESERVED_RIGHTS != 0:
		// Reserved bits are refused before anything is found.
		return c.Fail("O-20", ntstatus.AccessDenied)
	case create && n.Attributes&winnt.OBJ_PERMANENT != 0 && c.Mode != access.Kernel &&
		!subject.Holds(winnt.SeCreatePermanentPrivilege):
		// A permanent object needs SeCreatePermanentPrivilege.
		return c.Fail("O-26", ntstatus.PrivilegeNotHeld)
	case desired&winnt.ACCESS_SYSTEM_SECURITY != 0 && c.Checked(n.Attributes) &&
		!subject.Holds(winnt.SeSecurityPrivilege):
		// Access to the SACL needs SeSecurityPrivilege.
		return c.Fail("O-30", ntstatus.PrivilegeNotHeld)
	}
	return ntstatus.Success
}

// walk is one walk along a path of the namespace, with the caller whose rights count.
type walk struct {
	ns         *Namespace
	c          *Caller
	subject    *access.Subject
	attributes uint32
	typ        *Type // wanted, or nil
	below      string
	links      int // followed so far
}

// run follows path from dir and returns the place where the path ends. An empty path ends at dir. A missing last
// component gives a place with its directory and no object. A missing directory is STATUS_OBJECT_PATH_NOT_FOUND.
// Each directory must grant the traverse right. The call takes over the reference to dir.
func (w *walk) run(dir *Directory, path string) (Place, ntstatus.Status) {
	if path == "" {
		return Place{Object: dir}, ntstatus.Success
	}
	for {
		if st := w.traverse(dir); st != ntstatus.Success {
			dir.Deref(TagCall)
			return Place{}, st
		}
		name, rest, more := strings.Cut(path, `\`)
		h, l := dir.lookup(name, w.attributes&winnt.OBJ_CASE_INSENSITIVE != 0)
		if h == nil {
			if more {
				dir.Deref(TagCall)
				return Place{}, w.c.Fail("O-23", ntstatus.ObjectPathNotFound)
			}
			return Place{Directory: dir, Last: name}, ntstatus.Success
		}
		next, target, st := w.step(h, rest, more)
		if st != ntstatus.Success {
			h.Deref(TagCall)
			dir.Deref(TagCall)
			return Place{}, st
		}
		if next == nil {
			return Place{Directory: dir, Last: name, Object: h.self, Rest: rest + w.below, link: l}, ntstatus.Success
		}
		if next.Head() != h { // a symbolic link led to another object
			h.Deref(TagCall)
		}
		dir.Deref(TagCall)
		if dir, path = next, target; path == "" {
			return Place{Object: dir}, ntstatus.Success
		}
	}
}

// step advances the walk by one component. h is the object found, rest the path after it, and more says whether rest
// has a component. The result is the next directory, with a reference, and the remaining path. If the walk ends at h,
// the directory is nil.
func (w *walk) step(h *Header, rest string, more bool) (*Directory, string, ntstatus.Status) {
	switch obj := h.self.(type) {
	case *SymbolicLink:
		// The last component's link itself is meant (O-24).
		if !more && (w.attributes&winnt.OBJ_OPENLINK != 0 || w.typ == SymbolicLinkType) {
			return nil, "", ntstatus.Success
		}
		return w.follow(obj, rest, more)
	case *Directory:
		if more {
			return obj, rest, ntstatus.Success
		}
	default:
		if more && !h.typ.Parses {
			return nil, "", w.c.Fail("O-23", ntstatus.ObjectTypeMismatch)
		}
	}
	return nil, "", ntstatus.Success
}

// follow restarts the walk at the target of a symbolic link (O-24). The result is the root directory, with a
// reference, and the new path. An empty target means the root. Errors are:
//   - OBJ_DONT_REPARSE: STATUS_REPARSE_POINT_ENCOUNTERED
//   - more than maxLinks links: STATUS_OBJECT_PATH_NOT_FOUND
//   - a malformed target: the status of its syntax
func (w *walk) follow(l *SymbolicLink, rest string, more bool) (*Directory, string, ntstatus.Status) {
	if w.attributes&winnt.OBJ_DONT_REPARSE != 0 {
		return nil, "", w.c.Fail("O-24", ntstatus.ReparsePointEncountered)
	}
	if w.links++; w.links > maxLinks {
		return nil, "", w.c.Fail("O-24", ntstatus.ObjectPathNotFound)
	}
	path, st := "", ntstatus.Success // a link without a target refers to the root (T-138)
	if l.target != "" {
		path, st = Name{Path: l.target}.relative()
	}
	if st != ntstatus.Success {
		return nil, "", w.c.Fail("O-23", st)
	}
	w.ns.root.Ref(TagCall)
	if more && path != "" {
		return w.ns.root, path + `\` + rest, ntstatus.Success
	}
	return w.ns.root, path + rest, ntstatus.Success
}

// traverse checks that the walk may look up names in dir: the effective token has SeChangeNotifyPrivilege enabled, dir
// grants DIRECTORY_TRAVERSE, or the caller's access is not checked (O-24). It returns success or the status of the
// refusal.
func (w *walk) traverse(dir *Directory) ntstatus.Status {
	// The traverse right is checked at every level; the last object is checked by its own descriptor (O-24).
	if t := w.subject.Effective(); !w.c.Checked(w.attributes) || t != nil && t.Has(winnt.SeChangeNotifyPrivilege) {
		return ntstatus.Success
	}
	return w.c.decideAccess(dir.Head(), w.subject, winnt.DIRECTORY_TRAVERSE, w.attributes).Status()
}

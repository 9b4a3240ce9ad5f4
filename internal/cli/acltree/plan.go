package acltree

import (
	"context"
	"errors"
	"path"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Plan computes the new descriptors of a tree without writing them. Files, Keeper
// and Change are required. It is used once.
type Plan struct {
	Files     Files
	Keeper    Keeper
	Recursive bool // descendants too
	Change    Change
	// Report is called for each file that cannot be read or changed; it may be nil. Such a file keeps its descriptor,
	// and its descendants keep theirs.
	Report   func(path string, err error)
	Progress func(Counts) // called after each directory; may be nil

	counts Counts
	sink   Sink
}

// Sink takes the entries of a plan. An error of it ends the plan.
type Sink interface{ Put(e *Entry) error }

// Counts has the results of a plan, as numbers of files.
type Counts struct {
	Files     int // visited, directories among them
	Changed   int
	Protected int // whose DACL is protected or absent, which ends the renewal there
	Skipped   int // neither files nor directories
	Failed    int
}

// Node is a file that a [Change] decides about.
type Node struct {
	Path      string // below the root; "" is the root
	Directory bool
	Before    *sd.Descriptor
	Kept      *Kept
	Held      Held
	// Above is the new descriptor of the directory, nil for the root.
	Above *sd.Descriptor
	// Store has the descriptor written even if the file's permissions already amount
	// to it. A Change sets it.
	Store bool
}

// Change returns the new descriptor of a file, and whether to visit its children. after may be n.Before, which leaves
// the file unchanged. An error leaves the file and its descendants unchanged, and a [*LookupError] ends the plan.
type Change func(n *Node) (after *sd.Descriptor, descend bool, err error)

// Run walks the tree, computes the changes and passes each changed file to the sink, directories before their children.
// It writes no file. It fails if the root cannot be read or changed, if the lookup of a name or the sink fails, or if
// ctx ends. It reports and counts errors of other files and continues. The Counts are valid after an error too.
func (p *Plan) Run(ctx context.Context, sink Sink) (Counts, error) {
	p.sink = sink
	err := p.visit(ctx, "", nil, 0)
	return p.counts, err
}

// maxPath is the longest path below the root in bytes: PATH_MAX of Linux, beyond which no program opens a file by its
// path. The journal has each path, so the paths of a deep tree would fill the disk.
const maxPath = 4096

// ErrLongPath says that a path is too long for a plan.
var ErrLongPath = errors.New("its path below the root is longer than 4096 bytes: run the command on a directory " +
	"nearer to it")

// failed counts a file and reports it. It does not report the root, whose name is empty: it returns the root's error,
// which ends the plan. It also returns the error of a failed lookup of a name, because the next files need names too.
// Otherwise it returns nil. p.Report may be nil.
func (p *Plan) failed(name string, err error) error {
	p.counts.Failed++
	if name == "" || errors.As(err, new(*LookupError)) {
		return err
	}
	if p.Report != nil {
		p.Report(name, err)
	}
	return nil
}

// visit plans the change of one file, and with Recursive of its descendants. above and version are the new descriptor
// and the attribute version of its directory. A file that is unreadable or has too long a path is counted and reported,
// and its children are not visited. Only errors that end the plan are returned.
func (p *Plan) visit(ctx context.Context, name string, above *sd.Descriptor, version uint16) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.counts.Files++
	if len(name) > maxPath {
		// The file and its descendants keep their descriptors (F-206).
		return p.failed(name, ErrLongPath)
	}
	n, version, err := p.one(name, above, version)
	if err != nil {
		return err
	}
	if n == nil || !p.Recursive {
		return nil
	}
	list, err := p.Files.List(name)
	if err != nil {
		return p.failed(name, err)
	}
	for _, e := range list {
		if err := p.visit(ctx, path.Join(name, e.Name()), n.Above, version); err != nil {
			return err
		}
	}
	if p.Progress != nil {
		p.Progress(p.counts)
	}
	return nil
}

// one plans the change of one file and writes a journal entry if the file changes. With Node.Store a file without an
// attribute has an entry too. above is the new descriptor of the directory; version is for new attributes. For a
// directory whose children follow, the node's Above is its new descriptor; otherwise the node is nil. A special file
// is skipped, and is ErrKind as the root. p.failed decides about other errors.
func (p *Plan) one(name string, above *sd.Descriptor, version uint16) (*Node, uint16, error) {
	h, err := p.Files.Hold(name)
	if err != nil {
		return nil, 0, p.failed(name, err)
	}
	defer h.Close()
	s := h.Status()
	if s.Kind == Other {
		if name == "" {
			return nil, 0, ErrKind
		}
		p.counts.Skipped++
		return nil, 0, nil
	}
	k, err := p.Keeper.Read(h)
	if err != nil {
		return nil, 0, p.failed(name, err)
	}
	if k.Version != 0 {
		version = k.Version
	}
	n := &Node{Path: name, Directory: s.Kind == Directory, Before: k.Descriptor, Kept: &k, Held: h, Above: above}
	after, descend, err := p.Change(n)
	if err == nil {
		after, err = stored(after)
	}
	if err != nil {
		return nil, 0, p.failed(name, err)
	}
	if !descend && name != "" {
		p.counts.Protected++
	}
	if !same(k.Descriptor, after) || n.Store && k.Raw == nil {
		p.counts.Changed++
		err = p.sink.Put(&Entry{Path: name, Directory: n.Directory, Device: s.Device, Inode: s.Inode, Raw: k.Raw,
			Before: k.Descriptor, After: after, Version: version})
	}
	if err != nil || !n.Directory || !descend {
		return nil, 0, err
	}
	n.Above, n.Held = after, nil
	return n, version, nil
}

// same reports whether two descriptors have equal DACLs, and equal bits for a present and a protected DACL. It ignores
// owner, group and SACL.
func same(a, b *sd.Descriptor) bool {
	return a.DACL().Equal(b.DACL()) && (a.Control()^b.Control())&(sd.DACLPresent|sd.DACLProtected) == 0
}

// Renew returns the new descriptor of a descendant, as Windows propagates it (S-78): it keeps explicit entries, and
// replaces inherited ones by those that n.Above passes on. For a protected or absent DACL it returns n.Before and
// descend = false, so the walk ends there. err is always nil.
func Renew(n *Node) (after *sd.Descriptor, descend bool, err error) {
	d := n.Before
	// A protected descendant keeps its list, and so do those below it (F-206).
	if d.DACL() == nil || d.Control()&sd.DACLProtected != 0 {
		return d, false, nil
	}
	p := d.Parts()
	p.SACL, p.Control = nil, p.Control&^(sd.SACLPresent|sd.SACLProtected)
	bare := sd.New(p)
	above := sd.New(sd.Parts{DACL: fileaccess.Heritable(n.Above.DACL()), Control: sd.DACLPresent})
	renewed := sd.Reinherit(bare, above, &sd.Heir{Container: n.Directory, Mapping: &winnt.FileObject.Mapping})
	if renewed == bare {
		return d, true, nil
	}
	return n.first(withDACL(d, renewed.DACL(), sd.DACLAutoInherited), nil), true, nil
}

// withDACL returns a copy of d with the DACL l, and sets the control bits set and DACLPresent. A nil l is a DACL that
// grants everything.
func withDACL(d *sd.Descriptor, l *sd.ACL, set sd.Control) *sd.Descriptor {
	p := d.Parts()
	p.DACL = l
	p.Control |= sd.DACLPresent | set
	return sd.New(p)
}

// WithDACL returns a copy of d with the DACL l and DACLPresent set. The rest stays, and d does not change.
func WithDACL(d *sd.Descriptor, l *sd.ACL) *sd.Descriptor { return withDACL(d, l, 0) }

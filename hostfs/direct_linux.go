package hostfs

import (
	"errors"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// byName has the rights with which a handle can change the file's name. An open with one of them keeps its directory
// open.
const byName = winnt.DELETE | winnt.FILE_WRITE_ATTRIBUTES

// FindDirect looks up a name in one step, without its directories. It succeeds only if the directories cannot affect
// the decision: for an existing file with rights that its own descriptor can give, and for a name missing in an
// existing directory. Otherwise it returns false, also after any error, and the caller must use Find. The caller must
// release the place. A nil start is the root. On a tree with a share it may set r.Face to SMB, even if it returns
// false (F-181).
func (t *Tree) FindDirect(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, bool) {
	if !t.direct(r) {
		return nil, false
	}
	base, prefix, st := t.base(start)
	dir, name := parentOf(r.Name)
	if st != ntstatus.Success || name == "" || !fileaccess.ValidName(r.Name) ||
		nameable(r.Name) != ntstatus.Success {
		return nil, false
	}
	if t.share != nil {
		// A tree with a descriptor of its own is opened as behind an SMB server (F-111).
		r.Face = fileaccess.SMB
	}
	object, err := below(base, r.Name, 0)
	if err != nil {
		return t.missing(base, prefix, dir, name, err)
	}
	p := t.place()
	p.links, p.user = r.Options&fileaccess.OpenReparsePoint != 0, userOf(r)
	p.object, p.path, p.name = object, join(prefix, dir), name
	p.request = r.Name
	if err := p.describe(); err != nil {
		p.Release()
		return nil, false
	}
	return p, true
}

// missing completes FindDirect for a name that could not be opened. For a missing name in an existing directory it
// returns a place without a file. The result is false if err is not ENOENT, the tree ignores case, or the directory
// cannot be opened.
func (t *Tree) missing(base int, prefix, dir, name string, err error) (nt.FilePlace, bool) {
	if !errors.Is(err, unix.ENOENT) || t.cfg.CaseInsensitive {
		return nil, false // the name may exist in another case
	}
	p := t.place()
	p.path, p.name = join(prefix, dir), name
	if dir != "" {
		fd, err := below(base, dir, unix.O_DIRECTORY)
		if err != nil {
			p.Release()
			return nil, false
		}
		shut(fd)
		p.facts.Path = append(p.facts.Path, fileaccess.Component{Name: dir, Exists: true, IsDirectory: true})
	}
	return p, true
}

// direct reports whether FindDirect can serve a request without the directories on its path. The request must be a
// plain open of an existing file. The result is false in these cases:
//   - MAXIMUM_ALLOWED, or a right that a directory can grant
//   - a trailing backslash, or no FILE_SHARE_READ
//   - a path that needs a traverse check
//   - the zero Tree, or a name of the tree that is marked for deletion
func (t *Tree) direct(r *fileaccess.Request) bool {
	if t.descriptors == nil || r.Disposition != fileaccess.FileOpen || r.Maximal || r.Share&fileaccess.ShareRead == 0 ||
		r.Options&^(fileaccess.DirectoryFile|fileaccess.NonDirectoryFile|fileaccess.SynchronousIONonalert|
			fileaccess.SynchronousIOAlert|fileaccess.OpenReparsePoint) != 0 || strings.HasSuffix(r.Name, `\`) {
		return false
	}
	// The directory's descriptor is evaluated, and its name locked, if the directory itself can grant rights or the
	// open changes a name (F-42, F-43).
	if winnt.FileObject.Mapping.Map(r.Desired)&(byName|winnt.MAXIMUM_ALLOWED) != 0 || walks(&t.cfg.Policy, r) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// In a directory that is marked for deletion nothing is opened (F-22).
	return t.dooms == 0
}

// places is a pool: an open needs one lookup, and its results are copied.
var places = sync.Pool{New: func() any { return new(place) }}

// place returns an empty lookup result from the pool. The caller must call Release, which returns it to the pool.
func (t *Tree) place() *place {
	p := places.Get().(*place)
	p.t, p.parent, p.object = t, -1, -1
	p.facts.Path = p.components[:0]
	p.facts.ReadOnlyVolume, p.facts.Share, p.facts.Policy = t.readOnly, t.share, t.cfg.Policy
	return p
}

package hostfs

import (
	"strings"
	"sync"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// byName has the rights with which a handle changes names: its directory is held for that.
const byName = winnt.DELETE | winnt.FILE_WRITE_ATTRIBUTES

// FindDirect implements nt.DirectFinder: an open of what is there, for rights that its own
// descriptor can give, in one step from the start. Everything that is not found as it should
// be is left to Find. F-181
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
		// A tree with a descriptor of its own is opened as behind an SMB server. F-111
		r.Face = fileaccess.SMB
	}
	object, err := below(base, r.Name, 0)
	if err != nil {
		return nil, false
	}
	p := t.place()
	p.links = r.Options&fileaccess.OpenReparsePoint != 0
	p.object, p.path, p.name = object, join(prefix, dir), name
	if prefix == "" {
		p.asked = r.Name
	}
	if err := p.describe(); err != nil {
		p.Release()
		return nil, false
	}
	return p, true
}

// direct reports whether the directories on the way to a file have no say about a request,
// unless the file's own descriptor refuses it.
func (t *Tree) direct(r *fileaccess.Request) bool {
	if t.descriptors == nil || r.Disposition != fileaccess.FileOpen || r.Maximal || r.Share&fileaccess.ShareRead == 0 ||
		r.Options&^(fileaccess.DirectoryFile|fileaccess.NonDirectoryFile|fileaccess.SynchronousIONonalert|
			fileaccess.SynchronousIOAlert|fileaccess.OpenReparsePoint) != 0 || strings.HasSuffix(r.Name, `\`) {
		return false
	}
	// Whether a directory gives rights of its own is asked of it, and by what changes a
	// name it is held (F-42, F-43).
	if winnt.FileObject.Mapping.Map(r.Desired)&(byName|winnt.MAXIMUM_ALLOWED) != 0 || walks(&t.cfg.Policy, r) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// In a directory that is to go nothing is opened (F-22).
	return t.dooms == 0
}

// places are used again: an open is one look-up, and nothing of it is kept but what was copied.
var places = sync.Pool{New: func() any { return new(place) }}

// place returns a place where nothing was found yet. Its Release gives it back.
func (t *Tree) place() *place {
	p := places.Get().(*place)
	p.t, p.parent, p.object = t, -1, -1
	p.facts.Path = p.components[:0]
	p.facts.ReadOnlyVolume, p.facts.Share, p.facts.Policy = t.readOnly, t.share, t.cfg.Policy
	return p
}

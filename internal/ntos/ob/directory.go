package ob

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// DirectoryType is the type of [Directory].
var DirectoryType = &Type{ObjectType: winnt.DirectoryObject}

// DefaultDirectoryLimit is the number of objects that a directory accepts if
// the configuration sets no limit (O-82).
const DefaultDirectoryLimit = 1 << 20

// Directory holds named objects. Each entry holds a reference on its object,
// each named object one on its directory.
type Directory struct {
	Header
	limit int // immutable

	mu sync.Mutex
	// +checklocks:mu
	newest map[string]*Header // guarded by mu: folded name → the object that got its name last
	// +checklocks:mu
	exact map[string]*Header // guarded by mu: name → object, if there are names that differ from it only in case
	// +checklocks:mu
	count int // guarded by mu
	// +checklocks:mu
	peak, exactPeak int // guarded by mu: see quota.Shrunk
	// +checklocks:mu
	changes uint64 // guarded by mu: entries ever added and removed
	// +checklocks:mu
	sorted []DirectoryEntry // guarded by mu: the result of Names, immutable; nil after a change
}

// link is an object's place in the namespace: its directory and name, which are immutable.
type link struct {
	dir  *Directory
	name string // with the case given at creation
	key  string // folded
	// Guarded by dir.mu: the objects with the same key, in order of insertion. Thousands of names can have one key, so
	// that no step may visit them all.
	older, newer *Header
}

// NewDirectory creates an unnamed directory with one reference (TagCall). A limit ≤ 0 means
// [DefaultDirectoryLimit].
func NewDirectory(d *sd.Descriptor, limit int) *Directory {
	if limit <= 0 {
		limit = DefaultDirectoryLimit
	}
	dir := &Directory{limit: limit, newest: map[string]*Header{}, exact: map[string]*Header{}}
	dir.Init(DirectoryType, dir, d)
	return dir
}

// nameSize returns the memory of a name in a directory, in bytes: the original, the folded form, and the entry.
func nameSize(name string) int {
	if name == "" {
		return 0
	}
	const entry = 256
	return 5*len(name)/2 + entry // the upper-case form can be 1.5 times as long
}

// Upcase returns the name in upper case, without regard to a locale. Names that differ only in case have the same
// form (O-25).
func Upcase(name string) string {
	if utf8.ValidString(name) {
		return strings.ToUpper(name)
	}
	// ToUpper would put one character in place of all bytes that are not UTF-8.
	b := make([]byte, 0, len(name))
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			b = append(b, name[0])
		} else {
			b = utf8.AppendRune(b, unicode.ToUpper(r))
		}
		name = name[n:]
	}
	return string(b)
}

// Name returns the last component of the object's path, "" if the object has no name or has lost it.
func (h *Header) Name() string {
	if l := h.link.Load(); l != nil {
		return l.name
	}
	return ""
}

// Parent returns the directory that names the object, or nil. The result is not a reference: use it only for
// comparisons and reads.
func (h *Header) Parent() *Directory {
	if l := h.link.Load(); l != nil {
		return l.dir
	}
	return nil
}

// longestPath is the number of bytes of a full name beyond which Path returns only its end.
const longestPath = 64 << 10

// Path returns the full name from the root, with leading backslash, or the name under which the object was opened
// ([Header.SetPath]). It returns "" for an object without a name, and for the root. Of a name that is longer than
// longestPath it returns the last components after an ellipsis.
func (h *Header) Path() string {
	var names []string // innermost first; not recursive, for paths can be long
	size := 0
	for l := h.link.Load(); l != nil; l = l.dir.link.Load() {
		if size += len(l.name) + 1; size > longestPath && names != nil {
			// Directories can be nested without a limit, and each query of a name copies it (O-61).
			names = append(names, "…")
			break
		}
		names = append(names, l.name)
	}
	if names == nil {
		return h.path
	}
	slices.Reverse(names)
	return `\` + strings.Join(names, `\`)
}

// Lookup returns the object with a name and takes a reference before it unlocks the directory. It returns nil for an
// unknown name. The caller must call Deref(TagCall).
func (d *Directory) Lookup(name string, ignoreCase bool) *Header {
	h, _ := d.lookup(name, ignoreCase)
	return h
}

// lookup finds an object by name as Lookup does, and also returns the link through which it was found. The caller
// releases the reference. Both are nil if there is none.
func (d *Directory) lookup(name string, ignoreCase bool) (*Header, *link) {
	key := Upcase(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.findLocked(key, name, ignoreCase)
	if h == nil {
		return nil, nil
	}
	h.Ref(TagCall) // the entry's own reference persists while mu is held
	return h, h.link.Load()
}

// findLocked finds a directory entry: the newest one with the name folded to key and, unless ignoreCase is true,
// exactly this name. It returns nil if there is none.
//
// +checklocks:d.mu
func (d *Directory) findLocked(key, name string, ignoreCase bool) *Header {
	h := d.newest[key] // the one made last is found first (T-137)
	if h == nil || ignoreCase || h.link.Load().name == name {
		return h
	}
	return d.exact[name] // only the exact form counts (O-25)
}

// Insert names an object, on which the caller holds a reference. It counts no handle. [Namespace.Create] names an
// object and counts its first handle in one step, because a temporary object loses its name with its last handle
// (O-44). Errors: OBJECT_NAME_INVALID for a name that is empty or has a backslash, OBJECT_NAME_COLLISION also for an
// object that already has a name (O-23), INSUFFICIENT_RESOURCES at the limit (O-82).
func (d *Directory) Insert(name string, obj Object, ignoreCase bool) ntstatus.Status {
	return d.insert(name, obj.Head(), ignoreCase, false)
}

// insert names an object in the directory. open also counts the creator's handle, so that another caller's close
// cannot remove the new name. Errors are:
//   - an empty name or one with a backslash: STATUS_OBJECT_NAME_INVALID
//   - a name that exists, or an object that has a name: STATUS_OBJECT_NAME_COLLISION
//   - a full directory, if the name does not exist: STATUS_INSUFFICIENT_RESOURCES
func (d *Directory) insert(name string, h *Header, ignoreCase, open bool) ntstatus.Status {
	if name == "" || strings.ContainsRune(name, '\\') {
		// A component is not empty and has no backslash (O-23).
		return ntstatus.ObjectNameInvalid
	}
	name = strings.Clone(name) // otherwise the entry would keep the whole path in memory
	l := &link{dir: d, name: name, key: Upcase(name)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.findLocked(l.key, name, ignoreCase) != nil {
		// Something has that name already (O-23).
		return ntstatus.ObjectNameCollision
	}
	if d.count >= d.limit {
		// The directory is full (O-82).
		return ntstatus.InsufficientResources
	}
	if !h.link.CompareAndSwap(nil, l) {
		return ntstatus.ObjectNameCollision
	}
	if older := d.newest[l.key]; older != nil {
		o := older.link.Load()
		l.older, o.newer = older, h
		d.exact[o.name], d.exact[name] = older, h
		quota.Peak(&d.exactPeak, len(d.exact))
	}
	d.newest[l.key] = h
	quota.Peak(&d.peak, len(d.newest))
	d.count++
	d.changedLocked()
	h.Ref(TagName)
	d.Ref(TagLink)
	if open {
		h.addHandle()
	}
	return ntstatus.Success
}

// addHandle counts a handle to an object that was found by name, if l is still its name. Otherwise it returns false: an
// object whose last handle was closed has lost its name and is not found (O-44).
func (l *link) addHandle(h *Header) bool {
	l.dir.mu.Lock()
	defer l.dir.mu.Unlock()
	if h.link.Load() != l {
		return false
	}
	h.addHandle()
	return true
}

// Unname removes the object's name, whatever handles it has. It does nothing
// for an object without a name.
func (h *Header) Unname() {
	if l := h.link.Load(); l != nil {
		h.unlink(l, func() bool { return true })
	}
}

// unlink removes the object's name l if when returns true and l is still its name. It calls when under the directory's
// lock, in every case, so that no open can come in between.
func (h *Header) unlink(l *link, when func() bool) {
	d := l.dir
	d.mu.Lock()
	removed := when() && h.link.Load() == l
	if removed {
		h.link.Store(nil)
		d.removeLocked(l)
	}
	d.mu.Unlock()
	if removed {
		h.Deref(TagName)
		d.Deref(TagLink)
	}
}

// removeLocked removes the entry of the link l from the directory, which must have it. It does not release the entry's
// reference.
//
// +checklocks:d.mu
func (d *Directory) removeLocked(l *link) {
	if l.older != nil {
		l.older.link.Load().newer = l.newer
	}
	switch {
	case l.newer != nil:
		l.newer.link.Load().older = l.older
	case l.older != nil:
		d.newest[l.key] = l.older
	default:
		delete(d.newest, l.key)
		d.newest = quota.Shrunk(d.newest, &d.peak)
	}
	delete(d.exact, l.name)
	d.exact = quota.Shrunk(d.exact, &d.exactPeak)
	d.count--
	d.changedLocked()
}

// changedLocked drops the sorted names, after an entry was added or removed.
//
// +checklocks:d.mu
func (d *Directory) changedLocked() {
	d.changes++
	d.sorted = nil
}

// MakeTemporary clears Permanent, as NtMakeTemporaryObject does. An object without handles loses its name at once. The
// caller checks access.
func (h *Header) MakeTemporary() { h.setPermanent(false) }

// MakePermanent lets the name outlive the last handle, as NtMakePermanentObject does. The caller checks access and
// privilege.
func (h *Header) MakePermanent() { h.setPermanent(true) }

// setPermanent sets whether the name outlives the last handle. If it no longer does and no handle is open, the object
// loses its name. An object without a name only remembers it.
func (h *Header) setPermanent(on bool) {
	l := h.link.Load()
	if l == nil {
		h.permanent.Store(on)
		return
	}
	h.unlink(l, func() bool {
		h.permanent.Store(on)
		return !on && h.HandleCount() == 0
	})
}

// Names returns the names and types of the entries, sorted by name, and an empty list for an empty directory. The
// caller must not change the result. The directory keeps it until its next change: a listing takes many calls, and
// sorting a million names for each of them would take hours.
func (d *Directory) Names() []DirectoryEntry {
	names, at := d.names()
	if at == 0 {
		return names
	}
	// Other callers use the directory during the sort.
	slices.SortFunc(names, func(a, b DirectoryEntry) int { return cmp.Compare(a.Name, b.Name) })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == at {
		d.sorted = names
	}
	return names
}

// names returns the sorted names and 0 if the directory has them. Otherwise it returns the names in no order, and the
// number of changes up to now. A directory that never changed has no names.
func (d *Directory) names() (names []DirectoryEntry, at uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sorted != nil {
		return d.sorted, 0
	}
	names = make([]DirectoryEntry, 0, d.count)
	for _, h := range d.newest {
		for ; h != nil; h = h.link.Load().older {
			names = append(names, DirectoryEntry{h.link.Load().name, h.typ.Name})
		}
	}
	return names, d.changes
}

// DirectoryEntry is one row of a directory listing.
type DirectoryEntry struct{ Name, TypeName string }

// Clear removes the names of all descendants of d, permanent ones too. A system that shuts down calls it on its root.
// Entries that are added meanwhile may stay.
func (d *Directory) Clear() {
	todo := d.children(nil)
	for len(todo) > 0 { // not recursive, for trees can be deep
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if sub, ok := h.self.(*Directory); ok {
			todo = sub.children(todo)
		}
		h.Unname()
		h.Deref(TagCall)
	}
}

// children appends the directory's entries to list, each with a reference that the caller must release. It appends
// nothing for an empty directory.
func (d *Directory) children(list []*Header) []*Header {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.newest {
		for ; h != nil; h = h.link.Load().older {
			h.Ref(TagCall)
			list = append(list, h)
		}
	}
	return list
}

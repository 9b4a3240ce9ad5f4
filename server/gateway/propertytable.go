package gateway

import (
	"net/http"
	"strings"
	"sync"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Limits of the properties that clients set.
const (
	mostDescribed  = 10_000             // files
	mostProperties = dav.MostProperties // of one file
	longestKept    = 16 << 10           // bytes for one file
	mostTested     = 64                 // files of a user at the limit that makeRoom tests for deletion
)

// propertyTable stores the properties that clients set, in memory, because trees cannot store them.
// They belong to a file ID at a path and end with the gateway. It is safe for concurrent use.
type propertyTable struct {
	mu sync.Mutex
	// +checklocks:mu
	of map[place]*properties // guarded by mu
}

// properties has the properties of one file. Immutable.
type properties struct {
	file uint64
	user sid.SID // the client who set the first of them
	list map[dav.Name]dav.Property
}

// newPropertyTable returns a table without properties.
func newPropertyTable() *propertyTable { return &propertyTable{of: map[place]*properties{}} }

// has reports whether a path may have stored properties, so that a caller can skip a query for the file's ID. They may
// belong to another file that had the path before.
func (b *propertyTable) has(at place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[at] != nil
}

// get returns the properties of a path, if they belong to the file with this ID. It returns nil if there are none.
// The caller must not change the map.
func (b *propertyTable) get(at place, file uint64) map[dav.Name]dav.Property {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.of[at]; p != nil && p.file == file {
		return p.list
	}
	return nil
}

// set replaces all properties of a path, for the file with the ID file. An empty list removes the properties.
// It always drops properties of another file at the path. At a limit set returns false and stores nothing. A new
// file counts against user. A user can have no more files than there is room for, so one user leaves half to others
// (G-19). The caller must not change list afterwards.
func (b *propertyTable) set(at place, file uint64, user sid.SID, list map[dav.Name]dav.Property) bool {
	size := 0
	for name, p := range list {
		size += len(name.Space) + len(name.Local) + len(p.Value) + len(p.Lang)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.of[at]
	if old != nil && old.file != file {
		delete(b.of, at) // the old file is gone, so its properties no longer use the user's quota
		old = nil
	}
	if len(list) == 0 {
		delete(b.of, at)
		return true
	}
	if len(list) > mostProperties || size > longestKept {
		return false
	}
	if old != nil {
		user = old.user
	} else if b.isFull(user) {
		return false
	}
	b.of[at] = &properties{file, user, list}
	return true
}

// isFull reports whether a user has no room for a further file.
//
// +checklocks:b.mu
func (b *propertyTable) isFull(user sid.SID) bool { return b.filesOf(user) >= mostDescribed-len(b.of) }

// candidates returns up to mostTested of the files that count against a user and for which served is true, chosen at
// random, if the user has no room for a further file. Otherwise it returns none.
func (b *propertyTable) candidates(user sid.SID, served func(place) bool) map[place]*properties {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := map[place]*properties{}
	if !b.isFull(user) {
		return list
	}
	for at, p := range b.of {
		if p.user == user && served(at) {
			list[at] = p
		}
		if len(list) == mostTested {
			break
		}
	}
	return list
}

// dropOnly forgets the properties p of a path, unless others have replaced them.
func (b *propertyTable) dropOnly(at place, p *properties) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[at] == p {
		delete(b.of, at)
	}
}

// filesOf returns the number of files that count against a user.
//
// +checklocks:b.mu
func (b *propertyTable) filesOf(user sid.SID) (n int) {
	for _, p := range b.of {
		if p.user == user {
			n++
		}
	}
	return n
}

// under reports whether a place is top itself or a descendant of it.
func (p place) under(top place) bool {
	return p.tree == top.tree && (p.path == top.path || top.path == "" || strings.HasPrefix(p.path, top.path+`\`))
}

// drop forgets the properties of top and, if below is set, of all its descendants, after they were deleted. Without
// properties it does nothing.
func (b *propertyTable) drop(top place, below bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.of, top)
	if !below {
		return
	}
	for at := range b.of {
		if at.under(top) {
			delete(b.of, at)
		}
	}
}

// move moves the properties of from and its descendants to to. It replaces properties of the same new path and keeps
// others below to; call drop first to remove those.
func (b *propertyTable) move(from, to place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	moved := map[place]*properties{}
	for at, p := range b.of {
		if at.under(from) {
			moved[place{to.tree, to.path + strings.TrimPrefix(at.path, from.path)}] = p
			delete(b.of, at)
		}
	}
	for at, p := range moved {
		b.of[at] = p
	}
}

// Properties returns the properties that clients set on a file. It returns nil if there are none or the client has not
// both FILE_READ_EA and FILE_READ_ATTRIBUTES. The caller must not change the map. Any failure gives nil as well.
func (f files) Properties(name dav.Path) map[dav.Name]dav.Property {
	at := placeOf(name)
	if !f.q.g.props.has(at) {
		return nil
	}
	h, st := f.q.open(at, winnt.FILE_READ_EA|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return nil // a client without these rights sees no dead properties
	}
	defer f.q.s.release(h)
	now, st := f.q.facts(h)
	if st != ntstatus.Success {
		return nil
	}
	return f.q.g.props.get(at, now.id)
}

// windowsSpace is the namespace of the properties that Explorer sets after an upload.
const windowsSpace = "urn:schemas-microsoft-com:"

// Patch changes the properties that clients set on a file. The client needs FILE_WRITE_EA, FILE_WRITE_ATTRIBUTES and
// FILE_READ_ATTRIBUTES. If a limit is reached, it returns 507 and changes nothing. Properties of Explorer are not
// stored: they set the file's times, and a failure of that is ignored. Without a tree it returns 403.
func (f files) Patch(name dav.Path, patches []dav.Patch) error {
	at := placeOf(name)
	if at.tree == "" {
		return dav.Refuse(http.StatusForbidden, "only files and folders in a tree have properties")
	}
	const want = winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_READ_ATTRIBUTES
	h, st := f.q.open(at, want, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.FILE_WRITE_EA|winnt.FILE_WRITE_ATTRIBUTES, st)
	}
	defer f.q.s.release(h)
	now, st := f.q.facts(h)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.FILE_WRITE_ATTRIBUTES, st)
	}
	if len(patches) == 0 {
		return nil // storing the same properties again could undo a change by another request
	}
	list := map[dav.Name]dav.Property{}
	for name, p := range f.q.g.props.get(at, now.id) {
		list[name] = p
	}
	var times nt.FileBasic
	for _, patch := range patches {
		switch p := patch.Property; {
		case p.Name.Space == windowsSpace:
			setTime(&times, p)
		case patch.Remove:
			delete(list, p.Name)
		default:
			list[p.Name] = p
		}
	}
	stored := f.q.g.props.set(at, now.id, f.q.s.user, list)
	if !stored && f.makeRoom() {
		stored = f.q.g.props.set(at, now.id, f.q.s.user, list)
	}
	if !stored {
		return dav.Refuse(http.StatusInsufficientStorage, "the limit on properties is reached")
	}
	if times != (nt.FileBasic{}) {
		f.q.s.p.do(f.q.ctx, func(th *nt.Thread) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileBasicInformation, times)
		})
	}
	return nil
}

// makeRoom tests some of the user's files with properties, if the user has no room for a further one. It drops the
// properties of those that other programs deleted or replaced, and reports whether there were any.
func (f files) makeRoom() (dropped bool) {
	props := f.q.g.props
	for at, p := range props.candidates(f.q.s.user, f.q.served) {
		h, st := f.q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
		gone := st == ntstatus.ObjectNameNotFound || st == ntstatus.ObjectPathNotFound
		if st == ntstatus.Success {
			now, st := f.q.facts(h)
			gone = st == ntstatus.Success && now.id != p.file
			f.q.s.release(h)
		}
		if gone {
			// A file that the gateway did not delete itself would keep its room until a restart (G-19).
			props.dropOnly(at, p)
			dropped = true
		}
	}
	return dropped
}

// setTime sets the write or access time in times from a property of Explorer. It ignores malformed times and other
// properties, such as file attributes. Explorer would report a refusal as a failed copy.
func setTime(times *nt.FileBasic, p dav.Property) {
	at, err := http.ParseTime(p.Value)
	if err != nil {
		return
	}
	switch p.Name.Local {
	case "Win32LastModifiedTime":
		times.LastWriteTime = filetime.Of(at)
	case "Win32LastAccessTime":
		times.LastAccessTime = filetime.Of(at)
	}
}

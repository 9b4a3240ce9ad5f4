package gateway

import (
	"encoding/xml"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Bounds of the properties that clients keep at files.
const (
	mostDescribed  = 10_000   // files
	mostProperties = 64       // of one file
	longestKept    = 16 << 10 // bytes of one file's
)

// propbook keeps the properties that clients set, in memory: trees have no place for them.
// They are a file's as long as its number and name stay, and go with the gateway.
type propbook struct {
	mu sync.Mutex
	// +checklocks:mu
	of map[place]*properties // guarded by mu
}

// properties are those of one file. Immutable.
type properties struct {
	file uint64
	list map[xml.Name]webdav.Property
}

func newPropbook() *propbook { return &propbook{of: map[place]*properties{}} }

// has reports whether there are properties at a place.
func (b *propbook) has(at place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[at] != nil
}

// get returns the properties at a place that are that file's.
func (b *propbook) get(at place, file uint64) map[xml.Name]webdav.Property {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.of[at]; p != nil && p.file == file {
		return p.list
	}
	return nil
}

// set replaces them; false: there is no room (G-19).
func (b *propbook) set(at place, file uint64, list map[xml.Name]webdav.Property) bool {
	size := 0
	for name, p := range list {
		size += len(name.Space) + len(name.Local) + len(p.InnerXML)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(list) == 0 {
		delete(b.of, at)
		return true
	}
	if len(list) > mostProperties || size > longestKept || b.of[at] == nil && len(b.of) >= mostDescribed {
		return false
	}
	b.of[at] = &properties{file, list}
	return true
}

// under reports whether a place is another or below it.
func (p place) under(top place) bool {
	return p.tree == top.tree && (p.path == top.path || strings.HasPrefix(p.path, top.path+`\`))
}

// drop forgets what is at a place and below.
func (b *propbook) drop(top place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := range b.of {
		if at.under(top) {
			delete(b.of, at)
		}
	}
}

// move follows a rename.
func (b *propbook) move(from, to place) {
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

// DeadProps implements webdav.DeadPropsHolder: reading them is reading extended attributes.
func (d described) DeadProps() (map[xml.Name]webdav.Property, error) {
	if !d.q.g.props.has(d.at) {
		return nil, nil
	}
	h, st := d.q.open(d.at, winnt.FILE_READ_EA|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return nil, nil // who may not read them is told of no such property
	}
	defer d.q.s.p.release(h)
	f, st := d.q.facts(h)
	if st != ntstatus.Success {
		return nil, nil
	}
	return d.q.g.props.get(d.at, f.id), nil
}

// windowsSpace is the namespace of what Explorer sets after an upload.
const windowsSpace = "urn:schemas-microsoft-com:"

// Patch implements webdav.DeadPropsHolder. Setting them is writing extended attributes.
func (d described) Patch(patches []webdav.Proppatch) ([]webdav.Propstat, error) {
	const want = winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_READ_ATTRIBUTES
	if stats := protected(patches); stats != nil {
		return stats, nil
	}
	h, st := d.q.open(d.at, want, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return nil, d.q.failure(d.at.href(false), d.q.refusedAs(d.at, winnt.FILE_WRITE_EA|winnt.FILE_WRITE_ATTRIBUTES, st))
	}
	defer d.q.s.p.release(h)
	f, st := d.q.facts(h)
	if st != ntstatus.Success {
		return nil, d.q.failure(d.at.href(false), d.q.refusedAs(d.at, winnt.FILE_WRITE_ATTRIBUTES, st))
	}
	list := map[xml.Name]webdav.Property{}
	for name, p := range d.q.g.props.get(d.at, f.id) {
		list[name] = p
	}
	var times nt.FileBasic
	stat := webdav.Propstat{Status: http.StatusOK}
	for _, patch := range patches {
		for _, p := range patch.Props {
			stat.Props = append(stat.Props, webdav.Property{XMLName: p.XMLName})
			switch {
			case p.XMLName.Space == windowsSpace:
				setTime(&times, p)
			case patch.Remove:
				delete(list, p.XMLName)
			default:
				list[p.XMLName] = p
			}
		}
	}
	if times != (nt.FileBasic{}) {
		d.q.s.p.do(d.q.ctx, func(th *nt.Thread) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileBasicInformation, times)
		})
	}
	if !d.q.g.props.set(d.at, f.id, list) {
		stat.Status = http.StatusInsufficientStorage
	}
	return []webdav.Propstat{stat}, nil
}

// protected refuses a change of a property that the gateway makes, and with it all changes
// that came together; nil without one (RFC 3744, 5; RFC 4918, 9.2).
func protected(patches []webdav.Proppatch) []webdav.Propstat {
	bad := webdav.Propstat{Status: http.StatusForbidden,
		XMLError: `<cannot-modify-protected-property xmlns="DAV:"/>`}
	rest := webdav.Propstat{Status: http.StatusFailedDependency}
	for _, patch := range patches {
		for _, p := range patch.Props {
			to := &rest
			if p.XMLName.Space == davSpace {
				to = &bad
			}
			to.Props = append(to.Props, webdav.Property{XMLName: p.XMLName})
		}
	}
	switch {
	case len(bad.Props) == 0:
		return nil
	case len(rest.Props) == 0:
		return []webdav.Propstat{bad}
	}
	return []webdav.Propstat{bad, rest}
}

// setTime takes over a time that Explorer sets; those that a tree cannot keep (F-122) and
// attributes are accepted and dropped: a refusal would be told as a failed copy.
func setTime(times *nt.FileBasic, p webdav.Property) {
	at, err := http.ParseTime(string(p.InnerXML))
	if err != nil {
		return
	}
	switch p.XMLName.Local {
	case "Win32LastModifiedTime":
		times.LastWriteTime = at.UnixNano()/100 + epoch
	case "Win32LastAccessTime":
		times.LastAccessTime = at.UnixNano()/100 + epoch
	}
}

// Patch implements webdav.DeadPropsHolder for a copy, once it has its name.
func (u *upload) Patch(patches []webdav.Proppatch) ([]webdav.Propstat, error) {
	if err := u.commit(); err != nil {
		return nil, err
	}
	return u.described.Patch(patches)
}

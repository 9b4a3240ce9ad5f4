package mount

import (
	"fmt"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ModePolicy is the effect of a mode that a program sets with chmod(2), open(2) or mkdir(2). The zero value is
// NarrowMode.
type ModePolicy uint8

const (
	// NarrowMode removes from the descriptor what the mode denies to group and others. It grants nothing (M-41).
	NarrowMode ModePolicy = iota
	// RefuseMode rejects each chmod that would change something, and ignores the mode of a new file.
	RefuseMode
	// MapMode replaces the DACL by one that expresses the mode.
	MapMode
)

// ParseModePolicy returns the policy with the name "narrow", "refuse" or "map". "" is NarrowMode. For any other word,
// also in upper case, it returns RefuseMode and an error.
func ParseModePolicy(word string) (ModePolicy, error) {
	for i, name := range [...]string{"narrow", "refuse", "map"} {
		if word == name {
			return ModePolicy(i), nil
		}
	}
	if word == "" {
		return NarrowMode, nil
	}
	return RefuseMode, fmt.Errorf("mode: %q, want narrow, refuse or map", word)
}

// chmod changes a file's mode according to the mount's mode policy. No mode, or the mode already shown, is OK. The
// caller needs FILE_READ_ATTRIBUTES, and WRITE_DAC for a change. Set-uid, set-gid and sticky bits are never stored,
// and RefuseMode changes nothing. EPERM means no WRITE_DAC, a refused mode, or a changed mode of a link.
func (m *Mount) chmod(t *worker, n *node, in *fuse.SetAttrIn) fuse.Status {
	mode, ok := in.GetMode()
	if !ok {
		return fuse.OK
	}
	if n.file.link {
		if mode&0o7777 != modeOf(nil, false, true)&0o7777 {
			return t.refuse("a link has no permissions of its own: chmod changes none")
		}
		return fuse.OK
	}
	var d *sd.Descriptor
	s := t.with(m, n, winnt.FILE_READ_ATTRIBUTES, func(h winnt.Handle) (s fuse.Status) {
		d, s = t.descriptorOf(m, h)
		return s
	})
	if s != fuse.OK {
		return s
	}
	shown := modeOf(d, n.file.dir, false) & 0o777
	if m.modes == RefuseMode {
		// A chmod that would change the permissions shown is refused (M-44).
		if mode&0o7777 != shown {
			return t.refuse("because M-44: the mount has the setting mode: refuse, so chmod changes nothing")
		}
		return fuse.OK
	}
	if m.nodes.wholeOf(n, t.uid, d) != nil {
		if s, done := m.afterRestore(t, n, mode&0o777, shown); done {
			return s
		}
	}
	next := m.moded(t, n, d, mode&0o777)
	if next != d {
		return m.writeDACL(t, n, next)
	}
	if mode&0o777 == shown || t.client != nil && t.client.User().SID == d.Owner() {
		return fuse.OK
	}
	// A chmod without effect succeeds for the owner and for users with WRITE_DAC (M-42).
	return eperm(t.with(m, n, winnt.WRITE_DAC, func(winnt.Handle) fuse.Status { return fuse.OK }))
}

// moded applies a mode to a descriptor: it returns the descriptor that a chmod to mode stores, given the current
// descriptor d. It returns d itself if the DACL would not change. Otherwise it forgets the descriptors of the file's
// creation.
func (m *Mount) moded(t *worker, n *node, d *sd.Descriptor, mode uint32) *sd.Descriptor {
	base := d
	if whole := m.nodes.wholeOf(n, t.uid, d); whole != nil {
		// The creator's first other mode replaces the one at the creation, so it starts from the
		// inherited descriptor (M-43).
		base = whole
	}
	next := base
	switch {
	case base == d && mode == fileaccess.Mode(d, n.file.dir):
		// The mode that is shown changes nothing (M-42).
	case m.modes == NarrowMode:
		// The mode removes rights and grants none (M-41).
		next = fileaccess.Narrow(base, mode, n.file.dir, holdsOf(t.client, base))
	case mode != fileaccess.Mode(base, n.file.dir):
		// The mode replaces the DACL (M-45).
		next = fileaccess.FromModeOf(base, mode, n.file.dir)
	}
	if next == d || d.DACL() != nil && next.DACL().Equal(d.DACL()) {
		return d
	}
	m.nodes.narrowed(n, nil)
	return next
}

// holdsOf returns a function that reports whether the owner of d is a member of a group, as a mode's group permissions
// require. It returns nil if the client is nil or is not the owner, because then the memberships are unknown.
func holdsOf(client *token.Token, d *sd.Descriptor) func(sid.SID) bool {
	if client == nil || client.User().SID != d.Owner() {
		return nil
	}
	return func(s sid.SID) bool { return client.Member(s, false) }
}

// writeDACL replaces the DACL of a file by that of next, with its protection flag. It returns EPERM without
// WRITE_DAC, as chmod(2) does. Owner, group and SACL stay unchanged.
func (m *Mount) writeDACL(t *worker, n *node, next *sd.Descriptor) fuse.Status {
	return eperm(t.with(m, n, winnt.WRITE_DAC, func(h winnt.Handle) fuse.Status {
		return t.setSecurity(h, winnt.DACL_SECURITY_INFORMATION, next)
	}))
}

// eperm returns the errno that chmod(2) and chown(2) use for a missing right: it converts EACCES to EPERM. It returns
// other statuses unchanged.
func eperm(s fuse.Status) fuse.Status {
	if s == fuse.EACCES {
		return fuse.EPERM
	}
	return s
}

// descriptorOf returns the stored descriptor of an open file without checking a right. It may be nil. The caller must
// not reveal it to the program.
func (t *worker) descriptorOf(m *Mount, h winnt.Handle) (*sd.Descriptor, fuse.Status) {
	f, done, st := t.file(m, h)
	if s := status(st); s != fuse.OK {
		return nil, s
	}
	defer done()
	_, d, st := f.Shown()
	return d, status(st)
}

// making is a file that is being created with a mode, and the descriptors before and after the mode narrows it.
type making struct {
	m        *Mount
	t        *worker
	mode     uint32
	dir      bool
	whole    *sd.Descriptor // the inherited descriptor
	narrowed *sd.Descriptor // the descriptor of the file; nil: whole
}

// newMaking returns the state for the creation of a file with a mode and umask. Under MapMode the umask applies as on
// Linux. Under other policies the umask applies to group or others only if it removes their read bit. The mode rw for
// group or others then becomes rwx, except for a directory.
func (m *Mount) newMaking(t *worker, mode, umask uint32, dir bool) *making {
	mode &= 0o777
	umask &= 0o777
	if m.modes == MapMode {
		return &making{m: m, t: t, mode: mode &^ umask, dir: dir}
	}
	for _, shift := range [...]uint32{0, 3} {
		// A umask that removes reading is the user's choice. The usual 022 removes writing for
		// every program, and would cancel what the directory grants to others (M-43).
		if umask>>shift&4 != 0 {
			mode &^= umask & (7 << shift)
		}
		// fopen(3) creates every file without x, so rw says nothing about executing it (M-43).
		if bits := mode >> shift & 7; bits == 6 && !dir {
			mode |= 1 << shift
		}
	}
	return &making{m: m, t: t, mode: mode, dir: dir}
}

// shape decides the descriptor of a new file from the inherited d: narrowed, replaced or d itself, by the mode policy.
// The tree calls it before it creates the file, and does not call it for an existing one.
func (k *making) shape(d *sd.Descriptor) *sd.Descriptor {
	k.whole, k.narrowed = d, nil
	next := d
	switch k.m.modes {
	case MapMode:
		next = fileaccess.FromModeOf(d, k.mode, k.dir)
	case NarrowMode:
		next = fileaccess.Narrow(d, k.mode, k.dir, holdsOf(k.t.client, d))
	}
	if next != d {
		k.narrowed = next
	}
	return next
}

// made records that n was created through the mount, with the descriptor that it inherited, until the creator changes
// the mode (M-43). It does nothing if n is nil or the file existed already.
func (k *making) made(n *node) {
	if k.whole != nil {
		k.m.nodes.created(n)
	}
	if k.narrowed != nil && n != nil {
		k.m.nodes.narrowed(n, newNarrowed(k.t.uid, k.whole, k.narrowed))
	}
}

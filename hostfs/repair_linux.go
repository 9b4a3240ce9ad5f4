package hostfs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// maxDepth is how deep below its path a repair goes. It holds one descriptor for each directory on the way.
const maxDepth = 400

// listed is the maximum number of a directory's names in memory.
const listed = 512

var (
	errDeep = fmt.Errorf("more than %d directories deep: name it as a path of its own", maxDepth)
	errKept = errors.New("its attribute changed during the repair: stop the servers of the tree, or repeat the repair")
)

// Repair rewrites the stored descriptors of a tree in the current form: without entries that name logon sessions,
// even deny entries, and without generic bits in effective entries (F-202). Without Rehash it changes nothing else in
// the attributes, so a server accepts exactly those that it accepted before. It follows no link and enters no other
// mount below the path. Its memory does not grow with the tree. Writing an attribute in security.* needs CAP_SYS_ADMIN.
//
// Repair fails if the path cannot be opened, or if ctx ends, and returns the counts so far. It counts errors of single
// files. After c.Most files it stops with Cut set and no error.
func Repair(ctx context.Context, c RepairConfig) (RepairCounts, error) {
	c.Attribute = cmp.Or(c.Attribute, ntacl.Name)
	r := &repair{RepairConfig: c, ctx: ctx}
	fd, err := unix.Open(c.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return r.counts, fmt.Errorf("hostfs: repair %s: %w", c.Path, err)
	}
	defer shut(fd)
	if err := r.visit(fd, c.Path, 0); err != nil && !errors.Is(err, errMost) {
		return r.counts, fmt.Errorf("hostfs: repair %s: %w", c.Path, err)
	}
	return r.counts, nil
}

// errMost ends a run that has visited RepairConfig.Most files.
var errMost = errors.New("the limit of visited files is reached")

// repair is the state of one call of [Repair]. It belongs to one goroutine.
type repair struct {
	RepairConfig
	ctx    context.Context
	counts RepairCounts
}

// visit repairs the file that fd holds, and the descendants of a directory. Errors of single files are only reported.
// A non-nil error ends the run: that of the context, or errMost. Special files are counted and skipped. A directory
// at maxDepth, or one that cannot be read, counts as a failure.
func (r *repair) visit(fd int, path string, depth int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.Most > 0 && r.counts.Files >= r.Most {
		r.counts.Cut = true
		return errMost
	}
	r.counts.Files++
	s, err := stat(fd)
	if err != nil {
		r.failed(path, err)
		return nil
	}
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFLNK, unix.S_IFDIR:
		r.file(fd, path, s.Mode&unix.S_IFMT == unix.S_IFLNK)
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil
	}
	if depth >= maxDepth {
		r.failed(path, errDeep)
		return nil
	}
	d, err := openDirectory(fd)
	if err != nil {
		r.failed(path, err)
		return nil
	}
	defer func() { _ = d.Close() }() // only read
	for {
		names, err := d.Readdirnames(listed)
		for _, name := range names {
			if err := r.entry(fd, name, filepath.Join(path, name), depth+1); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			r.failed(path, err)
			return nil
		}
	}
}

// entry visits one name of a directory. A missing name, or one on another mount, is skipped. A name that cannot be
// opened is reported as failed. In both cases the result is nil. Any other result is that of visit.
func (r *repair) entry(dir int, name, path string, depth int) error {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV}
	var fd int
	err := retry(func() (err error) {
		for range 100 { // a rename elsewhere came in between
			if fd, err = unix.Openat2(dir, name, &how); !errors.Is(err, unix.EAGAIN) {
				break
			}
		}
		return err
	})
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.EXDEV):
		return nil // it was removed, or is another mount (F-112)
	case err != nil:
		r.failed(path, err)
		return nil
	}
	defer shut(fd)
	return r.visit(fd, path, depth)
}

// file repairs the attribute of the file that fd holds, and reports a repair or an error. A file without the
// attribute is only counted, and a link without it is skipped. A stale hash is recomputed only if Rehash is set. With
// DryRun the file is only reported, not changed.
func (r *repair) file(fd int, path string, link bool) {
	place := placeOf(fd)
	value, err := attribute(place, r.Attribute)
	switch {
	case errors.Is(err, unix.EPERM): // a symbolic link cannot have user attributes
		return
	case err != nil:
		r.failed(path, err)
		return
	case value == nil:
		if !link {
			r.counts.Missing++
		}
		return
	}
	old := string(value) // Decode does not keep a reference to value
	a, err := ntacl.Decode(value)
	if err != nil {
		r.failed(path, err)
		return
	}
	found := Repaired{Path: path}
	next, st := found.mended(a.Descriptor)
	if st != ntstatus.Success {
		r.failed(path, fmt.Errorf("its owner or group is a logon session: set another one with refmon acl set --offline: %w",
			st.Err()))
		return
	}
	seal, err := r.stale(fd, a)
	if err != nil {
		r.failed(path, err)
		return
	}
	found.Stale = seal != nil
	if next == a.Descriptor && !found.Stale {
		return
	}
	a.Descriptor = next
	if found.Stale && r.Rehash && !r.DryRun {
		// With Rehash the administrator confirms that the change of permissions outside refmond was intended (F-205).
		found.Err = seal()
	}
	if !r.DryRun && found.Err == nil && (found.Sessions+found.Generic > 0 || r.Rehash) {
		found.Err = r.store(place, old, a)
	}
	r.report(found)
}

// stale returns a function that recomputes the hash of a, if the file's permissions no longer match it. The function
// is nil if they match, if only the server can compute the hash, with IgnorePosix, and for versions other than 4. An
// unreadable file is an error.
func (r *repair) stale(fd int, a *ntacl.Attribute) (seal func() error, err error) {
	if r.IgnorePosix || a.Version != 4 {
		return nil, nil
	}
	s, err := stat(fd)
	if err != nil {
		return nil, err
	}
	access, inherited, err := posixOf(&held{fd: fd}, &s)
	if err != nil || a.Verify(infoOf(&s), access, inherited) != ntacl.Stale {
		return nil, err
	}
	return func() error { return a.Seal(infoOf(&s), access, inherited) }, nil
}

// mended returns d in the form in which refmond stores descriptors now, and d itself if it already has that form. It
// adds the changed entries to r.Sessions and r.Generic. It fails if the owner or group is a logon session.
func (r *Repaired) mended(d *sd.Descriptor) (*sd.Descriptor, ntstatus.Status) {
	p := d.Parts()
	for _, list := range []*sd.ACL{p.DACL, p.SACL} {
		for _, a := range list.All() {
			switch {
			case fileaccess.NamesSession(a):
				r.Sessions++
			case fileaccess.StoresGeneric(a):
				r.Generic++
			}
		}
	}
	if r.Sessions > 0 {
		// The administrator requested the change and sees the result, so the denials of a session are removed too
		// (F-202).
		p.DACL, p.SACL = fileaccess.Heritable(p.DACL), fileaccess.Heritable(p.SACL)
		d = sd.New(p)
	}
	return fileaccess.Stored(d)
}

// store writes the attribute of the file at place, unless another program has changed it since it was read as old.
// Then it returns errKept. If the value cannot be read, it returns that error.
func (r *repair) store(place, old string, a *ntacl.Attribute) error {
	value, err := a.Append(nil)
	if err != nil {
		return err
	}
	if now, err := attribute(place, r.Attribute); err != nil || string(now) != old {
		return cmp.Or(err, errKept)
	}
	return retry(func() error { return unix.Setxattr(place, r.Attribute, value, 0) })
}

// failed reports an error of one file.
func (r *repair) failed(path string, err error) { r.report(Repaired{Path: path, Err: err}) }

// report adds a repaired or failed file to the counts and passes it to Each, unless Each is nil. With an error the file
// was not repaired, and f counts only as failed.
func (r *repair) report(f Repaired) {
	add := func(n *int64, is bool) {
		if is {
			*n++
		}
	}
	add(&r.counts.Failed, f.Err != nil)
	add(&r.counts.Sessions, f.Err == nil && f.Sessions > 0)
	add(&r.counts.Generic, f.Err == nil && f.Generic > 0)
	add(&r.counts.Stale, f.Err == nil && f.Stale)
	if r.Each != nil {
		r.Each(f)
	}
}

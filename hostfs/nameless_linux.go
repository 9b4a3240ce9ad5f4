package hostfs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
)

// A file without a name is made where a file could be made, has the descriptor that one would get,
// and ends with its last open unless it was linked: O_TMPFILE of open(2).

// MakesNameless implements nt.NamelessPlace.
func (p *place) MakesNameless() ntstatus.Status {
	p.nameless = true
	return ntstatus.Success
}

// createNameless makes a file without a name, with its attribute.
func (p *place) createNameless(f *file, r *fileaccess.Request, d *fileaccess.Decision) (err error) {
	const flags = unix.O_TMPFILE | unix.O_RDWR | unix.O_CLOEXEC
	mode := p.t.cfg.FileMode
	err = retry(func() (err error) { f.fd, err = unix.Openat(p.parent, ".", flags, mode); return err })
	if errors.Is(err, unix.EISDIR) {
		return unix.ENOTSUP // the file system knows no such file
	}
	if err != nil {
		return err
	}
	var s unix.Statx_t
	if err = unix.Fchmod(f.fd, mode); err == nil {
		s, err = stat(f.fd)
	}
	if err == nil {
		err = f.begin(&s, r.Attributes)
	}
	if err == nil {
		err = p.describeNew(f, &s, d)
	}
	// The name that was decided about is not taken, and no open is by it (F-197).
	f.nameless, f.link.name, f.link.path = true, "", ""
	if err == nil {
		if st := p.enterHere(s.Ino, f); st != ntstatus.Success {
			err = unix.EMFILE
		}
	}
	if err != nil {
		shut(f.fd)
		f.fd = -1
	}
	return err
}

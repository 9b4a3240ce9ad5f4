package hostfs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
)

// A file without a name (O_TMPFILE of open(2)) is created in a directory that the client may add files to. It gets the
// descriptor of a new file there. It disappears with its last open unless a link to it was created.

// MakesNameless makes Open create a file without a name in the directory of the place. It always succeeds; Open fails
// with STATUS_NOT_SUPPORTED if the file system has no such files. The file is deleted with its last open unless it is
// linked.
func (p *place) MakesNameless() ntstatus.Status {
	p.nameless = true
	return ntstatus.Success
}

// openNameless creates a file without a name in a directory and opens it for reading and writing. It returns -1 with
// every error.
func openNameless(dir int, mode uint32) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

// createNameless creates a file without a name and path, with its attribute, and adds it to the table of opens. If
// the file system cannot create one, the error is ENOTSUP. If the open cannot be added, it is EMFILE. After an error
// no file is left and f.fd is -1.
func (p *place) createNameless(f *file, r *fileaccess.Request, d *fileaccess.Decision) (err error) {
	mode := p.t.cfg.FileMode
	if err := p.t.fault("create", ""); err != nil {
		return err
	}
	f.fd, err = openNameless(p.parent, mode)
	if errors.Is(err, unix.EISDIR) {
		return unix.ENOTSUP // the file system knows no such file
	}
	if err != nil {
		return err
	}
	s, err := p.statNew(f)
	if err == nil {
		err = f.begin(&s, r.Attributes)
	}
	if err == nil {
		err = p.describeNew(f, &s, d)
	}
	// The decision used a random name. The file does not get this name, and no open has it (F-197).
	f.nameless, f.link.name, f.link.path = true, "", ""
	if err == nil {
		if st := p.enterHere(&s, f); st != ntstatus.Success {
			err = unix.EMFILE
		}
	}
	if err != nil {
		shut(f.fd)
		f.fd = -1
	}
	return err
}

package hostfs

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Descriptor returns the current descriptor of the file, which is shared and immutable. It returns
// STATUS_NO_SECURITY_ON_OBJECT if the file has none, or if its attribute is invalid. If a system call fails, it
// returns the status for its error.
func (f *file) Descriptor() (*sd.Descriptor, ntstatus.Status) {
	s, err := f.stat()
	if err != nil {
		return nil, statusOf(err)
	}
	k, err := f.t.known(held{fd: f.fd}, &s, f.user)
	if err != nil {
		return nil, statusOf(err)
	}
	if k.descriptor == nil {
		// An unread descriptor must not be taken for one without a DACL (F-50).
		return nil, ntstatus.NoSecurityOnObject
	}
	return k.descriptor, ntstatus.Success
}

// SwapDescriptor replaces the security descriptor of the file by next if the present one equals old, and returns
// true. It returns false and success if the present one differs from old, or if either is nil. If the write fails, it
// returns false and the error. STATUS_NOT_SUPPORTED means that only the file server can compute the hash of the
// attribute. Opens of this tree exclude each other. If another program writes between the read and the write, its
// change is lost.
func (f *file) SwapDescriptor(old, next *sd.Descriptor) (bool, ntstatus.Status) {
	t := f.t
	t.writing.Lock()
	defer t.writing.Unlock()
	s, err := f.stat()
	if err != nil {
		return false, statusOf(err)
	}
	k, err := t.readAttribute(&held{fd: f.fd}, &s)
	if err != nil {
		return false, statusOf(err)
	}
	if k.descriptor == nil || old == nil || !k.descriptor.Equal(old) {
		return false, ntstatus.Success
	}
	a := k.attribute
	switch {
	case a.Version == 0:
		a = t.versionBelow(nil)
	case k.verdict == ntacl.Unverifiable:
		// Only Samba's server can compute this hash. With another hash it would ignore the new descriptor (F-121).
		return false, ntstatus.NotSupported
	}
	a.Descriptor = next
	st := statusOf(t.write(f.fd, &s, &a))
	return st == ntstatus.Success, st
}

// versionBelow returns an empty attribute for a file that does not have one. Its version is that of the directory's
// attribute above. If above is nil or has no attribute, the version is 4, or 3 with IgnorePosix.
func (t *Tree) versionBelow(above *known) ntacl.Attribute {
	a := ntacl.Attribute{Version: 4}
	if above != nil && above.attribute.Version != 0 {
		a.Version = above.attribute.Version
	} else if t.cfg.IgnorePosix {
		a.Version = 3
	}
	if a.Version == 3 {
		a.HashType = ntacl.HashSHA256 // the hash stays zero, because the permissions are ignored
	}
	return a
}

// write stores the attribute a, with its security descriptor, for the file that fd holds. It changes a to the stored
// form, which means the same to all servers (F-199, F-201). Version 4 gets a hash of the current permissions (F-121).
// If the owner or group is a logon session, or the hash cannot be computed, write fails and stores nothing.
func (t *Tree) write(fd int, s *unix.Statx_t, a *ntacl.Attribute) error {
	// Every stored descriptor passes through this function.
	d, st := fileaccess.Stored(a.Descriptor)
	if st != ntstatus.Success {
		return fmt.Errorf("the descriptor names a logon session (S-1-5-5-x-y), which later stands for another user: "+
			"take it out: %w", st.Err())
	}
	a.Descriptor = d
	if a.Version == 4 {
		access, inherited, err := t.posixOf(&held{fd: fd}, s)
		if err != nil {
			return err
		}
		if err := a.Seal(infoOf(s), access, inherited); err != nil {
			return err
		}
		// Equal descriptors give equal attributes, which ext4 stores once (F-216).
		a.Time = filetime.Of(time.Now().Truncate(time.Hour))
	}
	value, err := a.Append(nil)
	if err != nil {
		return err
	}
	t.hold(value)
	return t.setAttribute(fd, t.cfg.Attribute, value, 0)
}

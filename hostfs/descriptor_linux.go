package hostfs

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// identity is a file at one moment: setting an attribute, changing permissions and
// owner raise the time of change. F-115
type identity struct {
	inode                 uint64
	changed, born         int64
	changedNano, bornNano uint32
}

func identityOf(s *unix.Statx_t) identity {
	return identity{s.Ino, s.Ctime.Sec, s.Btime.Sec, s.Ctime.Nsec, s.Btime.Nsec}
}

// known holds the answer of a file's attribute. Immutable but for id.
type known struct {
	descriptor *sd.Descriptor         // nil grants nothing
	attribute  ntacl.Attribute        // without descriptor; version 0: none
	verdict    ntacl.Verdict          // on the attribute
	audited    bool                   // the attribute has entries that ACCESS_SYSTEM_SECURITY alone shows
	dos        dos                    // what is kept beside it
	id         atomic.Pointer[string] // atomic; what tells the file from others, nil until it is asked for
}

// settled is the age of a file's last change from which on its descriptor is kept:
// kernels stamp changes with a clock that ticks, so that a second change right after
// the first has the same time. F-115
const settled = 20 * time.Millisecond

// errYoung says that a descriptor counts now and may not count later.
var errYoung = errors.New("the file has just changed")

// known returns what the attribute of a file says, from the cache where the file has
// not changed since.
func (t *Tree) known(fd int, s *unix.Statx_t) (*known, error) {
	var young *known
	k, err := t.descriptors.Get(identityOf(s), func() (*known, error) {
		k, keep, err := t.read(fd, s)
		if err == nil && !keep {
			young, err = k, errYoung
		}
		return k, err
	})
	if young != nil {
		return young, nil
	}
	return k, err
}

// read reads the attribute from the inode that a descriptor holds. keep says that s
// identifies what was read.
func (t *Tree) read(fd int, s *unix.Statx_t) (k *known, keep bool, err error) {
	place := placeOf(fd)
	now := time.Now()
	if k, err = t.readAttribute(place, s); err != nil {
		return nil, false, err
	}
	after, err := stat(fd)
	if err != nil {
		return nil, false, err
	}
	age := now.Sub(time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec)))
	return k, age >= settled && identityOf(s) == identityOf(&after), nil
}

func (t *Tree) readAttribute(place string, s *unix.Statx_t) (*known, error) {
	value, err := attribute(place, t.cfg.Attribute)
	if err != nil {
		return nil, err
	}
	kept := dosOf(place)
	k := &known{verdict: ntacl.Stale, dos: kept}
	if value != nil {
		a, err := ntacl.Decode(value)
		if err != nil {
			// An attribute that cannot be read grants nothing (F-101).
			return &known{verdict: ntacl.Unverifiable, audited: true, dos: kept}, nil
		}
		if k.verdict, err = t.verify(a, place, s); err != nil {
			return nil, err
		}
		k.attribute, k.descriptor = *a, a.Descriptor
		k.attribute.Descriptor, k.audited = nil, hasAudit(a.Descriptor)
	}
	if k.verdict != ntacl.Stale {
		return k, nil
	}
	// Without a descriptor, or with one that the permissions belie, a file grants what
	// its permissions amount to, or nothing, as the tree says. F-115
	k.descriptor = nil
	if t.cfg.Missing == SynthesiseMissing {
		acl, err := attribute(place, aclAccess)
		if err != nil {
			return nil, err
		}
		if k.descriptor, err = ntacl.Posix(infoOf(s), acl, t.cfg.Accounts); err != nil {
			k.descriptor = nil
		}
	}
	return k, nil
}

// hasAudit reports whether a descriptor has entries of the SACL that READ_CONTROL does
// not show, as it shows labels.
func hasAudit(d *sd.Descriptor) bool {
	for _, a := range d.SACL().All() {
		if sd.PartOf(a.Type()) == winnt.SACL_SECURITY_INFORMATION {
			return true
		}
	}
	return false
}

// Attributes in which Linux keeps POSIX ACLs.
const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)

// verify says whether a server believes the attribute.
func (t *Tree) verify(a *ntacl.Attribute, place string, s *unix.Statx_t) (ntacl.Verdict, error) {
	if t.cfg.IgnorePosix || a.Version < 4 {
		if t.cfg.IgnorePosix {
			return ntacl.Unhashed, nil
		}
		return a.Verify(infoOf(s), nil, nil), nil
	}
	access, inherited, err := posixOf(place, s)
	if err != nil {
		return ntacl.Stale, err
	}
	return a.Verify(infoOf(s), access, inherited), nil
}

// posixOf reads the POSIX ACLs of a file.
func posixOf(place string, s *unix.Statx_t) (access, inherited []byte, err error) {
	if access, err = attribute(place, aclAccess); err != nil || s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return access, nil, err
	}
	inherited, err = attribute(place, aclDefault)
	return access, inherited, err
}

func infoOf(s *unix.Statx_t) ntacl.Info {
	return ntacl.Info{Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR, Mode: uint32(s.Mode) & 0o7777, UID: s.Uid, GID: s.Gid}
}

// maxAttribute is the largest attribute of Linux, in bytes.
const maxAttribute = 1 << 16

// attribute reads an extended attribute; nil for a file without it. It grants nothing
// to a file system that has none.
func attribute(place, name string) ([]byte, error) {
	for size := 1024; ; size = maxAttribute {
		b := make([]byte, size)
		n, err := unix.Getxattr(place, name, b)
		switch {
		case err == nil:
			return b[:n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.ERANGE) && size < maxAttribute:
		default:
			return nil, err
		}
	}
}

// placeOf names the inode that a descriptor holds, for calls that take paths only.
func placeOf(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

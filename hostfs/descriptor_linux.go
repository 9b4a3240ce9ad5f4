package hostfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// identity identifies a version of a file: its inode number and its times of birth and change. Setting an attribute
// or changing permissions or owner updates the change time, so the descriptor cache uses identity as its key (F-115).
type identity struct {
	inode                 uint64
	changed, born         int64
	changedNano, bornNano uint32
}

// identityOf returns the identity of the file whose state is s.
func identityOf(s *unix.Statx_t) identity {
	return identity{s.Ino, s.Ctime.Sec, s.Btime.Sec, s.Ctime.Nsec, s.Btime.Nsec}
}

// known is what a tree knows of a file's security: the parsed attribute with the security descriptor, and the DOS
// attributes. It is immutable except for id, and may be shared by goroutines.
type known struct {
	descriptor *sd.Descriptor         // nil grants nothing
	attribute  ntacl.Attribute        // without descriptor; version 0: none
	verdict    ntacl.Verdict          // on the attribute
	audited    bool                   // the attribute has entries that ACCESS_SYSTEM_SECURITY alone shows
	dos        dos                    // user.DOSATTRIB
	cause      error                  // why the attribute is invalid; nil: it is valid or missing
	id         atomic.Pointer[string] // atomic; distinguishes the file from others, nil until first used
}

// errYoung keeps a result out of the cache: the file changed so recently that its next change may have the same time.
var errYoung = errors.New("the file has just changed")

// known returns the security descriptor and DOS attributes of the file that h holds. It uses the cache if the file
// still has the state s. user is charged for a new cache entry; the zero SID is the server. A missing or invalid
// attribute gives a result without a descriptor, not an error.
func (t *Tree) known(h held, s *unix.Statx_t, user sid.SID) (*known, error) {
	var young *known
	k, err := t.descriptors.get(identityOf(s), user, func() (*known, error) {
		k, keep, err := t.read(&h, s)
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

// read reads the attribute of the inode that h holds, and calls Config.Unbelieved if the attribute is invalid. keep
// reports whether s identifies the result, so that it may be cached. A file that changes during the read is not kept.
func (t *Tree) read(h *held, s *unix.Statx_t) (k *known, keep bool, err error) {
	now := time.Now()
	if k, err = t.readAttribute(h, s); err != nil {
		return nil, false, err
	}
	if k.cause != nil && t.cfg.Unbelieved != nil {
		// The administrator learns why the file refuses everybody (F-204).
		t.cfg.Unbelieved(nameOf(h.fd), k.cause)
	}
	after, err := stat(h.fd)
	if err != nil {
		return nil, false, err
	}
	age := now.Sub(time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec)))
	return k, age >= t.settling && identityOf(s) == identityOf(&after), nil
}

// readAttribute reads and parses the attribute of the inode that h holds, without the cache. s is the inode's state.
// An error means that a system call failed.
//   - attribute that cannot be parsed: grants nothing and sets the cause
//   - missing attribute or wrong hash: Config.Missing decides whether the POSIX permissions become the descriptor
//   - malformed POSIX ACL: no descriptor
func (t *Tree) readAttribute(h *held, s *unix.Statx_t) (*known, error) {
	value, err := t.attribute(h, t.cfg.Attribute)
	if err != nil {
		return nil, err
	}
	kept, err := t.dosOf(h)
	if err != nil {
		return nil, err
	}
	k := &known{verdict: ntacl.Stale, dos: kept}
	if value != nil {
		a, err := ntacl.Decode(value)
		if err != nil {
			// An attribute that cannot be read grants nothing (F-101).
			return &known{verdict: ntacl.Unverifiable, audited: true, dos: kept,
				cause: fmt.Errorf("%w: refmon acl set --offline PATH SDDL writes another one", err)}, nil
		}
		if k.verdict, err = t.verify(a, h, s); err != nil {
			return nil, err
		}
		k.attribute, k.descriptor = *a, a.Descriptor
		k.attribute.Descriptor, k.audited = nil, hasAudit(a.Descriptor)
		if k.verdict == ntacl.Stale {
			k.cause = errStale
		}
	}
	if k.verdict != ntacl.Stale {
		return k, nil
	}
	// Without a descriptor, or with one that the permissions belie, a file grants what
	// its permissions amount to, or nothing, as the tree says. A directory gets no entries for children: Everyone could
	// read new files of a private folder, because nothing here checks the folder's mode as Samba's host does (F-115).
	k.descriptor = nil
	if t.cfg.Missing == SynthesiseMissing {
		acl, err := t.attribute(h, aclAccess)
		if err != nil {
			return nil, err
		}
		if k.descriptor, err = ntacl.Posix(infoOf(s), acl, t.cfg.Accounts); err != nil {
			k.descriptor = nil
		}
	}
	return k, nil
}

// nameOf returns the current host path of an open file, or "a file without a name".
func nameOf(fd int) string {
	name, err := os.Readlink(placeOf(fd))
	if err != nil {
		return "a file without a name"
	}
	return name
}

// CurrentPath returns the present name of the file below the root, for nt.PathReporter. The name of a removed file ends
// in " (deleted)".
func (f *file) CurrentPath() (path string, ok bool) {
	name, err := f.t.pathOf(f.fd)
	return strings.ReplaceAll(name, "/", `\`), err == nil
}

// hasAudit reports whether a descriptor has SACL entries that READ_CONTROL does not show. Labels are ignored, because
// READ_CONTROL shows them. It returns false for a nil descriptor.
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

// verify returns whether a file server would accept the attribute for the permissions in s. With IgnorePosix the
// result is always [ntacl.Unhashed]. An attribute below version 4 does not depend on the permissions. An error means
// that the POSIX ACLs could not be read.
func (t *Tree) verify(a *ntacl.Attribute, h *held, s *unix.Statx_t) (ntacl.Verdict, error) {
	if t.cfg.IgnorePosix || a.Version < 4 {
		if t.cfg.IgnorePosix {
			return ntacl.Unhashed, nil
		}
		return a.Verify(infoOf(s), nil, nil), nil
	}
	access, inherited, err := t.posixOf(h, s)
	if err != nil {
		return ntacl.Stale, err
	}
	return a.Verify(infoOf(s), access, inherited), nil
}

// posixOf reads the POSIX ACLs of a file. A missing one is nil, and inherited is nil except for directories.
func posixOf(h *held, s *unix.Statx_t) (access, inherited []byte, err error) {
	if access, err = h.attributeOf(aclAccess); err != nil || s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return access, nil, err
	}
	inherited, err = h.attributeOf(aclDefault)
	return access, inherited, err
}

// infoOf returns the properties in s that the hash of an NT ACL attribute covers: kind, mode and owner.
func infoOf(s *unix.Statx_t) ntacl.Info {
	return ntacl.Info{Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR, Mode: uint32(s.Mode) & 0o7777, UID: s.Uid, GID: s.Gid}
}

// maxAttribute is the largest attribute of Linux, in bytes.
const maxAttribute = 1 << 16

// attribute returns an extended attribute of the file at a path. It follows symbolic links. If the attribute is
// missing, or the file system has no attributes, value and error are nil. An empty value is not nil. A value beyond
// maxAttribute is an error.
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

// placeOf returns the path in /proc of the file that a file descriptor holds, for calls that take paths only.
func placeOf(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

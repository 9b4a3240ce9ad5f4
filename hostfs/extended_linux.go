package hostfs

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Extended attributes of a tree are the host's, in its name space for users: a file server
// that has them (`ea support`) keeps the attribute NAME as user.NAME.

// extended begins the names of extended attributes on the host.
const extended = "user."

// mostExtended limits the extended attributes of a file, names and values together, in bytes, to the space in one
// NTFS file (F-196).
const mostExtended = 1 << 16

// servers are the attributes in which servers store data that other rights protect.
var servers = []string{dosName, ntacl.UserName, "user.SAMBA_PAI", "user.SmbReparse", ntacl.WholeName}

// reserved reports whether an attribute of the host belongs to a file server and is hidden from clients. Such
// attributes are neither listed nor changed (F-195). It also reserves every name outside the namespace "user.". It
// ignores case in the names of servers.
func (f *file) reserved(name string) bool {
	if !strings.HasPrefix(name, extended) || name == extended || strings.EqualFold(name, f.t.cfg.Attribute) {
		return true
	}
	for _, own := range servers {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	const streams = "user.DosStream."
	return len(name) >= len(streams) && strings.EqualFold(name[:len(streams)], streams)
}

// Extended returns the value of an extended attribute by its name on the host. It fails with
// STATUS_OBJECT_NAME_NOT_FOUND if the attribute is missing or reserved, STATUS_NOT_SUPPORTED if the file system has no
// extended attributes, and STATUS_ACCESS_DENIED for an open without FILE_READ_EA.
func (f *file) Extended(name string) ([]byte, ntstatus.Status) {
	switch {
	case f.granted&winnt.FILE_READ_EA == 0:
		// Extended attributes are read with FILE_READ_EA (F-194).
		return nil, ntstatus.AccessDenied
	case f.reserved(name):
		return nil, ntstatus.ObjectNameNotFound
	}
	b := make([]byte, maxAttribute)
	var n int
	err := retry(func() (err error) { n, err = unix.Getxattr(placeOf(f.fd), name, b); return err })
	if err != nil {
		return nil, extendedStatus(err)
	}
	return bytes.Clone(b[:n]), ntstatus.Success
}

// ExtendedNames returns the names of the extended attributes of a file, without reserved ones. It fails with
// STATUS_ACCESS_DENIED for an open without FILE_READ_EA.
func (f *file) ExtendedNames() ([]string, ntstatus.Status) {
	if f.granted&winnt.FILE_READ_EA == 0 {
		// And so are their names (F-194).
		return nil, ntstatus.AccessDenied
	}
	return f.extendedNames()
}

// extendedNames returns the names of the file's extended attributes, without those that the tree reserves. It returns
// nil for none.
func (f *file) extendedNames() (names []string, st ntstatus.Status) {
	b := make([]byte, maxAttribute)
	var n int
	err := retry(func() (err error) { n, err = unix.Listxattr(placeOf(f.fd), b); return err })
	if err != nil {
		return nil, extendedStatus(err)
	}
	for name := range strings.SplitSeq(string(b[:n]), "\x00") {
		if !f.reserved(name) {
			names = append(names, name)
		}
	}
	return names, ntstatus.Success
}

// SetExtended sets an extended attribute of a file. how has the flags of setxattr(2), which can
// refuse to replace an attribute (STATUS_OBJECT_NAME_COLLISION) or to create one
// (STATUS_OBJECT_NAME_NOT_FOUND). It fails with STATUS_DISK_FULL if the attribute does not fit, and with
// STATUS_ACCESS_DENIED for a reserved name or an open without FILE_WRITE_EA.
func (f *file) SetExtended(name string, value []byte, how int) ntstatus.Status {
	if st := f.mayExtend(name); st != ntstatus.Success {
		return st
	}
	f.t.writing.Lock() // no attribute may be added between the count and the change
	defer f.t.writing.Unlock()
	taken, st := f.taken(name)
	if st != ntstatus.Success {
		return st
	}
	if !fits(taken, name, value) {
		// A file has a bounded room for extended attributes (F-196).
		return ntstatus.DiskFull
	}
	return extendedStatus(f.t.setAttribute(f.fd, name, value, how))
}

// fits reports whether another extended attribute fits into the limit of a file that already uses taken bytes
// (F-196).
func fits(taken int, name string, value []byte) bool {
	return taken+len(name)+len(value) <= mostExtended
}

// RemoveExtended removes an extended attribute. It fails with STATUS_OBJECT_NAME_NOT_FOUND if the attribute is missing,
// and with STATUS_ACCESS_DENIED for a reserved name or an open without FILE_WRITE_EA.
func (f *file) RemoveExtended(name string) ntstatus.Status {
	if st := f.mayExtend(name); st != ntstatus.Success {
		return st
	}
	return extendedStatus(retry(func() error { return unix.Removexattr(placeOf(f.fd), name) }))
}

// mayExtend checks whether the open may change an extended attribute. It returns STATUS_ACCESS_DENIED if the open
// does not grant FILE_WRITE_EA or the attribute is reserved.
func (f *file) mayExtend(name string) ntstatus.Status {
	if f.granted&winnt.FILE_WRITE_EA == 0 || f.reserved(name) {
		// Extended attributes are changed with FILE_WRITE_EA (F-194).
		return ntstatus.AccessDenied
	}
	return ntstatus.Success
}

// taken returns how many bytes the file's extended attributes use, names and values, without the attribute but. An
// attribute that another program removes during the call counts with its name only.
func (f *file) taken(but string) (n int, st ntstatus.Status) {
	names, st := f.extendedNames()
	for _, name := range names {
		if name == but {
			continue
		}
		size, err := unix.Getxattr(placeOf(f.fd), name, nil)
		if err != nil && !errors.Is(err, unix.ENODATA) {
			return 0, extendedStatus(err)
		}
		n += len(name) + max(size, 0)
	}
	return n, st
}

// extendedStatus converts an error of an extended-attribute call to a status. A missing attribute is
// STATUS_OBJECT_NAME_NOT_FOUND. nil is success.
func extendedStatus(err error) ntstatus.Status {
	if errors.Is(err, unix.ENODATA) {
		return ntstatus.ObjectNameNotFound
	}
	return statusOf(err)
}

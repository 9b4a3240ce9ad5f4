package hostfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/nt"
)

// dosName is the extended attribute in which Samba stores the DOS attributes of a file.
const dosName = "user.DOSATTRIB"

// dosKept are the DOS attributes that Samba stores there.
const dosKept = fileaccess.AttributeReadOnly | fileaccess.AttributeHidden | fileaccess.AttributeSystem |
	fileaccess.AttributeArchive

// dos holds the DOS attributes of a file, such as read-only, and its creation time, as user.DOSATTRIB stores them.
// The zero value is a file without the attribute.
type dos struct {
	attributes fileaccess.Attributes
	there      bool  // attributes were kept, perhaps 0
	created    int64 // 0: not kept
}

// decodeDOS decodes a value of user.DOSATTRIB, as Samba 4.17 writes it (F-130). Any other form gives the zero value.
// The value starts with a zero-terminated text, in which older servers put the attributes in hexadecimal. After an
// empty text these fields follow:
//
//	2  u16 version, 5
//	4  u32 version again
//	8  u32 valid fields: 1 attributes, 16 creation time
//	12 u32 attributes
//	16 u64 creation time
func decodeDOS(b []byte) (d dos) {
	le := binary.LittleEndian
	text, _, ended := bytes.Cut(b, []byte{0})
	if digits, ok := bytes.CutPrefix(text, []byte("0x")); ok && ended {
		n, err := strconv.ParseUint(string(digits), 16, 32)
		if err != nil {
			return d
		}
		return dos{fileaccess.Attributes(n) & dosKept, true, 0}
	}
	if len(b) != 24 || b[0] != 0 || le.Uint16(b[2:]) != 5 || le.Uint32(b[4:]) != 5 {
		return d
	}
	valid := le.Uint32(b[8:])
	if valid&1 != 0 {
		d.attributes, d.there = fileaccess.Attributes(le.Uint32(b[12:]))&dosKept, true
	}
	if created := int64(le.Uint64(b[16:])); valid&16 != 0 && created > 0 {
		d.created = created
	}
	return d
}

// dosOf returns the DOS attributes from user.DOSATTRIB of the file that h holds. A missing attribute, or a value
// longer than any known form, gives the zero value. An attribute that cannot be read is an error.
func (t *Tree) dosOf(h *held) (dos, error) {
	// A file whose read-only attribute is unknown must not be written (F-130).
	if err := t.fault("getxattr", dosName); err != nil {
		return dos{}, err
	}
	var b [smallAttribute]byte
	n, err := h.read(dosName, b[:])
	switch {
	case errors.Is(err, unix.ERANGE):
		return dos{}, nil // the value is too long for every known format
	case err != nil:
		return dos{}, err
	case n < 0:
		return dos{}, nil
	}
	return decodeDOS(b[:n]), nil
}

// dosAt reads user.DOSATTRIB of an entry of a directory. It does not follow a link. It returns the zero value if the
// attribute is missing or cannot be read.
func dosAt(dir int, name string) dos {
	var b [64]byte
	n, err := beneath.EntryAttribute(dir, name, dosName, b[:])
	if err != nil {
		return dos{}
	}
	return decodeDOS(b[:n])
}

// dosNow returns the DOS attributes of an open file. It uses the cached ones if the state s is that at which they
// were read, and otherwise reads and caches them.
func (f *file) dosNow(s *unix.Statx_t) (dos, error) {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	id := identityOf(s)
	if f.keptOf == id {
		return f.kept, nil
	}
	kept, err := f.t.dosOf(&held{fd: f.fd})
	if err != nil {
		return dos{}, err
	}
	f.keepLocked(kept, s)
	return kept, nil
}

// keepLocked caches the DOS attributes of an open file, read at state s, unless a later change of the file could go
// undetected.
// +checklocks:f.keeping
func (f *file) keepLocked(d dos, s *unix.Statx_t) {
	f.kept, f.keptOf = d, identity{}
	if s.Ctime.Sec != 0 && time.Since(time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec))) >= f.t.settling {
		f.keptOf = identityOf(s)
	}
}

// basicOf returns the times from s and the attributes from d as FILE_BASIC_INFORMATION (F-130). Without a stored
// creation time it uses the inode's birth time. A directory has AttributeDirectory. A file without attributes has
// AttributeNormal.
func (d dos) basicOf(s *unix.Statx_t) nt.FileBasic {
	b := nt.FileBasic{CreationTime: fileTime(s.Btime), LastAccessTime: fileTime(s.Atime),
		LastWriteTime: fileTime(s.Mtime), ChangeTime: fileTime(s.Ctime), FileAttributes: d.attributes}
	if d.created != 0 {
		b.CreationTime = d.created
	}
	if s.Mode&unix.S_IFMT == unix.S_IFDIR {
		b.FileAttributes |= fileaccess.AttributeDirectory
	}
	if b.FileAttributes == 0 {
		b.FileAttributes = fileaccess.AttributeNormal
	}
	return b
}

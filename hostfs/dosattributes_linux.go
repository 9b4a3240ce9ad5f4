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

// decodeDOS decodes a value of user.DOSATTRIB, as Samba 4.17 writes it. The value starts with a zero-terminated text.
// Older servers put the attributes there in hexadecimal. After an empty text these fields follow:
//
//	2  u16 version, 5
//	4  u32 version again
//	8  u32 what is valid: 1 attributes, 16 time of creation
//	12 u32 attributes
//	16 u64 time of creation
//
// It returns the zero value for any other form. F-130
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

// dosOf reads user.DOSATTRIB of the file that h holds. It returns the zero value for a file without the attribute,
// and for a value that is too long for any known form. It fails if the attribute is unreadable, because a file whose
// read-only attribute is unknown must not be written (F-130).
func (t *Tree) dosOf(h *held) (dos, error) {
	if err := t.fault("getxattr", dosName); err != nil {
		return dos{}, err
	}
	var b [smallAttribute]byte
	n, err := h.read(dosName, b[:])
	switch {
	case errors.Is(err, unix.ERANGE):
		return dos{}, nil // no value of that length has a known form
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

// basicOf returns the times and attributes of a file as FILE_BASIC_INFORMATION has them: times from s, attributes
// from d. Without a stored creation time it uses the birth time of the inode. Without any attribute the result is
// AttributeNormal, and a directory gets AttributeDirectory. F-130
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

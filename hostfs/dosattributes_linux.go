package hostfs

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
)

// dosName is the extended attribute in which a file server keeps what Windows calls
// attributes.
const dosName = "user.DOSATTRIB"

// dosKept are the attributes that it keeps there.
const dosKept = fileaccess.AttributeReadOnly | fileaccess.AttributeHidden | fileaccess.AttributeSystem |
	fileaccess.AttributeArchive

// dos holds what the file server keeps of a file beside its descriptor. The zero value is
// that of a file without it.
type dos struct {
	attributes fileaccess.Attributes
	there      bool  // attributes were kept, perhaps 0
	created    int64 // 0: not kept
}

// decodeDOS reads the value as observed of Samba 4.17: a text that ends with a zero byte,
// which older servers filled with the attributes in hexadecimal; then, where it is
// empty,
//
//	2  u16 version, 5
//	4  u32 version again
//	8  u32 what is valid: 1 attributes, 16 time of creation
//	12 u32 attributes
//	16 u64 time of creation
//
// What it does not know says nothing. F-130
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

// dosOf reads what is kept of a file. What cannot be read says nothing: the descriptor
// decides alone.
func dosOf(place string) dos {
	value, err := attribute(place, dosName)
	if err != nil {
		return dos{}
	}
	return decodeDOS(value)
}

// dosAt reads what is kept of an entry of a directory; a link is not followed.
func dosAt(dir int, name string) dos {
	var b [64]byte
	n, err := unix.Lgetxattr(placeOf(dir)+"/"+name, dosName, b[:])
	if err != nil {
		return dos{}
	}
	return decodeDOS(b[:n])
}

// dosNow returns what is kept of an open file, read again when the file has changed.
func (f *file) dosNow(s *unix.Statx_t) dos {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	id := identityOf(s)
	if f.keptOf == id {
		return f.kept
	}
	f.keepLocked(dosOf(placeOf(f.fd)), s)
	return f.kept
}

// keepLocked keeps what was read of a file: for later, where the file can be told from what
// it becomes with a change.
//
// +checklocks:f.keeping
func (f *file) keepLocked(d dos, s *unix.Statx_t) {
	f.kept, f.keptOf = d, identity{}
	if s.Ctime.Sec != 0 && time.Since(time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec))) >= settled {
		f.keptOf = identityOf(s)
	}
}

// basicOf returns times and attributes. F-130
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

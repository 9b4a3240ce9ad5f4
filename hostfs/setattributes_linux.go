package hostfs

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// append encodes d as user.DOSATTRIB stores it, in the binary form that [decodeDOS] reads, and appends it to b.
// directory adds the directory attribute (F-130).
func (d dos) append(b []byte, directory bool) []byte {
	attributes := d.attributes
	if directory {
		attributes |= fileaccess.AttributeDirectory
	}
	le := binary.LittleEndian
	b = le.AppendUint16(le.AppendUint16(b, 0), 5)
	b = le.AppendUint32(le.AppendUint32(b, 5), 1|16)
	return le.AppendUint64(le.AppendUint32(b, uint32(attributes)), uint64(d.created))
}

// writeDOS stores the DOS attributes and creation time of a file. Without a creation time it stores the birth time.
func (t *Tree) writeDOS(d dos, fd int, s *unix.Statx_t) error {
	if d.created == 0 {
		d.created = fileTime(s.Btime)
	}
	value := d.append(nil, s.Mode&unix.S_IFMT == unix.S_IFDIR)
	return t.setAttribute(fd, dosName, value, 0)
}

// SetBasic sets the times of access, writing and creation, and the attributes that a file server stores. A time that is
// 0 or negative stays, and so do all attributes if the new ones are 0. An attribute that cannot be stored gives
// STATUS_NOT_SUPPORTED and changes nothing. The two other times are set last: if that fails, the attributes and the
// time of creation stay changed. ChangeTime is ignored (F-122).
func (f *file) SetBasic(b nt.FileBasic) ntstatus.Status {
	if st := f.keeps(b.FileAttributes); st != ntstatus.Success {
		return st
	}
	if st := f.setKept(&b); st != ntstatus.Success {
		return st
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
	for i, t := range []int64{b.LastAccessTime, b.LastWriteTime} {
		if given(t) {
			times[i] = unixTime(t)
		}
	}
	if err := f.fault("utimes"); err != nil {
		return statusOf(err)
	}
	return statusOf(unix.UtimesNanoAt(unix.AT_FDCWD, placeOf(f.fd), times, 0))
}

// keeps checks whether the file can have the attributes a. It returns STATUS_INVALID_PARAMETER for a temporary
// directory and for a file marked as directory, and STATUS_NOT_SUPPORTED for an attribute that is not stored.
func (f *file) keeps(a fileaccess.Attributes) ntstatus.Status {
	switch {
	case f.directory && a&fileaccess.AttributeTemporary != 0, !f.directory && a&fileaccess.AttributeDirectory != 0:
		// A directory is not temporary, and a file is not a directory (F-174).
		return ntstatus.InvalidParameter
	case a&^(dosKept|fileaccess.AttributeDirectory|fileaccess.AttributeNormal) != 0:
		// What could not be kept is not promised (F-122).
		return ntstatus.NotSupported
	}
	return ntstatus.Success
}

// setKept stores the DOS attributes and the creation time of a SetBasic. Attributes of 0 change nothing, and
// AttributeNormal clears all stored ones. A time that is not positive is not set. The inode's birth time is stored
// only over another creation time.
func (f *file) setKept(b *nt.FileBasic) ntstatus.Status {
	if b.FileAttributes == 0 && !given(b.CreationTime) {
		return ntstatus.Success
	}
	if b.FileAttributes != 0 {
		f.changed.Store(false) // earlier changes are covered by this one
		f.archived.Store(false)
	}
	return statusOf(f.rewrite(func(now dos, s *unix.Statx_t) dos {
		next := now
		if b.FileAttributes != 0 {
			next.attributes = b.FileAttributes & dosKept
		}
		if given(b.CreationTime) && (now.created != 0 || b.CreationTime != fileTime(s.Btime)) {
			next.created = b.CreationTime
		}
		return next
	}))
}

// rewrite changes the stored DOS attributes of the file: change gets the current ones and returns the new ones. If
// both are equal it writes nothing. change runs with Tree.writing held, so changes by opens of this tree exclude each
// other.
func (f *file) rewrite(change func(dos, *unix.Statx_t) dos) error {
	f.t.writing.Lock()
	defer f.t.writing.Unlock()
	s, err := f.stat()
	if err != nil {
		return err
	}
	now, err := f.dosNow(&s)
	if err != nil {
		return err
	}
	next := change(now, &s)
	if next == now {
		return nil
	}
	return f.t.writeDOS(next, f.fd, &s)
}

// begin stores the DOS attributes of a new file: the requested ones, and for a file the archive attribute. If the
// tree cannot store attributes, only a file without attributes is created (F-172).
func (f *file) begin(s *unix.Statx_t, requested fileaccess.Attributes) error {
	d := dos{attributes: requested & dosKept, there: true}
	if !f.directory {
		d.attributes |= fileaccess.AttributeArchive
	}
	err := f.t.writeDOS(d, f.fd, s)
	if errors.Is(err, unix.ENOTSUP) && d.attributes&^fileaccess.AttributeArchive == 0 {
		return nil
	}
	return err
}

// replaced adds the requested attributes and the archive attribute to a file that was overwritten or superseded
// (F-172). The request already had to include hidden and system (F-35). On a file system without attributes it fails
// only if another attribute than archive was requested.
func (f *file) replaced(requested fileaccess.Attributes) error {
	f.changed.Store(true)
	err := f.rewrite(func(now dos, _ *unix.Statx_t) dos {
		now.attributes |= requested&dosKept | fileaccess.AttributeArchive
		now.there = true
		return now
	})
	if errors.Is(err, unix.ENOTSUP) && requested&dosKept&^fileaccess.AttributeArchive == 0 {
		return nil
	}
	return err
}

// archive sets the archive attribute, which says that a backup is due, at the first change by this open. It does
// nothing if the open created the file with it. Close sets it again.
func (f *file) archive() {
	if !f.directory && !f.changed.Swap(true) && !f.archived.Load() {
		f.mark()
	}
}

// mark stores the archive attribute. If the tree cannot store it, the change happens anyway (F-173). It ignores
// errors.
func (f *file) mark() {
	_ = f.rewrite(func(now dos, _ *unix.Statx_t) dos {
		now.attributes |= fileaccess.AttributeArchive
		now.there = true
		return now
	})
}

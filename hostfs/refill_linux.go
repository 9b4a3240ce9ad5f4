package hostfs

import (
	"errors"
	"hash/crc32"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// copiedAtOnce is the number of bytes per copy call.
const copiedAtOnce = 16 << 20

// Refill replaces the contents of the file with those of from, durably, and changes no other property except the
// archive attribute and the set-uid and set-gid bits. A record on disk lets the next server complete it after a
// crash. It reserves the space first, so without space nothing changes, unless the file system has no fallocate(2).
// If the copy itself fails, the file can have a part of the new contents. It returns STATUS_INVALID_PARAMETER if one
// of them is a directory or link, if both are the same file, or if from is not of this package.
func (f *file) Refill(from nt.OpenFile) ntstatus.Status {
	src, ok := from.(*file)
	if !ok || f.directory || src.directory || f.symlink || src.symlink || src.node == f.node {
		return ntstatus.InvalidParameter
	}
	// The result of two concurrent refills is the contents of one of them (G-33).
	f.node.filling.Lock()
	defer f.node.filling.Unlock()
	s, err := src.stat()
	if err == nil {
		err = f.makeRoom(int64(s.Size))
	}
	if err == nil {
		err = f.changing()
	}
	if err != nil {
		return statusOf(err)
	}
	r, err := f.t.newRecord()
	if err != nil {
		return statusOf(err)
	}
	defer r.end()
	sum, st := src.checksum(int64(s.Size))
	if st != ntstatus.Success {
		return st
	}
	data := dataSuffix(int64(s.Size), sum)
	if st = statusOf(r.refill(f, src, data)); st == ntstatus.Success {
		st = f.overwrite(src, int64(s.Size))
	}
	r.drop(data)
	r.drop(redoTarget)
	return st
}

// refill stores the record of a replacement of contents, on disk when it returns. From then on a crash leaves the old
// contents or the new (F-210). After an error parts of the record may exist; the caller drops them.
func (r *record) refill(f, src *file, data string) error {
	if err := r.link(f.fd, redoTarget); err != nil {
		return err
	}
	if err := r.link(src.fd, data); err != nil {
		return err
	}
	// The names may be durable before the contents. A record without its contents fails its checksum (F-213).
	if r.t.journaled {
		return src.flush() // also commits the journal, which contains both names
	}
	if err := src.flushData(); err != nil {
		return err
	}
	return r.sync()
}

// castagnoli is the polynomial for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C of the file's first size bytes. It returns STATUS_END_OF_FILE if the file is shorter.
// A size of 0 has the sum 0. A failed read gives its status.
func (f *file) checksum(size int64) (sum uint32, st ntstatus.Status) {
	b := make([]byte, min(size, 256<<10))
	for at := int64(0); at < size; {
		n, st := f.ReadAt(b[:min(size-at, int64(len(b)))], at)
		if st != ntstatus.Success {
			return 0, st
		}
		if n == 0 {
			return 0, ntstatus.EndOfFile // the file became shorter
		}
		sum = crc32.Update(sum, castagnoli, b[:n])
		at += int64(n)
	}
	return sum, ntstatus.Success
}

// overwrite replaces the contents of the file with the first size bytes of src, and makes them durable. After an
// error a part of the contents may be replaced.
func (f *file) overwrite(src *file, size int64) ntstatus.Status {
	if st := f.copyFrom(src, size); st != ntstatus.Success {
		return st
	}
	if err := f.truncate(f.fd, size); err != nil {
		return statusOf(err)
	}
	return statusOf(f.flushData())
}

// makeRoom reserves disk space for new contents of size bytes before the file changes (G-34). A file that is large
// enough needs no space. On a file system without fallocate(2) nothing is reserved, and the result is nil. After an
// error the file size is unchanged.
func (f *file) makeRoom(size int64) error {
	s, err := f.stat()
	if err != nil || size <= int64(s.Size) {
		return err
	}
	err = f.allocate(unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		// Free the allocation after the end, unless another writer has appended to the file during the call.
		if now, lost := f.stat(); lost == nil && now.Size == s.Size {
			_ = unix.Ftruncate(f.fd, int64(s.Size))
		}
	}
	return err
}

// copyFrom copies the first size bytes of src into the file, inside the kernel if possible. It returns
// STATUS_END_OF_FILE if src is shorter. After an error the bytes copied so far stay.
func (f *file) copyFrom(src *file, size int64) ntstatus.Status {
	for at := int64(0); at < size; {
		n, err := f.copyRange(src, at, int(min(size-at, copiedAtOnce)))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS),
			errors.Is(err, unix.EOPNOTSUPP):
			return f.copyByHand(src, at, size)
		case err != nil:
			return statusOf(err)
		case n == 0:
			return ntstatus.EndOfFile // the file became shorter
		}
		at += int64(n)
	}
	return ntstatus.Success
}

// copyByHand copies the bytes from offset at to size with reads and writes, for a host without copy_file_range(2)
// between the files. It returns STATUS_END_OF_FILE if src is shorter. Bytes before the failure stay.
func (f *file) copyByHand(src *file, at, size int64) ntstatus.Status {
	b := make([]byte, min(size-at, 1<<20))
	for at < size {
		n, st := src.ReadAt(b[:min(size-at, int64(len(b)))], at)
		if st == ntstatus.Success && n > 0 {
			n, _, st = f.write(b[:n], at) // not WriteAt, which may write to the staged file
		}
		if st != ntstatus.Success {
			return st
		}
		if n == 0 {
			return ntstatus.EndOfFile // the file became shorter
		}
		at += int64(n)
	}
	return ntstatus.Success
}

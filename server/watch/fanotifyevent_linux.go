package watch

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// event is one change that the kernel reports.
type event struct {
	mask   uint64
	folder handle // folder that contains the name; zero: unknown
	name   string
	file   handle // the file itself; zero: unknown
}

// handle is a kernel file handle. The zero value is not a handle.
type handle struct {
	kind  int32
	bytes string
}

// errEvent is the error for an event that ends too early or has another version.
var errEvent = errors.New("the kernel's events end in the middle")

// nextEvent parses the first event of b, and returns it with the bytes after it. b must not be empty. A truncated
// event, or an event of another version, is errEvent. An event has this header:
//
//	offset size field
//	0      4    length of the event
//	4      1    version, 3
//	6      2    length of the header, 24
//	8      8    mask
//
// Information records follow. Each begins with its kind (1 byte), and has its length (2 bytes) at offset 2.
func nextEvent(b []byte) (e event, rest []byte, err error) {
	const header = 24
	if len(b) < header {
		return e, nil, errEvent
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < header || n > len(b) || b[4] != unix.FANOTIFY_METADATA_VERSION ||
		int(binary.NativeEndian.Uint16(b[6:])) != header {
		return e, nil, errEvent
	}
	e.mask = binary.NativeEndian.Uint64(b[8:])
	for info := b[header:n]; len(info) > 0; {
		if len(info) < 4 {
			return e, nil, errEvent
		}
		size := int(binary.NativeEndian.Uint16(info[2:]))
		if size < 4 || size > len(info) {
			return e, nil, errEvent
		}
		if err := e.information(info[:size]); err != nil {
			return e, nil, err
		}
		info = info[size:]
	}
	return e, b[n:], nil
}

// information adds the handle and name of one information record to the event. A record of another kind is ignored. A
// record that is too short for its kind is errEvent. A record has these fields:
//
//	offset size field
//	0      1    1 is a file's handle, 2 a folder's handle and a name, 3 a folder's handle
//	2      2    its length
//	4      8    file system
//	12     4    length of the handle
//	16     4    kind of the handle
//	20          the handle, then the name, ended by a zero byte
func (e *event) information(b []byte) error {
	const before = 20
	kind := b[0]
	if kind != unix.FAN_EVENT_INFO_TYPE_FID && kind != unix.FAN_EVENT_INFO_TYPE_DFID_NAME &&
		kind != unix.FAN_EVENT_INFO_TYPE_DFID {
		return nil
	}
	if len(b) < before {
		return errEvent
	}
	n := int(binary.NativeEndian.Uint32(b[12:]))
	if n > len(b)-before {
		return errEvent
	}
	h := handle{int32(binary.NativeEndian.Uint32(b[16:])), string(b[before : before+n])}
	if kind == unix.FAN_EVENT_INFO_TYPE_FID {
		e.file = h
		return nil
	}
	e.folder = h
	e.name, _, _ = strings.Cut(string(b[before+n:]), "\x00")
	return nil
}

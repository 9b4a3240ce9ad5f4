package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// told lists the events that the kernel tells of: attributes, owners and permissions, and names that
// come and go, of files and folders.
const told = unix.FAN_ATTRIB | unix.FAN_CREATE | unix.FAN_MOVED_TO | unix.FAN_MOVED_FROM | unix.FAN_DELETE |
	unix.FAN_ONDIR

// maxPending is how many changed paths are kept; with more a walk finds them.
const maxPending = 1 << 18

// fanotify are the events of the file system that a tree lies on.
type fanotify struct {
	fd    int
	mount int // the root, opened: handles are opened by it
	root  string
	at    string // the root's path as the kernel names it
	buf   []byte
	dirs  map[string]string // paths of folders by their handles, for one reading
}

// listen begins to hear of changes. It needs CAP_SYS_ADMIN, for the mark on a file system,
// and CAP_DAC_READ_SEARCH, for handles.
func listen(root string) (changes, error) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_DFID_NAME|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK,
		unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("hear of changes: %w", err)
	}
	f := &fanotify{fd: fd, mount: -1, root: root, buf: make([]byte, 256<<10)}
	if f.mount, err = unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		f.close()
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, told, f.mount, ""); err != nil {
		f.close()
		return nil, fmt.Errorf("hear of changes of its file system: %w", err)
	}
	if f.at, err = pathOf(f.mount); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *fanotify) close() {
	_ = unix.Close(f.fd)
	if f.mount >= 0 {
		_ = unix.Close(f.mount)
	}
}

// wait waits for events.
func (f *fanotify) wait(ctx context.Context, most time.Duration) error {
	p := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}}
	for left := most; left > 0 && ctx.Err() == nil; left -= turn {
		n, err := unix.Poll(p, int(min(left, turn).Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for changes: %w", err)
		}
		if n > 0 {
			break
		}
	}
	return ctx.Err()
}

// turn is how long a wait for events may take to hear that it shall end.
const turn = 100 * time.Millisecond

// read takes all events that are there.
func (f *fanotify) read(into map[string]struct{}) (overflow bool, err error) {
	f.dirs = map[string]string{}
	if err := f.mounted(); err != nil {
		return true, err
	}
	for {
		n, err := unix.Read(f.fd, f.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return overflow, nil
		case err != nil:
			return overflow, fmt.Errorf("read changes: %w", err)
		}
		lost, err := f.take(f.buf[:n], into)
		if overflow = overflow || lost || len(into) > maxPending; overflow {
			clear(into)
		}
		if err != nil {
			return overflow, err
		}
	}
}

// take adds the paths of some events.
func (f *fanotify) take(b []byte, into map[string]struct{}) (overflow bool, err error) {
	for len(b) > 0 {
		e, rest, err := nextEvent(b)
		if err != nil {
			return true, err
		}
		b = rest
		if e.mask&unix.FAN_Q_OVERFLOW != 0 {
			overflow = true
			continue
		}
		at, err := f.folder(e)
		if err != nil {
			return overflow, err
		}
		if at == "" { // it is gone, and its own parent tells so
			continue
		}
		if e.name != "." && e.name != "" {
			at = strings.TrimSuffix(at, "/") + "/" + e.name
		}
		// The root itself, or a folder that it lies in, has come or gone (N-60).
		overflow = overflow || e.mask&unix.FAN_ONDIR != 0 && e.mask&^(unix.FAN_ONDIR|unix.FAN_ATTRIB) != 0 &&
			(at == f.at || strings.HasPrefix(f.at, at+"/"))
		path := f.named(at)
		if path == "" { // it is not of this tree
			continue
		}
		if e.mask&unix.FAN_ONDIR != 0 && e.mask&(unix.FAN_CREATE|unix.FAN_MOVED_TO) != 0 {
			path += "/" // and all below it
		}
		into[path] = struct{}{}
	}
	return overflow, nil
}

// folder returns the path of the folder of an event as the kernel names it, "" if it is gone.
func (f *fanotify) folder(e event) (string, error) {
	key := string(binary.LittleEndian.AppendUint32(nil, uint32(e.kind))) + string(e.handle)
	if known, ok := f.dirs[key]; ok {
		return known, nil
	}
	path, err := f.open(e)
	if err == nil && len(f.dirs) < maxPending {
		f.dirs[key] = path
	}
	return path, err
}

func (f *fanotify) open(e event) (string, error) {
	fd, err := unix.OpenByHandleAt(f.mount, unix.NewFileHandle(e.kind, e.handle), unix.O_PATH|unix.O_CLOEXEC)
	if errors.Is(err, unix.ESTALE) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("open the folder of a change: %w", err)
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Nlink == 0 {
		return "", err
	}
	return pathOf(fd)
}

// named returns a path as the tree's documents are named, "" if it lies elsewhere.
func (f *fanotify) named(at string) string {
	if at == f.at {
		return f.root
	}
	rest, below := strings.CutPrefix(at, strings.TrimSuffix(f.at, "/")+"/")
	if !below {
		return ""
	}
	return strings.TrimSuffix(f.root, "/") + "/" + rest
}

// mounted reports by an error that another file system has come in the place of the tree's: nothing is
// heard of that one (N-60).
func (f *fanotify) mounted() error {
	var heard, there unix.Stat_t
	if err := unix.Fstat(f.mount, &heard); err != nil {
		return fmt.Errorf("look at the root: %w", err)
	}
	if err := unix.Stat(f.root, &there); err == nil && there.Dev != heard.Dev {
		return errMounted
	}
	return nil // a root that is not there has no documents
}

var errMounted = errors.New("another file system has come in the place of the tree's")

func pathOf(fd int) (string, error) {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", fmt.Errorf("name a folder: %w", err)
	}
	return path, nil
}

// event holds one change that the kernel tells of.
type event struct {
	mask   uint64
	kind   int32 // of the handle
	handle []byte
	name   string
}

var errEvent = errors.New("the kernel's events end in the middle")

// nextEvent reads the first event:
//
//	offset size field
//	0      4    length of the event
//	4      1    version, 3
//	6      2    length of this part, 24
//	8      8    mask
//	24     1    kind of information: 2 is a folder's handle and a name
//	26     2    its length
//	28     8    file system
//	36     4    length of the handle
//	40     4    kind of the handle
//	44          the handle, then the name, ended by a zero byte
func nextEvent(b []byte) (e event, rest []byte, err error) {
	const header, before = 24, 20
	if len(b) < header {
		return e, nil, errEvent
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < header || n > len(b) || b[4] != unix.FANOTIFY_METADATA_VERSION ||
		int(binary.NativeEndian.Uint16(b[6:])) != header {
		return e, nil, errEvent
	}
	e.mask = binary.NativeEndian.Uint64(b[8:])
	info, rest := b[header:n], b[n:]
	if e.mask&unix.FAN_Q_OVERFLOW != 0 {
		return e, rest, nil
	}
	if len(info) < before || info[0] != unix.FAN_EVENT_INFO_TYPE_DFID_NAME {
		return e, nil, errEvent
	}
	size := int(binary.NativeEndian.Uint16(info[2:]))
	handle := int(binary.NativeEndian.Uint32(info[12:]))
	if size < before || size > len(info) || handle > size-before {
		return e, nil, errEvent
	}
	e.kind = int32(binary.NativeEndian.Uint32(info[16:]))
	e.handle = info[before : before+handle]
	e.name, _, _ = strings.Cut(string(info[before+handle:size]), "\x00")
	return e, rest, nil
}

package watch

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// eventBytes returns an event of fanotify(7) with one information record. lengths are those of the event, of its record
// and of the handle "abcd".
func eventBytes(mask uint64, kind byte, name string, lengths [3]int) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(lengths[0]))
	b = append(b, unix.FANOTIFY_METADATA_VERSION, 0)
	b = binary.NativeEndian.AppendUint16(b, 24)
	b = binary.NativeEndian.AppendUint64(b, mask)
	b = append(b, make([]byte, 8)...)
	b = append(b, kind, 0)
	b = binary.NativeEndian.AppendUint16(b, uint16(lengths[1]))
	b = append(b, make([]byte, 8)...)
	b = binary.NativeEndian.AppendUint32(b, uint32(lengths[2]))
	b = binary.NativeEndian.AppendUint32(b, 7)
	return append(append(b, "abcd"...), name...)
}

// FuzzChanges checks that no bytes from the kernel are read beyond their end.
func FuzzChanges(f *testing.F) {
	e := eventBytes(unix.FAN_CREATE, unix.FAN_EVENT_INFO_TYPE_DFID_NAME, "plan\x00\x00\x00\x00", [3]int{56, 32, 4})
	f.Add(e)
	f.Add(e[:40])
	got, rest, err := nextEvent(e)
	want := event{mask: unix.FAN_CREATE, folder: handle{7, "abcd"}, name: "plan"}
	check.RequireThat(f, err == nil && len(rest) == 0 && got == want, "%+v %v", got, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			_, rest, err := nextEvent(b)
			if err != nil {
				return
			}
			check.RequireThat(t, len(rest) < len(b), "nextEvent consumed no bytes, want at least 1")
			b = rest
		}
	})
}

// TestTruncatedEventIsAnError checks that an event names its folder or file, and that each length that does not fit is
// an error.
func TestTruncatedEventIsAnError(t *testing.T) {
	h := handle{7, "abcd"}
	for kind, want := range map[byte]event{
		unix.FAN_EVENT_INFO_TYPE_FID:       {mask: unix.FAN_ATTRIB, file: h},
		unix.FAN_EVENT_INFO_TYPE_DFID_NAME: {mask: unix.FAN_ATTRIB, folder: h, name: "x"},
		99:                                 {mask: unix.FAN_ATTRIB},
	} {
		b := eventBytes(unix.FAN_ATTRIB, kind, "x\x00\x00\x00", [3]int{52, 28, 4})
		got, rest, err := nextEvent(append(b, 1))
		check.That(t, err == nil && got == want && len(rest) == 1, "kind %d: %+v, %d bytes left, %v, want %+v", kind,
			got, len(rest), err, want)
	}
	for _, lengths := range [][3]int{{23, 28, 4}, {53, 28, 4}, {51, 28, 4}, {52, 29, 4}, {52, 27, 4}, {52, 3, 4},
		{52, 0, 4}, {52, 28, 9}, {27, 3, 4}} {
		b := eventBytes(unix.FAN_ATTRIB, unix.FAN_EVENT_INFO_TYPE_DFID_NAME, "x\x00\x00\x00", lengths)
		if e, _, err := nextEvent(b); !errors.Is(err, errEvent) {
			t.Errorf("lengths %v: %+v, %v, want %v", lengths, e, err, errEvent)
		}
	}
	other := eventBytes(unix.FAN_ATTRIB, 99, "x\x00\x00\x00", [3]int{52, 28, 4})
	other[4]++
	_, _, err := nextEvent(other)
	check.ErrorIs(t, err, errEvent, "an event of another version")
}

// TestChangeNamesDocumentOrLosesTree checks which path an event adds, and when the tree must be walked: if the root or
// one of its parents moved, or the event names no file or one that cannot be opened (N-60).
func TestChangeNamesDocumentOrLosesTree(t *testing.T) {
	parent, above, inside := handle{1, "a"}, handle{1, "b"}, handle{1, "c"}
	const folder = unix.FAN_ONDIR
	for _, c := range []struct {
		e    event
		path string
		lost bool
	}{
		{event{mask: unix.FAN_CREATE, folder: inside, name: "f"}, "/srv/f", false},
		{event{mask: unix.FAN_CREATE | folder, folder: inside, name: "d"}, "/srv/d/", false},
		{event{mask: unix.FAN_DELETE | folder, folder: inside, name: "d"}, "/srv/d", false},
		{event{mask: unix.FAN_ATTRIB | folder, folder: inside, name: "."}, "/srv", false},
		{event{mask: unix.FAN_MOVED_FROM | folder, folder: parent, name: "tree"}, "/srv", true},
		{event{mask: unix.FAN_MOVED_FROM | folder, folder: above, name: "real"}, "", true},
		{event{mask: unix.FAN_MOVED_FROM | folder, folder: above, name: "rea"}, "", false},
		{event{mask: unix.FAN_ATTRIB | folder, folder: above, name: "real"}, "", false},
	} {
		f := &fanotify{mount: -1, root: "/srv", at: "/real/tree", dirs: map[handle]string{parent: "/real", above: "/",
			inside: "/real/tree"}}
		into := newNews()
		lost := f.change(&c.e, into)
		_, found := into.paths[c.path]
		check.That(t, lost == c.lost && found == (c.path != "") && len(into.paths) <= 1,
			"%+v: lost %t, paths %q, want %q", c.e, lost, into.paths, c.path)
		if c.e.file = parent; c.e.mask&folder != 0 && f.inode(&c.e, into) {
			t.Errorf("%+v: the inode of a folder is looked for", c.e)
		}
	}
	for what, kind := range map[string]byte{"no file": 99, "a file that does not open": unix.FAN_EVENT_INFO_TYPE_FID,
		"a folder that does not open": unix.FAN_EVENT_INFO_TYPE_DFID_NAME} {
		b := eventBytes(unix.FAN_ATTRIB, kind, "", [3]int{48, 24, 4})
		if n, lost, err := (&fanotify{mount: -1}).take(b, newNews()); n != 1 || !lost || err != nil {
			t.Errorf("an event of %s: %d events, lost %t, %v", what, n, lost, err)
		}
	}
}

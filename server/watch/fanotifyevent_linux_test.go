package watch

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzChanges checks that no bytes from the kernel are read beyond their end.
func FuzzChanges(f *testing.F) {
	e := binary.NativeEndian.AppendUint32(nil, 24+20+4+8)
	e = append(e, unix.FANOTIFY_METADATA_VERSION, 0, 24, 0)
	e = binary.NativeEndian.AppendUint64(e, unix.FAN_CREATE)
	e = append(e, make([]byte, 8)...)
	e = append(e, unix.FAN_EVENT_INFO_TYPE_DFID_NAME, 0, 32, 0)
	e = append(e, make([]byte, 8)...)
	e = binary.NativeEndian.AppendUint32(e, 4)
	e = binary.NativeEndian.AppendUint32(e, 1)
	e = append(e, 1, 2, 3, 4)
	e = append(e, "plan\x00\x00\x00\x00"...)
	f.Add(e)
	f.Add(e[:40])
	got, rest, err := nextEvent(e)
	want := event{mask: unix.FAN_CREATE, folder: handle{1, "\x01\x02\x03\x04"}, name: "plan"}
	check.RequireThat(f, err == nil && len(rest) <= 0 && got == want, "%+v %v", got, err)
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

package hostfs

import (
	"math"
	"os"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A write that extends the file requires the right to append, wherever it starts. One that ends at or before the end
// of the file does not. A rejected write changes nothing, moves no position and is not recorded as a use. A
// successful one is recorded with the right that it used (F-55, F-81, F-119).
func TestWriteBeyondEndNeedsAppendRight(t *testing.T) {
	w, sink := audited(t, audit.Options{})
	const wide = "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;0x6;;;WD)"
	const denied, bad = ntstatus.AccessDenied, ntstatus.InvalidParameter
	const inside, adds = winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA
	const end = int64(-1) // FILE_WRITE_TO_END_OF_FILE
	th := w.as(alice)
	name := "f"
	w.file(name, "", wide)
	for _, c := range []struct {
		rights winnt.AccessMask
		at     int64
		text   string
		want   ntstatus.Status
		holds  string // contents afterwards; they were "0123"
		record string
	}{
		{inside, 0, "abcd", 0, "abcd", "0x2"},
		{inside, 2, "ab", 0, "01ab", "0x2"},
		{inside, 3, "ab", denied, "0123", ""},
		{inside, 0, "abcde", denied, "0123", ""},
		{inside, 4, "a", denied, "0123", ""},
		{inside, 5, "a", denied, "0123", ""},
		{inside, 4, "", 0, "0123", "0x2"},
		{inside, end, "a", denied, "0123", ""},
		{inside, math.MaxInt64, "a", denied, "0123", ""},
		{inside, math.MaxInt64, "ab", denied, "0123", ""},
		{inside, 1<<62 + 1, "a", denied, "0123", ""},
		{inside, -3, "a", bad, "0123", ""},
		{adds, 0, "ab", 0, "0123ab", "0x4"},
		{adds, 9, "ab", 0, "0123ab", "0x4"},
		{adds, end, "ab", 0, "0123ab", "0x4"},
		{adds, math.MaxInt64, "ab", 0, "0123ab", "0x4"},
		{inside | adds, 0, "ab", 0, "ab23", "0x2"},
		{inside | adds, 3, "ab", 0, "012ab", "0x2"},
		{inside | adds, 5, "ab", 0, "0123\x00ab", "0x2"},
		{inside | adds, end, "ab", 0, "0123ab", "0x4"},
		{winnt.FILE_READ_DATA, 0, "a", denied, "0123", ""},
		{winnt.FILE_READ_DATA, 9, "a", denied, "0123", ""},
		{winnt.FILE_READ_DATA, end, "a", denied, "0123", ""},
	} {
		w.must(os.WriteFile(w.path(name), []byte("0123"), 0o600))
		h := w.create(th, name, call{desired: c.rights | winnt.SYNCHRONIZE, disposition: fileaccess.FileOpen,
			options: fileaccess.SynchronousIONonalert}, ntstatus.Success)
		w.want(th.NtSetInformationFile(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: 1}),
			ntstatus.Success)
		sink.kept = nil
		n, st := th.NtWriteFileAt(h, []byte(c.text), c.at)
		position := int64(1)
		var records []string
		if c.want == ntstatus.Success {
			if position = c.at + int64(len(c.text)); c.record == "0x4" {
				position = int64(len("0123") + len(c.text))
			}
			records = []string{`4663 success \Device\share\f ` + c.record}
		}
		check.That(t, st == c.want && (st != 0 || n == len(c.text)) && (st == 0 || n == 0),
			"write of %q at %d with %v: %d bytes, %v; want %v", c.text, c.at, c.rights, n, st, c.want)
		w.holds(map[string]string{name: c.holds})
		w.take(sink, records...)
		v, st := th.NtQueryInformationFile(h, nt.FilePositionInformation)
		check.That(t, st == ntstatus.Success && v == any(nt.FilePosition{CurrentByteOffset: position}),
			"write of %q at %d with %v: position %+v, %v; want %d", c.text, c.at, c.rights, v, st, position)
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// Each way to use a right of a handle leaves the record of its first use, whichever comes first, if the SACL names that
// right (F-81, F-119).
func TestEachUseIsRecorded(t *testing.T) {
	w, sink := audited(t, audit.Options{})
	const all = "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)"
	w.dir("d", all)
	w.file(`d\f`, "text", all)
	w.file(`d\read`, "text", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;0x1;;;WD)")
	th := w.as(alice)
	write := func(h winnt.Handle) ntstatus.Status { return check.Status(th.NtWriteFileAt(h, []byte("x"), 0)) }
	size := func(h winnt.Handle) ntstatus.Status {
		return th.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: 2})
	}
	for _, c := range []struct {
		name   string
		right  winnt.AccessMask
		use    func(winnt.Handle) ntstatus.Status
		record string
	}{
		{`d\f`, winnt.FILE_READ_DATA, func(h winnt.Handle) ntstatus.Status {
			return check.Status(th.NtReadFileAt(h, 1, 0))
		}, `4663 success \Device\share\d\f 0x1`},
		{`d\f`, winnt.FILE_WRITE_DATA, write, `4663 success \Device\share\d\f 0x2`},
		{`d\read`, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA, write, ""},
		{`d\f`, winnt.FILE_WRITE_DATA, size, `4663 success \Device\share\d\f 0x2`},
		{"d", winnt.FILE_LIST_DIRECTORY, func(h winnt.Handle) ntstatus.Status {
			return check.Status(th.NtQueryDirectoryFile(h, "", true))
		}, `4663 success \Device\share\d 0x1`},
	} {
		sink.kept = nil
		h := w.open(th, c.name, c.right, ntstatus.Success)
		sink.kept = nil
		for range 2 {
			w.want(c.use(h), ntstatus.Success)
		}
		if c.record == "" {
			w.take(sink)
		} else {
			w.take(sink, c.record) // one record for both uses
		}
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

package hostfs

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Each way to use a right of a handle leaves the record of its first use, whichever comes
// first (F-81, F-119).
func TestEachUseIsRecorded(t *testing.T) {
	w, sink := audited(t, audit.Options{})
	const all = "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)"
	w.dir("d", all)
	w.file(`d\f`, "text", all)
	th := w.as(alice)
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
			_, st := th.NtReadFileAt(h, 1, 0)
			return st
		}, `4663 success \Device\share\d\f 0x1`},
		{`d\f`, winnt.FILE_WRITE_DATA, func(h winnt.Handle) ntstatus.Status {
			_, st := th.NtWriteFileAt(h, []byte("x"), 0)
			return st
		}, `4663 success \Device\share\d\f 0x2`},
		{`d\f`, winnt.FILE_WRITE_DATA, size, `4663 success \Device\share\d\f 0x2`},
		{"d", winnt.FILE_LIST_DIRECTORY, func(h winnt.Handle) ntstatus.Status {
			_, st := th.NtQueryDirectoryFile(h, "", true)
			return st
		}, `4663 success \Device\share\d 0x1`},
	} {
		sink.kept = nil
		h := w.open(th, c.name, c.right, ntstatus.Success)
		sink.kept = nil
		for range 2 {
			w.want(c.use(h), ntstatus.Success)
		}
		w.take(sink, c.record) // once
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

// The names of a tree stay when the last handle to what they name is closed: the link that
// programs know and the device behind it (F-110).
func TestNamesOfATreeStay(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	for range 2 {
		link, st := th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, &nt.ObjectAttributes{ObjectName: `\??\share`})
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(link), ntstatus.Success)
		for _, name := range []string{`\??\share\f`, `\Device\share\f`, `\Device\share`} {
			h, st := th.NtOpenFile(winnt.FILE_READ_ATTRIBUTES, &nt.ObjectAttributes{ObjectName: name}, shareAll, 0)
			if st != ntstatus.Success {
				t.Errorf("F-110: %s: %v", name, st)
				continue
			}
			w.want(th.NtClose(h), ntstatus.Success)
		}
	}
}

// A duplicate of a file's handle has no right that the handle has not, also where the file's
// descriptor grants it (O-56); an open that fails takes no value of a handle (O-12, F-116).
func TestFilesOfOneHandle(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)") // so that an open keeps others away (F-48)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("g", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(bob)
	h := w.create(th, "f", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen, exclusive: true},
		ntstatus.Success)
	for right, want := range map[winnt.AccessMask]ntstatus.Status{winnt.FILE_READ_EA: ntstatus.AccessDenied,
		winnt.FILE_READ_DATA: ntstatus.Success} {
		d, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, right, 0, 0)
		if st != want {
			t.Errorf("O-56: duplicated with %#x: %v, want %v", uint32(right), st, want)
		}
		if st == ntstatus.Success {
			w.want(th.NtClose(d), ntstatus.Success)
		}
	}
	next := w.open(th, "g", winnt.FILE_READ_DATA, ntstatus.Success)
	w.want(th.NtClose(next), ntstatus.Success)
	for range 3 {
		w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.SharingViolation)
	}
	if again := w.open(th, "g", winnt.FILE_READ_DATA, ntstatus.Success); again != next {
		t.Errorf("O-12: the next handle is %v, want %v", again, next)
	}
}

// Both ways to ask for synchronous operations give a handle its position (F-119).
func TestPositionOfSynchronousHandles(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(alice)
	for options, want := range map[fileaccess.CreateOptions]ntstatus.Status{0: ntstatus.InvalidParameter,
		fileaccess.SynchronousIOAlert: ntstatus.Success, fileaccess.SynchronousIONonalert: ntstatus.Success} {
		h := w.create(th, "f", call{desired: winnt.FILE_READ_DATA | winnt.SYNCHRONIZE, disposition: fileaccess.FileOpen,
			options: options}, ntstatus.Success)
		for _, text := range []string{"0123", "4567"} {
			if b, st := th.NtReadFile(h, 4); st != want || st == ntstatus.Success && string(b) != text {
				t.Errorf("F-119: options %#x: %q, %v, want %q, %v", options, b, st, text, want)
			}
		}
		w.want(th.NtClose(h), ntstatus.Success)
	}
}

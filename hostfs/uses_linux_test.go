package hostfs

import (
	"testing"

	"github.com/refmon/refmon/audit"
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

package hostfs

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Of the rights that a handle has, the use of those is recorded that the SACL asks about, and of
// no others; the record of the open tells all of them (F-80, F-81).
func TestUseOfWhatIsAskedAbout(t *testing.T) {
	w, sink := audited(t, audit.Options{})
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;0x1;;;WD)")
	th := w.as(alice)
	h := w.open(th, "f", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, ntstatus.Success)
	sink.kept = nil
	_, st := th.NtWriteFileAt(h, []byte("x"), 0)
	w.want(st, ntstatus.Success)
	w.take(sink)
	_, st = th.NtReadFileAt(h, 1, 0)
	w.want(st, ntstatus.Success)
	w.take(sink, `4663 success \Device\share\f 0x1`)
	w.want(th.NtClose(h), ntstatus.Success)
}

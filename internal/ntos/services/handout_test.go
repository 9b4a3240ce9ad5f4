package services_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A descriptor whose record cannot be kept is not passed, and is no use of the handle: the first read must still be
// recorded. The record of a hand-out covers no other right (F-157, U-91).
func TestFailedHandOutLeavesUseToRecord(t *testing.T) {
	sink := &limitedSink{}
	w := newTreeWorld(t, recorded(t, sink, audit.Options{}))
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	const rights = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	h, unused := w.open(`\??\T\file`, rights, 0), w.open(`\??\T\unused`, rights, 0)
	written := w.open(`\??\T\written`, rights, 0)
	check.Success(t, check.Status(w.NtWriteFileAt(written, []byte("x"), 0)))
	setEverything(t, w.sys.Audit(), audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	sink.full = true
	out, st := w.context().HandOut(h, 0)
	check.That(t, st == ntstatus.AuditFailed && out.File == nil, "hand-out without a record: %v, %v", out.File, st)
	read := func() ntstatus.Status {
		return check.Status(w.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 4}))
	}
	want(t, "a read without a record", read(), ntstatus.AuditFailed)
	sink.full = false
	out = check.Result(w.context().HandOut(h, 0))
	check.NoError(t, out.File.Close())
	sink.full = true
	want(t, "a read after the recorded hand-out", read(), ntstatus.Success)
	want(t, "a write after it", check.Status(w.NtWriteFileAt(h, []byte("x"), 0)), ntstatus.AuditFailed)
	for _, c := range [][2]winnt.Handle{{h, 0}, {h, h}, {unused, h}, {written, unused}} {
		want(t, "contents replaced without a record", w.context().Refill(c[0], c[1]), ntstatus.AuditFailed)
	}
}

package hostfs

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// records is a sink that keeps what the tests look at; full refuses records.
type records struct {
	kept []string
	full bool
	// attributes are the resource attributes of the last use.
	attributes string
}

func (r *records) Write(e audit.Event) error {
	if r.full {
		return audit.ErrFull
	}
	if e.ID == 4663 {
		r.attributes, _ = e.Field("ResourceAttributes")
	}
	name, _ := e.Field("ObjectName")
	mask, _ := e.Field("AccessMask")
	r.kept = append(r.kept, fmt.Sprint(e.ID, " ", e.Outcome, " ", name, " ", mask))
	return nil
}

// take expects the records since the last call.
func (w *world) take(r *records, want ...string) {
	w.Helper()
	if !slices.Equal(r.kept, want) {
		w.Errorf("records\n%q\nwant\n%q", r.kept, want)
	}
	r.kept = nil
}

// audited makes a tree in a system that records what is done to files.
func audited(t *testing.T, options audit.Options, change ...func(*Config)) (*world, *records) {
	sink := &records{}
	w := newWorld(t, change...)
	w.must(w.sys.Close())
	w.sys = kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	w.must(w.sys.AddTree("share", w.tree))
	p, err := audit.NewPolicy(audit.PolicySpec{Options: options, System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnSuccess | audit.OnFailure, audit.HandleManipulation: audit.OnSuccess,
		audit.AuthorizationPolicyChange: audit.OnSuccess}})
	w.must(err)
	w.sys.Audit().Policy.Store(p)
	t.Cleanup(func() { sink.full = false })
	return w, sink
}

// An open leaves a record by the SACL of the file, a refused creation by that of the
// directory; the first use of a right and the close follow (F-80, F-81).
func TestAudit(t *testing.T) {
	w, sink := audited(t, audit.Options{})
	const open = "O:BAG:SYD:P(A;;FA;;;" + alice + ")(A;;FR;;;WD)S:(AU;SAFA;FA;;;WD)"
	w.dir("d", open)
	w.file(`d\f`, "text", open)
	w.file(`d\quiet`, "", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	one, two := w.as(alice), w.as(bob)
	sink.kept = nil
	h := w.open(one, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	w.take(sink, `4656 success \Device\share\d\f 0x1`)
	for range 2 {
		_, st := one.NtReadFileAt(h, 10, 0)
		w.want(st, ntstatus.Success)
	}
	w.take(sink, `4663 success \Device\share\d\f 0x1`) // the first use alone
	w.want(one.NtClose(h), ntstatus.Success)
	w.take(sink, "4658 success  ")
	w.open(two, `d\f`, winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.take(sink, `4656 failure \Device\share\d\f 0x2`)
	w.create(two, `d\g`, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.AccessDenied)
	w.take(sink, `4656 failure \Device\share\d 0x2`)
	w.open(two, `d\quiet`, winnt.FILE_READ_DATA, ntstatus.AccessDenied)
	w.take(sink)
	// A use tells the resource attributes that the file has by then (U-57).
	h = w.open(one, `d\f`, winnt.FILE_READ_DATA|winnt.WRITE_DAC, ntstatus.Success)
	w.want(one.NtSetSecurityObject(h, winnt.ATTRIBUTE_SECURITY_INFORMATION,
		sddl.MustParse(`S:(RA;;;;;WD;("a",TI,0x0,1))`)), ntstatus.Success)
	_, st := one.NtReadFileAt(h, 10, 0)
	w.want(st, ntstatus.Success)
	if want := `S:AI(RA;;;;;WD;("a",TI,0x0,1))`; sink.attributes != want {
		t.Errorf("the resource attributes are %q, want %q", sink.attributes, want)
	}
	w.want(one.NtClose(h), ntstatus.Success)
	sink.kept = nil
	h = w.open(one, `d\f`, winnt.WRITE_DAC, ntstatus.Success)
	w.want(one.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:P")), ntstatus.Success)
	w.take(sink, `4656 success \Device\share\d\f 0x40000`, `4670 success \Device\share\d\f `)
}

// Where a record that must be kept cannot be, the open fails and nothing is granted
// (U-64).
func TestAuditFailsClosed(t *testing.T) {
	w, sink := audited(t, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")
	th := w.as(bob)
	sink.full = true
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.AuditFailed)
	sink.full = false
	in := call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at("f")
	in.ShareAccess = 0 // the open that failed shares nothing any more
	h, _, st := th.NtCreateFile(in)
	w.want(st, ntstatus.Success)
	if _, st := th.NtQueryInformationFile(h, nt.FileAccessInformation); st != ntstatus.Success {
		t.Error(st)
	}
}

// TestHandOutIsRecorded: each hand-out is a record, whether the file's SACL asks or not,
// and the first use of what it gives; where the record cannot be kept nothing is handed
// out (F-157).
func TestHandOutIsRecorded(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts")
	}
	w, sink := audited(t, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
		func(c *Config) { c.HandOut = HandOutWrites })
	if _, err := w.tree.HandsOut(); err != nil {
		t.Skip(err)
	}
	w.file("f", "data", forEveryone)
	w.file("asked", "data", forEveryone+"S:(AU;SA;FA;;;WD)")
	th := w.as(alice, winnt.SeSecurityPrivilege)
	h := w.open(th, "f", toBoth, ntstatus.Success)
	sink.kept = nil
	for _, uid := range []uint32{strangerUID, 0} { // root is the file's owner: it gets a descriptor for reading
		f, st := w.lend(th, h, uid)
		if w.want(st, ntstatus.Success); f != nil {
			w.must(f.Close())
		}
	}
	w.take(sink, `4663 success \Device\share\f 0x7`, `4663 success \Device\share\f 0x1`)
	sink.full = true
	if f, st := w.lend(th, h, strangerUID); st != ntstatus.AuditFailed || f != nil {
		t.Error(st)
	}
	sink.full = false
	if _, st := w.lend(th, h+4, strangerUID); st != ntstatus.InvalidHandle {
		t.Error(st)
	}
	h = w.open(th, "asked", toRead|winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success)
	sink.kept = nil
	f, st := w.lend(th, h, strangerUID)
	if w.want(st, ntstatus.Success); f != nil {
		w.must(f.Close())
	}
	_, st = th.NtReadFileAt(h, 10, 0)
	w.want(st, ntstatus.Success)
	w.take(sink, `4663 success \Device\share\asked 0x1`) // the hand-out, and no other for the first use
}

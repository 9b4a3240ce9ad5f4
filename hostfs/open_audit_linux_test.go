package hostfs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// records is a sink that keeps the records that the tests check. While full is true, it rejects records.
type records struct {
	kept []string
	full bool
	// attributes contains the resource attributes of the last use.
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

// take expects these records since the last call.
func (w *world) take(r *records, want ...string) {
	w.Helper()
	check.That(w, slices.Equal(r.kept, want), "audit records\n%q\nwant\n%q", r.kept, want)
	r.kept = nil
}

// audited returns a tree in a system that audits file access.
func audited(t *testing.T, options audit.Options, change ...func(*Config)) (*world, *records) {
	sink := &records{}
	w := newWorld(t, change...)
	w.must(w.sys.Close())
	w.sys = kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	w.must(w.sys.AddTree("share", w.tree))
	p := check.Must(audit.NewPolicy(audit.PolicySpec{Options: options, System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnSuccess | audit.OnFailure, audit.HandleManipulation: audit.OnSuccess,
		audit.AuthorizationPolicyChange: audit.OnSuccess}}))
	w.sys.Audit().Policy.Store(p)
	t.Cleanup(func() { sink.full = false })
	return w, sink
}

// An open is recorded according to the SACL of the file, a denied creation according to that of the directory. The
// first use of a right and the close are recorded too (F-80, F-81).
func TestOpensAndUsesAreAudited(t *testing.T) {
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
		w.want(check.Status(one.NtReadFileAt(h, 10, 0)), ntstatus.Success)
	}
	w.take(sink, `4663 success \Device\share\d\f 0x1`) // only the first use
	w.want(one.NtClose(h), ntstatus.Success)
	w.take(sink, "4658 success  ")
	w.open(two, `d\f`, winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.take(sink, `4656 failure \Device\share\d\f 0x2`)
	w.create(two, `d\g`, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.AccessDenied)
	w.take(sink, `4656 failure \Device\share\d 0x2`)
	w.open(two, `d\quiet`, winnt.FILE_READ_DATA, ntstatus.AccessDenied)
	w.take(sink)
	// A use is recorded with the file's current resource attributes (U-57).
	h = w.open(one, `d\f`, winnt.FILE_READ_DATA|winnt.WRITE_DAC, ntstatus.Success)
	w.want(one.NtSetSecurityObject(h, winnt.ATTRIBUTE_SECURITY_INFORMATION,
		sddl.MustParse(`S:(RA;;;;;WD;("a",TI,0x0,1))`)), ntstatus.Success)
	w.want(check.Status(one.NtReadFileAt(h, 10, 0)), ntstatus.Success)
	if want := `S:AI(RA;;;;;WD;("a",TI,0x0,1))`; sink.attributes != want {
		t.Errorf("recorded resource attributes: %q, want %q", sink.attributes, want)
	}
	w.want(one.NtClose(h), ntstatus.Success)
	sink.kept = nil
	h = w.open(one, `d\f`, winnt.WRITE_DAC, ntstatus.Success)
	w.want(one.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:P")), ntstatus.Success)
	w.take(sink, `4656 success \Device\share\d\f 0x40000`, `4670 success \Device\share\d\f `)
}

// Under a fail-closed policy the uses that a SACL audits are recorded at the open, so that reads and writes need no
// record. With a full disk they continue, and no open succeeds (U-90).
func TestUsesAreRecordedWithTheOpen(t *testing.T) {
	w, sink := audited(t, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	w.file("f", "text", forEveryone+"S:(AU;SAFA;0x7;;;WD)")
	th := w.as(alice)
	var held []winnt.Handle
	for range 6 {
		held = append(held, w.open(th, "f", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, ntstatus.Success))
		w.take(sink, `4656 success \Device\share\f 0x3`, `4663 success \Device\share\f 0x3`)
	}
	sink.full = true
	for _, h := range held {
		w.want(check.Status(th.NtReadFileAt(h, 10, 0)), ntstatus.Success)
		w.want(check.Status(th.NtWriteFileAt(h, []byte("more"), 0)), ntstatus.Success)
	}
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.AuditFailed)
	sink.full = false
	w.take(sink)
}

// An open whose record cannot be written fails, and creates, truncates and removes nothing in the tree (U-64, U-79).
func TestCreateNeedsAuditRecord(t *testing.T) {
	w, sink := audited(t, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	const spied = "O:BAG:SYD:P(A;OICI;FA;;;WD)S:P(AU;OICISAFA;FA;;;WD)"
	w.dir("d", spied)
	w.file(`d\f`, "text", spied)
	th := w.as(alice)
	sink.full = true
	for _, c := range []struct {
		name        string
		disposition fileaccess.Disposition
		options     fileaccess.CreateOptions
	}{{`d\new`, fileaccess.FileCreate, 0}, {`d\newdir`, fileaccess.FileCreate, fileaccess.DirectoryFile},
		{`d\new`, fileaccess.FileOpenIf, 0}, {`d\f`, fileaccess.FileOpen, 0},
		{`d\f`, fileaccess.FileOverwrite, 0}, {`d\f`, fileaccess.FileSupersede, 0},
		{`d\f`, fileaccess.FileOpen, fileaccess.DeleteOnClose}} {
		w.create(th, c.name, call{desired: winnt.FILE_WRITE_DATA | winnt.DELETE, disposition: c.disposition,
			options: c.options}, ntstatus.AuditFailed)
		entries := check.Must(os.ReadDir(filepath.Join(w.root, "d")))
		text, err := os.ReadFile(filepath.Join(w.root, "d", "f"))
		if err != nil || len(entries) != 1 || string(text) != "text" {
			t.Errorf(`%s with disposition %d: %d entries in the directory, f contains %q, %v; want 1, "text"`, c.name,
				c.disposition, len(entries), text, err)
		}
	}
	sink.full = false
	in := call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at(`d\f`)
	in.ShareAccess = 0 // The failed opens no longer affect sharing.
	_, _, st := th.NtCreateFile(in)
	w.want(st, ntstatus.Success)
}

// Each open through a share is recorded for the share, with the share's decision and the deciding entry. The file's
// decision is a separate record. With the policy off nothing is recorded (F-83, F-178).
func TestOpenThroughShareIsRecordedForShare(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("O:BAG:SYD:(A;;0x1200a9;;;WD)(A;;FA;;;" + alice + ")") })
	w.must(w.sys.Close())
	sink := audit.NewMemory(0, 0)
	w.sys = kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	w.must(w.sys.AddTree("share", w.tree))
	policy := func(o audit.Options, s audit.Setting) {
		p := check.Must(audit.NewPolicy(audit.PolicySpec{Options: o, System: map[audit.Subcategory]audit.Setting{
			audit.DetailedFileShare: s}}))
		w.sys.Audit().Policy.Store(p)
	}
	w.dir("d", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file(`d\f`, "", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	one, two := w.as(alice), w.as(bob)
	sink.Drain()
	dir := w.open(two, "d", winnt.FILE_TRAVERSE, ntstatus.Success)
	policy(audit.Options{}, audit.OnSuccess|audit.OnFailure)
	for _, c := range []struct {
		th   *nt.Thread
		ask  nt.CreateFileIn
		st   ntstatus.Status
		want string // outcome, target, mask, reasons
	}{
		{one, call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen}.at(`d\f`), ntstatus.Success,
			`success \d\f 0x2 %%4417:	%%1801	D:(A;;FA;;;` + alice + `)`},
		// The file denies, the share does not.
		{two, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at(`d\f`), ntstatus.AccessDenied,
			`success \d\f 0x1 %%4416:	%%1801	D:(A;;0x1200a9;;;WD)`},
		{two, call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen}.at(`d\f`), ntstatus.AccessDenied,
			`failure \d\f 0x2 %%4417:	%%1805`},
		{two, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at(`d\none`),
			ntstatus.ObjectNameNotFound, `success \d\none 0x1 %%4416:	%%1801	D:(A;;0x1200a9;;;WD)`},
		{two, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}.at(`d\new`),
			ntstatus.AccessDenied, `success \d\new 0x1 %%4416:	%%1801	D:(A;;0x1200a9;;;WD)`},
		{two, nt.CreateFileIn{DesiredAccess: winnt.MAXIMUM_ALLOWED, CreateDisposition: winnt.FILE_OPEN,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{RootDirectory: dir})}, ntstatus.Success, `success \d\ 0x1200a9 `},
	} {
		h, _, st := c.th.NtCreateFile(c.ask)
		w.want(st, c.st)
		w.want(closeAny(c.th, h), ntstatus.Success)
		var got []string
		for _, e := range sink.Drain() {
			field := func(name string) string { v, _ := e.Field(name); return v }
			got = append(got, strings.TrimSpace(strings.Join([]string{e.Outcome.String(), field("RelativeTargetName"),
				field("AccessMask"), strings.TrimSpace(field("AccessReason"))}, " ")))
			if e.ID != 5145 || field("ShareName") != `\\*\share` || field("ShareLocalPath") != w.root ||
				field("IpAddress") != "-" || field("ObjectType") != "File" || field("SubjectUserSid") == "-" {
				t.Errorf("record %+v, want one of the share for this file", e)
			}
		}
		check.That(t, len(got) == 1 && strings.HasPrefix(got[0], strings.TrimSpace(c.want)),
			"share records %q, want one that starts with %q", got, c.want)
	}
	policy(audit.Options{}, audit.OnFailure)
	w.want(one.NtClose(w.open(one, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	check.Equal(t, len(sink.Drain()), 0, "records with only failures audited")
}

// If a required record of the share cannot be written, the open fails and creates nothing (F-178, U-64).
func TestShareRecordsFailClosed(t *testing.T) {
	w, sink := audited(t, audit.Options{}, func(c *Config) { c.Share = sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)") })
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	one := w.as(alice)
	p := check.Must(audit.NewPolicy(audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
		System: map[audit.Subcategory]audit.Setting{audit.DetailedFileShare: audit.OnSuccess}}))
	w.sys.Audit().Policy.Store(p)
	sink.full = true
	w.create(one, "f", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.AuditFailed)
	w.exists("f", false)
}

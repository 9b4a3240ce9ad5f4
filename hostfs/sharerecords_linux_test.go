package hostfs

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Each open through a share is a record of the share, which says whether the share agreed and
// by which entry; what the file says is another record. With the policy off nothing is
// recorded (F-83, F-178).
func TestShareRecords(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("O:BAG:SYD:(A;;0x1200a9;;;WD)(A;;FA;;;" + alice + ")") })
	w.must(w.sys.Close())
	sink := audit.NewMemory(0, 0)
	w.sys = kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	w.must(w.sys.AddTree("share", w.tree))
	policy := func(o audit.Options, s audit.Setting) {
		p, err := audit.NewPolicy(audit.PolicySpec{Options: o, System: map[audit.Subcategory]audit.Setting{
			audit.DetailedFileShare: s}})
		w.must(err)
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
		// the file refuses: the share did not
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
				t.Errorf("%+v", e)
			}
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], strings.TrimSpace(c.want)) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	policy(audit.Options{}, audit.OnFailure)
	w.want(one.NtClose(w.open(one, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	if n := len(sink.Drain()); n != 0 {
		t.Errorf("%d records with successes off", n)
	}
}

// A demanded record of the share that cannot be kept fails the open, and nothing is made
// (F-178, U-64).
func TestShareRecordsFailClosed(t *testing.T) {
	w, sink := audited(t, audit.Options{}, func(c *Config) { c.Share = sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)") })
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	one := w.as(alice)
	p, err := audit.NewPolicy(audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
		System: map[audit.Subcategory]audit.Setting{audit.DetailedFileShare: audit.OnSuccess}})
	w.must(err)
	w.sys.Audit().Policy.Store(p)
	sink.full = true
	w.create(one, "f", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.AuditFailed)
	w.exists("f", false)
}

package services_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// audited is a descriptor whose SACL requests every record.
const audited = "O:SYG:SYD:(A;;GA;;;WD)S:(AU;SAFA;GA;;;WD)"

// demanded is a system with a durable log whose disk a test can break. The SACLs of its tree and objects request every
// record. The audit policy fails closed.
type demanded struct {
	*treeWorld
	log  *auditlog.Log
	dir  string
	disk inject.Injector
	asks nt.Services // the caller
}

func newDemanded(t *testing.T) *demanded {
	t.Helper()
	d := &demanded{dir: filepath.Join(t.TempDir(), "log")}
	d.log = check.Must(auditlog.Open(auditlog.Config{Dir: d.dir, Faults: d.disk.Do}))
	t.Cleanup(func() { _ = d.log.Close() }) // its disk may have failed
	lsa := &scripted{Memory: logon.Example(sid.SID{})}
	lsa.result.Token = token.StandardUser(sid.MustParse(acting))
	log := &audit.Log{Sink: d.log}
	w := newWorld(t, kernel.Config{Log: log, LSA: lsa})
	setEverything(t, log, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
	d.treeWorld = newTreeWorld(t, w, winnt.SeAuditPrivilege, winnt.SeSecurityPrivilege, winnt.SeImpersonatePrivilege,
		winnt.SeTcbPrivilege, winnt.SeAssignPrimaryTokenPrivilege, winnt.SeCreatePermanentPrivilege)
	d.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;OICI;FA;;;WD)S:(AU;OICISAFA;FA;;;WD)")
	d.asks = d.Services()
	d.tree.data, d.tree.facts.EndOfFile = "0123456789", 10
	return d
}

// breaks makes each such operation on a segment fail from now on.
func (d *demanded) breaks(operation string, with error) {
	d.disk.Fail(&fs.PathError{Op: operation, Path: d.dir, Err: with}, inject.Kind(operation), inject.PathMatch("*.log"))
}

// relaxedWhile runs a function under the policy that does not fail closed, and then restores the other.
func (d *demanded) relaxedWhile(t *testing.T, do func()) {
	t.Helper()
	setEverything(t, d.sys.Audit(), audit.Options{})
	do()
	setEverything(t, d.sys.Audit(), audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
}

// state holds everything that a call could have changed.
type state struct {
	Handles                     map[winnt.Handle]string
	Next                        winnt.Handle // the sum of the next two free values
	Objects, Holds, References  int64
	Token, Descriptor, Children any
}

func (d *demanded) state(t *testing.T) (s state) {
	t.Helper()
	s.Handles = handles(t, d.Thread)
	s.Objects, s.Holds, s.References = d.sys.Counts()
	for range 2 {
		h := check.Result(d.NtCreateEvent(1, nil, nt.NotificationEvent, false))
		defer d.NtClose(h)
		s.Next += h
	}
	s.Token = d.context().Thread().Process().Token()
	s.Children = len(d.sys.Proved())
	return s
}

// changed returns those calls of the tree since the last time that reveal or change data.
func (d *demanded) changed() (effects []string) {
	for _, call := range d.tree.calls {
		opened := strings.HasPrefix(call, "Open ") && strings.HasSuffix(call, ": 1") ||
			strings.HasPrefix(call, "Close ")
		if opened && d.tree.options&fileaccess.DeleteOnClose == 0 || strings.HasPrefix(call, "Descriptor") {
			continue // opened and given back
		}
		effects = append(effects, call)
	}
	d.tree.takeCalls()
	return effects
}

// recordless lists the services that succeed even if their record cannot be written, with the reason.
var recordless = map[string]string{"NtClose": "closing never fails (U-73)"}

// TestNoEffectWithoutItsRecord calls each service that writes records, on a full disk and on a disk whose fdatasync
// fails. The status is STATUS_AUDIT_FAILED, nothing is opened, created, changed or returned, and the reason names the
// file and the disk's error (U-64, U-73, U-94, U-78, U-90, U-91, U-79).
func TestNoEffectWithoutItsRecord(t *testing.T) {
	tested := 0
	for row := range nt.NtTable.All {
		name := row.Info().Name
		if len(row.Info().Events()) == 0 || recordless[name] != "" {
			continue
		}
		cases := demands[name]
		check.That(t, len(cases) != 0, "%s writes %v but has no case here, want at least one", name,
			row.Info().Events())
		for i, prepare := range cases {
			for _, fault := range []struct {
				operation string
				err       error
				message   string
			}{{"write", syscall.ENOSPC, "no space left on device"}, {"sync", syscall.EIO, "input/output error"}} {
				t.Run(fmt.Sprintf("%s/%d/%s", name, i, fault.operation), func(t *testing.T) {
					tested++
					d := newDemanded(t)
					call := prepare(t, d)
					d.changed()
					before := d.state(t)
					d.breaks(fault.operation, fault.err)
					d.asks.RecordWhy(true)
					out, st := call()
					why := d.asks.TakeWhy()
					d.asks.RecordWhy(false)
					want(t, name, st, ntstatus.AuditFailed)
					effects := d.changed()
					check.That(t, len(effects) == 0, "the call reached the tree: %q, want no calls", effects)
					check.That(t, out == nil || reflect.ValueOf(out).IsZero(), "output = %+v, want none", out)
					if after := d.state(t); !reflect.DeepEqual(before, after) {
						t.Errorf("state after the failed call = %+v, want %+v unchanged", after, before)
					}
					for h := range before.Handles {
						check.Equal(t, d.NtClose(h), ntstatus.Success, "U-73: close without a record")
					}
					check.That(t, strings.Contains(why.Because, fault.message) && strings.Contains(why.Because, d.dir),
						"%s: reason %q, want the file in %s and %q", why.Rule, why.Because, d.dir, fault.message)
				})
			}
			// With a working disk the same call succeeds and writes one of its records.
			t.Run(fmt.Sprintf("%s/%d/kept", name, i), func(t *testing.T) {
				d := newDemanded(t)
				call := prepare(t, d)
				last := d.log.Durable()
				want(t, name, check.Status(call()), ntstatus.Success)
				check.That(t, d.recorded(t, last, row.Info().Events()),
					"the log has no record of %v, want at least one", row.Info().Events())
			})
		}
	}
	check.That(t, tested >= 80, "%d calls tested, want at least 80", tested)
}

// Contents that cannot be recorded are not read, and the reason names the file of the log and the disk's error (G-31,
// U-94).
func TestContentsAreNotReadWithoutRecord(t *testing.T) {
	d := newDemanded(t)
	var h winnt.Handle
	d.relaxedWhile(t, func() { h = d.open(`\??\T\file`, winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES, 0) })
	d.changed()
	d.breaks("write", syscall.ENOSPC)
	c := d.context()
	c.RecordWhy(true)
	_, whole, st := c.Contents(h, make([]byte, 10))
	why := c.TakeWhy()
	want(t, "Contents", st, ntstatus.AuditFailed)
	effects := d.changed()
	read := slices.ContainsFunc(effects, func(s string) bool { return strings.HasPrefix(s, "ReadAt") })
	check.That(t, !whole && !read, "whole contents: %t, calls %q", whole, effects)
	check.That(t, why.Rule == "G-31" && strings.Contains(why.Because, "no space left on device"), "reason %+v", why)
	// The failures of other calls have other reasons.
	c.RecordWhy(true)
	_, _, st = c.Contents(h+4, nil)
	why = c.TakeWhy()
	check.That(t, st == ntstatus.InvalidHandle && why.Because == "", "a missing handle: %v, reason %+v", st, why)
}

// recorded reports whether the log has a record with one of the ids after number last.
func (d *demanded) recorded(t *testing.T, last uint64, ids []uint16) bool {
	t.Helper()
	r := check.Must(auditlog.NewReader(d.dir, last+1))
	defer r.Close()
	for {
		v, err := r.Next()
		if err != nil {
			return false
		}
		if e, err := v.Event(); err == nil && slices.Contains(ids, e.ID) {
			return true
		}
	}
}

// demand prepares a call for which a SACL or the policy requires a record.
type demand func(t *testing.T, d *demanded) func() (any, ntstatus.Status)

func at(name string) *nt.ObjectAttributes {
	return &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\` + name, Attributes: winnt.OBJ_CASE_INSENSITIVE}
}

func auditedAt(name string) *nt.ObjectAttributes {
	oa := at(name)
	oa.SecurityDescriptor = sddl.MustParse(strings.TrimPrefix(audited, "O:SYG:SY"))
	return oa
}

// onFile returns a case that opens a file for these rights and makes the policy fail closed only afterwards, so that
// the first use of the handle must write the record.
func onFile(name string, rights winnt.AccessMask, use func(d *demanded, h winnt.Handle) (any, ntstatus.Status)) demand {
	return func(t *testing.T, d *demanded) func() (any, ntstatus.Status) {
		var h winnt.Handle
		d.relaxedWhile(t, func() { h = d.open(`\??\T\`+name, rights, 0) })
		return func() (any, ntstatus.Status) { return use(d, h) }
	}
}

// opening returns a case of NtCreateFile.
func opening(name string, disposition fileaccess.Disposition, options fileaccess.CreateOptions) demand {
	return direct(func(d *demanded) (any, ntstatus.Status) {
		h, _, st := d.NtCreateFile(nt.CreateFileIn{
			DesiredAccess: winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.DELETE, ShareAccess: 7,
			CreateDisposition: uint32(disposition), CreateOptions: uint32(options),
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\T\` + name})})
		return h, st
	})
}

package daemon_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// ownToken returns a handle of a token with which the client's thread can act as its own user.
func ownToken(t *testing.T, th *nt.Thread) winnt.Handle {
	t.Helper()
	primary := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	defer th.NtClose(primary)
	h := check.Result(th.NtDuplicateToken(primary, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY,
		&nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityImpersonation}}, false, winnt.TokenImpersonation))
	return h
}

// filesRecorded returns a log that records accesses selected by the SACLs of files.
func filesRecorded(t *testing.T, sink audit.Sink, crash audit.CrashOnAuditFail) *audit.Log {
	t.Helper()
	p := check.Must(audit.NewPolicy(audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: crash},
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}}))
	l := &audit.Log{Sink: sink}
	l.Policy.Store(p)
	return l
}

// TestReadFileAsIsAllOrNothing checks that an open returns the contents completely or not at all, for lengths around
// each limit, that the handle is closed or open accordingly, and that each read selected by the
// file's SACL is recorded (G-31).
func TestReadFileAsIsAllOrNothing(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) { c.Audit = filesRecorded(t, sink, 0) })
	describe(t, filepath.Join(d.tree, "a", "b", "plan"), "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;CC;;;WD)")
	c := d.dial()
	th := c.Thread()
	tok := ownToken(t, th)
	for _, size := range []int{0, 1, 100, 4096, 40 << 10, wire.MaxContents - 1, wire.MaxContents, wire.MaxContents + 1} {
		text := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		check.NoError(t, os.WriteFile(filepath.Join(d.tree, "a", "b", "plan"), text, 0o600))
		for _, most := range []int{0, 4096, 1 << 30} {
			r, st := c.ReadFileAs(th, tok, plan(winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES), most, nil)
			whole := size <= most && size <= wire.MaxContents
			if st != ntstatus.Success || r.Whole != whole || r.EndOfFile != int64(size) || r.Directory ||
				whole && !bytes.Equal(r.Data, text) || whole == (r.FileHandle != 0) || r.LastWriteTime == 0 {
				t.Errorf("%d bytes, %d wanted: %s, whole %v, handle %#x, %d bytes, %d", size, most, st, r.Whole,
					r.FileHandle, r.EndOfFile, len(r.Data))
			}
			if want := min(1, len(handedOut(sink))); whole != (want == 1) {
				t.Errorf("G-31: %d bytes, %d wanted: a record %v, want %v", size, most, want == 1, whole)
			}
			th.NtClose(r.FileHandle)
		}
	}
	if r, st := c.ReadFileAs(th, tok, plan(winnt.FILE_READ_ATTRIBUTES), 1<<30, nil); st != ntstatus.Success || r.Whole {
		t.Errorf("without the right to read: %s, whole %v, want %s, false", st, r.Whole, ntstatus.Success)
	} else {
		th.NtClose(r.FileHandle)
	}
	check.Equal(t, check.Status(c.ReadFileAs(th, tok, plan(winnt.FILE_READ_DATA), 1<<30, nil)), ntstatus.AccessDenied,
		"without the right to read attributes")
	folder := plan(winnt.GENERIC_READ)
	folder.ObjectAttributes.V.ObjectName = `\??\share\a`
	if r, st := c.ReadFileAs(th, tok, folder, 1<<30, nil); st != ntstatus.Success || !r.Directory || r.FileHandle == 0 {
		t.Errorf("a directory: %s, %+v, want %s, a directory and a handle", st, r,
			ntstatus.Success)
	} else {
		th.NtClose(r.FileHandle)
	}
	device := plan(winnt.FILE_READ_DATA)
	device.ObjectAttributes.V.ObjectName = `\??\NUL`
	if r, st := c.ReadFileAs(th, tok, device, 1<<30, nil); st != ntstatus.NotSupported || r.FileHandle != 0 {
		t.Errorf("ReadFileAs of a device: %s, %+v, want %s and no handle", st, r, ntstatus.NotSupported)
	}
	th.NtClose(tok)
}

// TestUnrecordableReadReturnsNoContents checks that, while no record can be written, only files whose SACL does not
// audit the read return contents, whether the record belongs to the open or to the read (G-31).
func TestUnrecordableReadReturnsNoContents(t *testing.T) {
	sink := new(inject.Injector)
	d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) {
		c.Audit = filesRecorded(t, sink, audit.FailOnAuditFail)
	})
	closed := d.System().Audit().Policy.Load()
	spec := closed.Spec()
	spec.Options.CrashOnAuditFail = 0
	open := check.Must(audit.NewPolicy(spec))
	c := d.dial()
	th := c.Thread()
	tok := ownToken(t, th)
	for _, r := range []struct {
		sacl   string
		opened *audit.Policy // in force when the file is opened
		want   ntstatus.Status
	}{
		{"", closed, ntstatus.Success}, {"S:(AU;SA;CC;;;WD)", closed, ntstatus.AuditFailed},
		{"S:(AU;SA;CC;;;WD)", open, ntstatus.Success}, {"S:(AU;FA;CC;;;WD)", closed, ntstatus.Success},
	} {
		describe(t, filepath.Join(d.tree, "a", "b", "plan"), "O:BAG:SYD:P(A;;FA;;;WD)"+r.sacl)
		d.System().Audit().Policy.Store(r.opened)
		sink.Fail(errors.New("full"))
		got, st := c.ReadFileAs(th, tok, plan(winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES), 1<<30, nil)
		sink.Fail(nil)
		if st != r.want || got.Whole != (r.want == ntstatus.Success) || got.FileHandle != 0 ||
			!got.Whole && got.Data != nil {
			t.Errorf("G-31: SACL %q: %s, %+v", r.sacl, st, got)
		}
	}
}

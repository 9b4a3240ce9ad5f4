package daemon_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// liveHeap returns the bytes of the heap that are still in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what pools kept through the first collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// dialed returns a connection to which the test keeps no reference after closing it.
func (r *running) dialed() *client.Conn {
	r.Helper()
	c, err := client.Dial(r.socket)
	check.NoError(r, err)
	return c
}

// checkFreed checks that the heap is as small as before a connection that was closed.
func (r *running) checkFreed(before int64) {
	r.Helper()
	r.settles()
	after := liveHeap()
	check.That(r, after <= before+before/20, "the heap has %d bytes after the connection, %d before it, want at most %d",
		after, before, before+before/20)
}

// TestLongObjectNamesCountTowardsQuota checks that a connection that creates events with long names is stopped at its
// quota, and that nothing remains after its end.
func TestLongObjectNamesCountTowardsQuota(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Limits.Quota = 16 << 20 })
	first := d.dialed() // after the first connection all caches are filled
	first.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	_ = first.Close()
	d.settles()
	before := liveHeap()
	c := d.dialed()
	th := c.Thread()
	name := strings.Repeat("n", 30_000)
	var st ntstatus.Status
	made := 0
	for ; made < 20_000 && st == ntstatus.Success; made++ {
		_, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS,
			&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\BaseNamedObjects\%05d%s`, made, name)}, nt.NotificationEvent, false)
	}
	grown := liveHeap() - before
	t.Logf("%d events: %v, the heap has grown by %d MiB", made, st, grown>>20)
	check.That(t, st == ntstatus.QuotaExceeded,
		"%d events with names of 30,000 characters end with %v, want STATUS_QUOTA_EXCEEDED", made, st)
	_ = c.Close()
	d.checkFreed(before)
}

// TestPipeDataIsCharged checks that 28 pipes of 16 MiB do not take 448 MiB from an account with 64,
// and that the data is freed with the connection.
func TestPipeDataIsCharged(t *testing.T) {
	const quota = 64 << 20
	d := start(t, func(c *daemon.Config) { c.Limits.Quota = quota })
	_ = d.dialed().Close() // after the first connection all caches are filled
	d.settles()
	before := liveHeap()
	c := d.dialed()
	th := c.Thread()
	data := make([]byte, 1<<20)
	written, last := 0, ntstatus.Success
	for i := range 28 {
		name := &nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\%d`, i)}
		_, st := th.CallRow(nt.NtTable.Find("NtCreateNamedPipeFile"), nt.CreateNamedPipeFileIn{
			DesiredAccess: winnt.GENERIC_READ, ShareAccess: 3, InboundQuota: 16 << 20, ObjectAttributes: nt.Cap(name)})
		check.Success(t, st)
		end, st := th.NtOpenFile(winnt.GENERIC_WRITE, name, 0, 0)
		check.Success(t, st)
		for st == ntstatus.Success {
			if _, st = th.NtWriteFile(end, data); st == ntstatus.Success {
				written += len(data)
			} else if st != ntstatus.PipeBusy {
				last = st
			}
		}
	}
	if grown := liveHeap() - before; last != ntstatus.QuotaExceeded || written > quota || grown > quota*3/2 {
		t.Errorf("%d bytes were written, then %v; the heap has grown by %d, want at most %d",
			written, last, grown, quota*3/2)
	}
	_ = c.Close()
	d.checkFreed(before)
}

// TestAccountWithoutQuotaClosesHandles checks that a connection whose account has used up its quota can still make
// small calls, and frees quota by closing handles.
func TestAccountWithoutQuotaClosesHandles(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Limits.Quota = 1 << 20 })
	th := d.dial().Thread()
	name := &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\` + strings.Repeat("x", 100_000)}
	h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, name, nt.NotificationEvent, false)
	check.Success(t, st)
	for st == ntstatus.Success {
		_, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	}
	check.That(t, st == ntstatus.QuotaExceeded, "%v, want STATUS_QUOTA_EXCEEDED", st)
	// A call of 300,000 bytes cannot be kept for an account that has less left.
	if _, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: strings.Repeat("y", 300_000)},
		nt.NotificationEvent, false); st != ntstatus.QuotaExceeded {
		t.Errorf("a large call: %v, want STATUS_QUOTA_EXCEEDED", st)
	}
	check.Equal(t, th.NtClose(h), ntstatus.Success, "close a handle")
	check.Equal(t, check.Status(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)),
		ntstatus.Success, "an event after that")
}

package daemon_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// liveHeap returns the bytes of the heap that are still in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // releases what pools kept through the first collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
	// A call of 300,000 bytes is rejected if the account's remaining quota is smaller.
	if _, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: strings.Repeat("y", 300_000)},
		nt.NotificationEvent, false); st != ntstatus.QuotaExceeded {
		t.Errorf("a large call: %v, want STATUS_QUOTA_EXCEEDED", st)
	}
	check.Equal(t, th.NtClose(h), ntstatus.Success, "close a handle")
	check.Equal(t, check.Status(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)),
		ntstatus.Success, "an event after that")
}

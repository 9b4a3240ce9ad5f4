package ob_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// An open that fails at any step changes neither the table nor the object's counts, so the last slot of a table stays
// free (O-82, U-64, U-73).
func TestFailedOpensChangeNothing(t *testing.T) {
	const all = "O:SYG:SYD:(A;;GA;;;WD)"
	for name, c := range map[string]struct {
		sddl    string
		desired winnt.AccessMask
		audit   *deaf
		want    ntstatus.Status
	}{
		"denied":                    {"O:SYG:SYD:(A;;0x1;;;WD)", 2, nil, ntstatus.AccessDenied},
		"denied, with audit":        {"O:SYG:SYD:(A;;0x1;;;WD)", 2, &deaf{}, ntstatus.AccessDenied},
		"denied, record fails":      {"O:SYG:SYD:(A;;0x1;;;WD)", 2, &deaf{fails: true}, ntstatus.AuditFailed},
		"granted, record fails":     {all, 2, &deaf{fails: true}, ntstatus.AuditFailed},
		"reserved bits":             {all, 1 << 26, nil, ntstatus.AccessDenied},
		"reserved bits, with audit": {all, 1 << 26, &deaf{}, ntstatus.AccessDenied},
	} {
		w := newWorld(t)
		w.c.Table = ob.NewTable(2)
		o := protected(eventType, c.sddl)
		first, st := ob.OpenByPointer(w.c, o, w.self, 1, 0)
		check.Success(t, st)
		if c.audit != nil {
			w.c.Audit = c.audit
		}
		state := func() string {
			handles, references := o.Counts(0)
			return fmt.Sprint(handles, references, w.c.Table.Count(), o.closed, o.destroyed)
		}
		before := state()
		for range 3 {
			h, st := ob.OpenByPointer(w.c, o, w.self, c.desired, 0)
			check.That(t, st == c.want && h == 0, "%s: %v, handle %#x, want %v and no handle", name, st, h, c.want)
		}
		check.Equal(t, state(), before, "%s: state after the failed open", name)
		w.c.Audit = nil
		second, st := ob.OpenByPointer(w.c, o, w.self, 1, 0)
		check.That(t, st == ntstatus.Success && second != first,
			"O-82: %s: last free slot: handle %#x, %v, want a new handle and %v", name, second, st, ntstatus.Success)
		_, st = ob.OpenByPointer(w.c, o, w.self, 1, 0)
		check.Equal(t, st, ntstatus.InsufficientResources, "O-82: %s: open with a full table", name)
	}
}

// A table that gives no value refuses with the rule of its status: its process has ended, memory runs out, it is full,
// or the account of the process cannot pay for more of it (O-47, O-81, O-82, Q-2).
func TestRefusedHandleHasRuleOfItsStatus(t *testing.T) {
	for rule, c := range map[string]struct {
		want    ntstatus.Status
		prepare func(*world)
	}{
		"O-47": {ntstatus.ProcessIsTerminating, func(w *world) { w.c.Table.Drain() }},
		"O-81": {ntstatus.InsufficientResources, func(w *world) { w.c.Faults = func(string) bool { return true } }},
		"O-82": {ntstatus.InsufficientResources, func(w *world) { w.c.Table = ob.NewTable(1) }},
		"Q-2":  {ntstatus.QuotaExceeded, func(w *world) { w.c.Table.SetQuota(quota.NewBlock(nil, 1, false)) }},
	} {
		for _, a := range []ob.Auditor{nil, &deaf{}} {
			w := newWorld(t)
			c.prepare(w)
			w.c.Why, w.c.Audit = &ob.Why{}, a
			o, st := newObject(eventType, nil), ntstatus.Success
			for range 2 {
				if st == ntstatus.Success {
					_, st = ob.OpenByPointer(w.c, o, w.self, 1, 0)
				}
			}
			check.Equal(t, fmt.Sprint(st, w.c.Why.Rule), fmt.Sprint(c.want, rule), "status and rule, audited %t", a != nil)
		}
	}
}

// deaf requests a record of every open and fails to store it.
type deaf struct{ fails bool }

func (d *deaf) Opens() bool { return true }

func (d *deaf) Opened(*ob.Caller, ob.Object, access.Subject, winnt.AccessMask, access.Decision,
	winnt.Handle) (ob.Audited, ntstatus.Status) {
	if d.fails {
		return ob.Audited{}, ntstatus.AuditFailed
	}
	return ob.Audited{}, ntstatus.Success
}

func (d *deaf) Closed(*ob.Caller, ob.Object, winnt.Handle) {}

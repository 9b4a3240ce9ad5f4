package ob_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// deaf audits every open and keeps no record.
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

// TestRefusedOpensLeaveNothing: an open that fails, at whatever step, leaves the table, the
// object's counts and its references as they were, so that the last place of a table is
// still free however often it failed (O-82, U-64, U-73).
func TestRefusedOpensLeaveNothing(t *testing.T) {
	const all = "O:SYG:SYD:(A;;GA;;;WD)"
	for name, c := range map[string]struct {
		sddl    string
		desired winnt.AccessMask
		audit   *deaf
		want    ntstatus.Status
	}{
		"the check refuses":                   {"O:SYG:SYD:(A;;0x1;;;WD)", 2, nil, ntstatus.AccessDenied},
		"it refuses, and there is an auditor": {"O:SYG:SYD:(A;;0x1;;;WD)", 2, &deaf{}, ntstatus.AccessDenied},
		"it refuses, and no record is kept":   {"O:SYG:SYD:(A;;0x1;;;WD)", 2, &deaf{fails: true}, ntstatus.AuditFailed},
		"it grants, and no record is kept":    {all, 2, &deaf{fails: true}, ntstatus.AuditFailed},
		"reserved bits":                       {all, 1 << 26, nil, ntstatus.AccessDenied},
		"reserved bits, with an auditor":      {all, 1 << 26, &deaf{}, ntstatus.AccessDenied},
	} {
		w := newWorld(t)
		w.c.Table = ob.NewTable(2)
		o := protected(eventType, c.sddl)
		first, _, st := ob.OpenByPointer(w.c, o, w.self, 1, 0)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		if c.audit != nil {
			w.c.Audit = c.audit
		}
		state := func() string {
			handles, references := o.Counts(0)
			return fmt.Sprint(handles, references, w.c.Table.Count(), o.closed, o.destroyed)
		}
		before := state()
		for range 3 {
			h, granted, st := ob.OpenByPointer(w.c, o, w.self, c.desired, 0)
			if st != c.want || h != 0 || granted != 0 {
				t.Errorf("%s: %v, handle %#x with %v, want %v", name, st, h, granted, c.want)
			}
		}
		if after := state(); after != before {
			t.Errorf("%s: %s, was %s", name, after, before)
		}
		w.c.Audit = nil
		second, _, st := ob.OpenByPointer(w.c, o, w.self, 1, 0)
		if st != ntstatus.Success || second == first {
			t.Errorf("O-82: %s: the last place of the table: %#x, %v", name, second, st)
		}
		if _, _, st := ob.OpenByPointer(w.c, o, w.self, 1, 0); st != ntstatus.InsufficientResources {
			t.Errorf("O-82: %s: one more than the table takes: %v", name, st)
		}
	}
}

// TestRefusedInsertLeavesNoName: what a directory does not take has no name, no reference
// more, and another directory takes it (O-23, O-82).
func TestRefusedInsertLeavesNoName(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		as    string
		want  ntstatus.Status
	}{"the directory is full": {1, "b", ntstatus.InsufficientResources},
		"the name is taken":                       {2, "a", ntstatus.ObjectNameCollision},
		"the name is taken, and there is no room": {1, "a", ntstatus.ObjectNameCollision}} {
		full, other := ob.NewDirectory(nil, c.limit), ob.NewDirectory(nil, 0)
		first, o := newObject(eventType, nil), newObject(eventType, nil)
		if st := full.Insert("a", first, false); st != ntstatus.Success {
			t.Fatal(st)
		}
		_, held := o.Counts(0)
		_, kept := full.Counts(0)
		if st := full.Insert(c.as, o, true); st != c.want {
			t.Errorf("%s: %v, want %v", name, st, c.want)
		}
		handles, references := o.Counts(0)
		if _, now := full.Counts(0); handles != 0 || references != held || now != kept || len(full.Names()) != 1 {
			t.Errorf("%s: %d handles, %d references, %d of the directory, names %v", name, handles, references, now,
				full.Names())
		}
		if st := other.Insert("b", o, false); st != ntstatus.Success {
			t.Errorf("%s: another directory: %v", name, st)
		}
	}
}

// TestPermanentInKernelMode: kernel mode makes a permanent object without the privilege,
// user mode does not (O-26).
func TestPermanentInKernelMode(t *testing.T) {
	w := newWorld(t)
	create := func(name string) ntstatus.Status {
		_, _, st := w.ns.Create(w.c, ob.Name{Path: name, Attributes: winnt.OBJ_PERMANENT}, eventType, w.self, 1,
			func(*ob.Directory) (ob.Object, ntstatus.Status) { return newObject(eventType, nil), ntstatus.Success })
		return st
	}
	if st := create(`\a`); st != ntstatus.PrivilegeNotHeld {
		t.Errorf("O-26: user mode: %v", st)
	}
	w.kernel(func() {
		if st := create(`\b`); st != ntstatus.Success {
			t.Errorf("O-26: kernel mode: %v", st)
		}
	})
}

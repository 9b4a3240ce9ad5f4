package ob_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestInheritedAlone: a handle is inherited for its OBJ_INHERIT, and for no other attribute;
// what a child has counts, and its next handles fill the gaps from below (O-59).
func TestInheritedAlone(t *testing.T) {
	const inherit, protect, audit = winnt.OBJ_INHERIT, winnt.OBJ_PROTECT_CLOSE, winnt.OBJ_AUDIT_OBJECT_CLOSE
	parent := ob.NewTable(0)
	var want []winnt.Handle
	var all []*object
	for i, a := range []uint32{protect, inherit | protect, audit, 0, inherit | audit, protect | audit, inherit} {
		v, o := open(t, parent, winnt.AccessMask(i+1), a)
		all = append(all, o)
		if a&inherit != 0 {
			want = append(want, v)
		}
	}
	child := ob.NewTable(8)
	wantStatus(t, "inherit", child.Inherit(parent), ntstatus.Success)
	var got []winnt.Handle
	for e := range child.All() {
		got = append(got, e.Handle)
		if o := all[e.Handle/4-1]; e.Object != ob.Object(o) || e.Access != winnt.AccessMask(e.Handle/4) ||
			o.HandleCount() != 2 {
			t.Errorf("O-59: %#x: %+v, %d handles", int64(e.Handle), e, o.HandleCount())
		}
	}
	if !slices.Equal(got, want) || child.Count() != 3 {
		t.Errorf("O-59: the child has %v, %d of them, want %v", got, child.Count(), want)
	}
	got = nil
	for range 5 {
		v, _ := open(t, child, 1, 0)
		got = append(got, v)
	}
	if !slices.Equal(got, []winnt.Handle{4, 12, 16, 24, 32}) || child.Count() != 8 {
		t.Errorf("O-12: the next handles are %v, %d in all", got, child.Count())
	}
	o := newObject(eventType, nil)
	if _, st := child.Insert(o, 1, 0); st != ntstatus.InsufficientResources {
		t.Errorf("O-82: one handle more than the child's table takes: %v", st)
	}
}

// TestNoSuchHandle: what is set of a handle that is not there is refused and changes no
// other (O-11).
func TestNoSuchHandle(t *testing.T) {
	table := ob.NewTable(0)
	v, o := open(t, table, 1, winnt.OBJ_AUDIT_OBJECT_CLOSE)
	closed, _ := open(t, table, 1, 0)
	wantStatus(t, "close", table.Close(closed), ntstatus.Success)
	for _, bad := range []winnt.Handle{0, closed, 1 << 20, -4, 1 << 40, 1<<32 | v} {
		wantStatus(t, "SetAudit", table.SetAudit(bad, 1), ntstatus.InvalidHandle)
		wantStatus(t, "SetAttributes", table.SetAttributes(bad, winnt.OBJ_INHERIT), ntstatus.InvalidHandle)
		if got := table.TakeAudit(bad, o, 1); got != 0 {
			t.Errorf("%#x has rights to audit: %#x", int64(bad), uint32(got))
		}
	}
	attributes := func(want uint32) {
		t.Helper()
		h, g, _ := table.Lookup(v, ob.TagCall)
		h.Deref(ob.TagCall)
		if g.Attributes != want || g.Access != 1 {
			t.Errorf("the handle is %+v, want attributes %#x", g, want)
		}
	}
	const audit = winnt.OBJ_AUDIT_OBJECT_CLOSE
	attributes(audit)
	for _, c := range []struct{ set, want uint32 }{{^uint32(0), audit | winnt.OBJ_INHERIT | winnt.OBJ_PROTECT_CLOSE},
		{winnt.OBJ_PROTECT_CLOSE, audit | winnt.OBJ_PROTECT_CLOSE}, {winnt.OBJ_INHERIT, audit | winnt.OBJ_INHERIT},
		{0, audit}} {
		wantStatus(t, "SetAttributes", table.SetAttributes(v, c.set), ntstatus.Success)
		attributes(c.want)
	}
	other, _ := open(t, table, 1, 0) // one that was not audited is not by a look at all attributes
	wantStatus(t, "SetAttributes", table.SetAttributes(other, ^uint32(0)), ntstatus.Success)
	h, g, _ := table.Lookup(other, ob.TagCall)
	h.Deref(ob.TagCall)
	if g.Attributes&audit != 0 {
		t.Error("the close of a handle is audited because its attributes were set")
	}
}

// TestCreateBesideAnother: a name in another case is another name for a creator that does
// not ask for one without case, whatever else it asks for (O-25).
func TestCreateBesideAnother(t *testing.T) {
	w := newWorld(t)
	w.mustCreate(`\ev`, 0)
	v := w.mustCreate(`\Ev`, winnt.OBJ_INHERIT)
	if _, st := w.create(`\EV`, winnt.OBJ_CASE_INSENSITIVE|winnt.OBJ_INHERIT); st != ntstatus.ObjectNameCollision {
		t.Errorf("O-25: without case: %v", st)
	}
	h, g, _ := w.c.Table.Lookup(v, ob.TagCall)
	h.Deref(ob.TagCall)
	if g.Attributes != winnt.OBJ_INHERIT || h.Name() != "Ev" {
		t.Errorf("%s: %+v", h.Name(), g)
	}
}

// TestCloseIsRecordedWhereSaid: a close is recorded for its own attribute alone (U-73).
func TestCloseIsRecordedWhereSaid(t *testing.T) {
	for attributes, recorded := range map[uint32]bool{0: false, winnt.OBJ_INHERIT: false,
		winnt.OBJ_AUDIT_OBJECT_CLOSE: true, winnt.OBJ_AUDIT_OBJECT_CLOSE | winnt.OBJ_INHERIT: true} {
		w := newWorld(t)
		l := &listener{}
		w.c.Audit = l
		v, _ := open(t, w.c.Table, 1, attributes)
		wantStatus(t, "close", w.c.Close(v), ntstatus.Success)
		if (len(l.notes) == 1) != recorded {
			t.Errorf("attributes %#x: recorded %q", attributes, l.notes)
		}
	}
}

// TestOpenOfADevice: an open of a device makes a file of its own, which holds nothing of the
// device that the call took; a device that refuses is told, and nothing is left (T-140).
func TestOpenOfADevice(t *testing.T) {
	refuse := ntstatus.Success
	device := &ob.Type{ObjectType: winnt.FileObject, Parses: true, OpensAs: fileType}
	device.Opens = func(_ ob.Object, rest string) (ob.Object, ntstatus.Status) {
		if refuse != ntstatus.Success {
			return nil, refuse
		}
		f := protected(fileType, "O:SYG:SYD:(A;;GA;;;WD)")
		f.SetPath(`\dev ` + rest)
		return f, ntstatus.Success
	}
	w := newWorld(t)
	dev := newObject(device, nil)
	w.name(`\dev`, dev)
	before := dev.PointerCount()
	for _, c := range []struct {
		path, name string
		typ        *ob.Type
		refuse, st ntstatus.Status
	}{
		{`\dev`, `\dev `, fileType, 0, 0}, {`\dev\a\b`, `\dev a\b`, fileType, 0, 0}, {`\dev\a`, `\dev a`, nil, 0, 0},
		{`\dev\a`, "", eventType, 0, ntstatus.ObjectPathNotFound}, {`\dev`, "", eventType, 0, ntstatus.ObjectTypeMismatch},
		{`\dev\a`, "", fileType, ntstatus.ObjectNameNotFound, ntstatus.ObjectNameNotFound},
	} {
		refuse = c.refuse
		v, _, st := w.ns.Open(w.c, ob.Name{Path: c.path}, c.typ, w.self, winnt.FILE_READ_DATA)
		if st != c.st || (v == 0) != (st != 0) {
			t.Errorf("T-140: %s: %v, handle %#x, want %v", c.path, st, int64(v), c.st)
		}
		if v != 0 {
			h, _, _ := w.c.Table.Lookup(v, ob.TagCall)
			h.Deref(ob.TagCall)
			if h.Path() != c.name || h.PointerCount() != 1 {
				t.Errorf("T-140: %s is %q with %d references", c.path, h.Path(), h.PointerCount())
			}
			wantStatus(t, "close", w.c.Close(v), ntstatus.Success)
		}
		if n := dev.PointerCount(); n != before {
			t.Errorf("T-140: %s: %d references more on the device", c.path, n-before)
		}
	}
}

// TestKernelCreatorGetsMappedRights: also kernel mode is granted what the generic rights
// stand for (O-91).
func TestKernelCreatorGetsMappedRights(t *testing.T) {
	w := newWorld(t)
	w.kernel(func() {
		d := ob.GrantNew(w.c, eventType, &w.self, winnt.GENERIC_READ|winnt.EVENT_MODIFY_STATE, 0)
		w.want("a creator in kernel mode", d, ntstatus.Success, 0x20001|winnt.EVENT_MODIFY_STATE)
	})
	if w.c.Mode != access.User {
		t.Error("still in kernel mode")
	}
}

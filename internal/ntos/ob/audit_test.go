package ob_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// listener stores the records and returns the rights to record later.
type listener struct {
	off    bool
	answer ob.Audited
	st     ntstatus.Status
	notes  []string
	during func() // called by Opened; may be nil
}

func (l *listener) Opens() bool { return !l.off }

func (l *listener) Opened(c *ob.Caller, obj ob.Object, s access.Subject, desired winnt.AccessMask, d access.Decision,
	h winnt.Handle) (ob.Audited, ntstatus.Status) {
	if l.during != nil {
		l.during()
	}
	_, _, st := c.Table.Lookup(h, ob.TagCall)
	l.notes = append(l.notes, fmt.Sprintf("open %#x granted %#x %v handle %#x there %v", uint32(desired),
		uint32(d.Granted), d.Status(), int64(h), st == ntstatus.Success))
	return l.answer, l.st
}

func (l *listener) Closed(_ *ob.Caller, obj ob.Object, h winnt.Handle) {
	l.notes = append(l.notes, fmt.Sprintf("close %#x of %d handles", int64(h), obj.Head().HandleCount()))
}

// An open is recorded with the mapped request and the decision, before its handle exists. Its close and its first use
// are recorded if the listener requested it. In kernel mode, or with auditing off, nothing is recorded (U-10, U-73).
func TestOpenIsRecordedBeforeItsHandle(t *testing.T) {
	const denied = "open 0x2 granted 0x0 STATUS_ACCESS_DENIED handle 0x0 there false"
	for _, c := range []struct {
		name     string
		l        listener
		desired  winnt.AccessMask
		kernel   bool
		st       ntstatus.Status
		opened   string
		closed   string
		firstUse winnt.AccessMask // of all rights
	}{
		{"open", listener{}, winnt.GENERIC_READ, false, 0,
			"open 0x20001 granted 0x20001 STATUS_SUCCESS handle 0x4 there false", "", 0},
		{"open and close", listener{answer: ob.Audited{OnClose: true}}, 1, false, 0,
			"open 0x1 granted 0x1 STATUS_SUCCESS handle 0x4 there false", "close 0x4 of 1 handles", 0},
		{"open and first use", listener{answer: ob.Audited{Rights: 1}}, winnt.GENERIC_READ, false, 0,
			"open 0x20001 granted 0x20001 STATUS_SUCCESS handle 0x4 there false", "", 1},
		{"refused", listener{answer: ob.Audited{OnClose: true, Rights: 1}}, 2, false, ntstatus.AccessDenied, denied, "", 0},
		{"refused, record fails", listener{st: ntstatus.AuditFailed}, 2, false, ntstatus.AuditFailed, denied, "", 0},
		{"record fails", listener{st: ntstatus.AuditFailed}, 1, false, ntstatus.AuditFailed,
			"open 0x1 granted 0x1 STATUS_SUCCESS handle 0x4 there false", "", 0},
		{"auditing off", listener{off: true, answer: ob.Audited{OnClose: true, Rights: 1}}, 1, false, 0, "", "", 0},
		{"auditing off, refused", listener{off: true, st: ntstatus.AuditFailed}, 2, false, ntstatus.AccessDenied, "", "", 0},
		{"kernel mode", listener{answer: ob.Audited{OnClose: true, Rights: 1}}, 1, true, 0, "", "", 0},
	} {
		w := newWorld(t)
		l := c.l
		w.c.Audit = &l
		if c.kernel {
			w.c.Mode = access.Kernel
		}
		o := protected(eventType, "O:SYG:SYD:(A;;GR;;;WD)")
		h, st := ob.OpenByPointer(w.c, o, w.self, c.desired, winnt.OBJ_INHERIT)
		opened := []string(nil)
		if c.opened != "" {
			opened = []string{c.opened}
		}
		check.That(t, st == c.st && fmt.Sprint(l.notes) == fmt.Sprint(opened) && (h == 0) == (st != 0),
			"%s: %v, handle %#x, records %q, want %v and %q", c.name, st, int64(h), l.notes, c.st, opened)
		if st != ntstatus.Success {
			if handles, references := o.Counts(0); handles != 0 || references != 1 || w.c.Table.Count() != 0 {
				t.Errorf("%s: %d handles, %d references, %d in the table, want 0, 1, 0", c.name, handles, references,
					w.c.Table.Count())
			}
			continue
		}
		_, g, _ := w.c.Table.Lookup(h, ob.TagCall)
		o.Deref(ob.TagCall)
		granted := winnt.EventObject.Mapping.Map(c.desired)
		check.That(t, g.Access == granted && g.Attributes&winnt.OBJ_INHERIT != 0 &&
			(g.Attributes&winnt.OBJ_AUDIT_OBJECT_CLOSE != 0 == l.answer.OnClose || c.closed == ""),
			"%s: handle = %+v, want the granted rights %v, inherited, and the close attribute only on request",
			c.name, g, granted)
		for _, want := range []winnt.AccessMask{c.firstUse, 0} {
			check.Equal(t, w.c.Table.TakeAudit(h, o, ^winnt.AccessMask(0)), want,
				"%s: rights to record at the first use", c.name)
		}
		l.notes = nil
		check.Equal(t, w.c.Close(h), ntstatus.Success, "%s: close", c.name)
		got := fmt.Sprint(l.notes)
		check.That(t, got == "["+c.closed+"]", "%s: records of the close = %s, want %q", c.name, got, c.closed)
		handles, references := o.Counts(0)
		check.That(t, handles == 0 && references == 1 && o.closed == 1,
			"%s: %d handles, %d references, closed %d times, want 0, 1, 1", c.name, handles, references, o.closed)
	}
}

// An open with an attribute that the type refuses reaches no access check, and is not recorded (O-33).
func TestInvalidOpenIsNotRecorded(t *testing.T) {
	w, l := newWorld(t), listener{}
	w.c.Audit = &l
	o := protected(eventType, "O:SYG:SYD:(A;;GR;;;WD)")
	_, st := ob.OpenByPointer(w.c, o, w.self, 1, eventType.Invalid)
	check.That(t, st == ntstatus.InvalidParameter && l.notes == nil, "%v, records %q, want none", st, l.notes)
	_, st = ob.OpenByPointer(w.c, o, w.self, winnt.RESERVED_RIGHTS, eventType.Invalid)
	check.Equal(t, st, ntstatus.AccessDenied, "O-20: reserved bits are tested before the attributes")
}

// Deleting one of several names that differ in case keeps the others. A case-insensitive lookup finds the newest one
// left (T-137, O-44).
func TestDeletedNameKeepsOtherCases(t *testing.T) {
	for i, c := range []struct {
		close []int // of the names in the order they were made
		found int
		left  int
	}{{nil, 2, 3}, {[]int{2}, 1, 2}, {[]int{1}, 2, 2}, {[]int{0}, 2, 2}, {[]int{2, 1}, 0, 1}, {[]int{0, 2}, 1, 1},
		{[]int{0, 1, 2}, -1, 0}} {
		w := newWorld(t)
		names := []string{`ev`, `Ev`, `EV`}
		var handles []winnt.Handle
		var objects []*ob.Header
		for _, n := range names {
			handles = append(handles, w.mustCreate(`\`+n, 0))
			h := w.ns.Root().Lookup(n, false)
			h.Deref(ob.TagCall)
			objects = append(objects, h)
		}
		gone := map[int]bool{}
		for _, k := range c.close {
			gone[k] = true
			check.Success(t, w.c.Close(handles[k]))
		}
		for k, n := range names {
			h := w.ns.Root().Lookup(n, false)
			check.That(t, (h == nil) == gone[k] && (h == nil || h == objects[k]),
				"T-137: case %d: lookup of %s found an object: %v, want %v", i, n, h != nil, !gone[k])
			if h != nil {
				h.Deref(ob.TagCall)
			}
		}
		for _, n := range append(names, "eV") { // also of a name that is there
			h := w.ns.Root().Lookup(n, true)
			check.That(t, (c.found >= 0 || h == nil) && (c.found < 0 || h == objects[c.found]),
				"T-137: case %d: case-insensitive lookup of %s found another object, want the newest one left", i, n)
			if h != nil {
				h.Deref(ob.TagCall)
			}
		}
		check.Equal(t, len(w.ns.Root().Names()), c.left, "T-137: %d: names are left", i)
		w.mustCreate(`\eV`, 0) // there is room for one more, by each way of writing it
	}
}

// TestCloseIsAuditedOnRequest checks that a close is recorded only if its own attribute is set, and the first use of a
// new object only for the rights that its creation's record names (U-73).
func TestCloseIsAuditedOnRequest(t *testing.T) {
	for attributes, recorded := range map[uint32]bool{0: false, winnt.OBJ_INHERIT: false,
		winnt.OBJ_AUDIT_OBJECT_CLOSE: true, winnt.OBJ_AUDIT_OBJECT_CLOSE | winnt.OBJ_INHERIT: true} {
		w := newWorld(t)
		l := &listener{}
		w.c.Audit = l
		v, _ := open(t, w.c.Table, 1, attributes)
		wantStatus(t, "close", w.c.Close(v), ntstatus.Success)
		check.That(t, (len(l.notes) == 1) == recorded,
			"attributes %#x: records of the close %q, want one: %v", attributes, l.notes, recorded)
		l.answer = ob.Audited{Rights: 1, OnClose: true}
		handles := []winnt.Handle{w.mustCreate("", 0), w.mustCreate(`\ev`, 0), check.Result(w.openName(`\ev`, 0))}
		for _, v := range handles {
			o, g, _ := ob.Reference[*object](w.c, v, 0, eventType)
			check.Equal(t, w.c.Table.TakeAudit(v, o, ^winnt.AccessMask(0)), 1, "rights to record at the first use")
			check.Equal(t, g.Attributes, winnt.OBJ_AUDIT_OBJECT_CLOSE, "attributes of a handle whose close is recorded")
			o.Deref(ob.TagCall)
		}
	}
}

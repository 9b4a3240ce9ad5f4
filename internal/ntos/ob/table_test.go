package ob_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// open inserts a new event and leaves its handle as the only holder.
func open(t testing.TB, table *ob.Table, granted winnt.AccessMask, attributes uint32) (winnt.Handle, *object) {
	t.Helper()
	o := newObject(eventType, nil)
	v, st := table.Insert(o, granted, attributes)
	check.Require(t, st, ntstatus.Success, "Insert")
	o.Deref(ob.TagCall)
	return v, o
}

func wantStatus(t testing.TB, what string, got, want ntstatus.Status) {
	t.Helper()
	check.Equal(t, got, want, "%s", what)
}

func TestHandleValuesAreMultiplesOfFour(t *testing.T) { // O-10, O-11, O-40, OC-1, OC-2, OC-3, OC-4
	table := ob.NewTable(0)
	a, _ := open(t, table, 1, 0)
	b, _ := open(t, table, 1, 0)
	check.RequireThat(t, a == 4 && b == 8, "O-11: first values %d, %d; want 4, 8", a, b)
	for _, v := range []winnt.Handle{0, 1, 2, 3, 12, -1, -4, 1 << 40, 1<<32 | a, 1<<34 | a, -1 << 63, 1<<63 - 1} {
		_, _, st := table.Lookup(v, ob.TagCall)
		wantStatus(t, v.String(), st, ntstatus.InvalidHandle)
		wantStatus(t, "close "+v.String(), table.Close(v), ntstatus.InvalidHandle)
		wantStatus(t, "attributes of "+v.String(), table.SetAttributes(v, winnt.OBJ_PROTECT_CLOSE), ntstatus.InvalidHandle)
	}
	for low := range winnt.Handle(4) { // the two low bits do not count (O-10)
		h, _, st := table.Lookup(b|low, ob.TagCall)
		wantStatus(t, "low bits", st, ntstatus.Success)
		h.Deref(ob.TagCall)
	}
	wantStatus(t, "close with low bits set", table.Close(a|3), ntstatus.Success)
	wantStatus(t, "closing it again", table.Close(a), ntstatus.InvalidHandle)
}

// O-82: without configuration a table has the documented limit.
func TestHandleLimitDefaultsToWindowsLimit(t *testing.T) {
	check.Equal(t, ob.DefaultHandleLimit, 16_777_216, "DefaultHandleLimit")
	high := int64(1) << 32 // where a number has 64 bits
	for _, limit := range []int{0, -1, ob.DefaultHandleLimit + 1, int(high), int(2 * high)} {
		for _, table := range []*ob.Table{ob.NewTable(limit), ob.NewKernelTable(limit)} {
			for range 3 {
				open(t, table, 1, 0)
			}
			check.Equal(t, table.Count(), 3, "limit %d: handles", limit)
		}
	}
}

// A kernel handle is the sign-extended 0x80000000 plus a multiple of 4. Every other value is an invalid handle (O-13).
func TestKernelHandlesAreNegative(t *testing.T) {
	table := ob.NewKernelTable(0)
	v, _ := open(t, table, 1, 0)
	check.Equal(t, v, winnt.Handle(-0x80000000)+4, "first kernel handle") // 0xFFFFFFFF80000004
	for _, bad := range []winnt.Handle{4, 0x80000004, -4, -3, -1 << 63, -1<<63 + 4, -0x80000000} {
		_, _, st := table.Lookup(bad, ob.TagCall)
		wantStatus(t, bad.String(), st, ntstatus.InvalidHandle)
	}
	for low := range winnt.Handle(4) { // the two low bits do not count (O-10)
		h, _, st := table.Lookup(v|low, ob.TagCall)
		wantStatus(t, "low bits of a kernel handle", st, ntstatus.Success)
		h.Deref(ob.TagCall)
	}
	wantStatus(t, "close with low bits set", table.Close(v|3), ntstatus.Success)
}

func TestProtectedHandleIsClosedAtExitOnly(t *testing.T) { // O-42, O-43, O-47
	table := ob.NewTable(0)
	v, o := open(t, table, 1, winnt.OBJ_PROTECT_CLOSE|winnt.OBJ_AUDIT_OBJECT_CLOSE)
	wantStatus(t, "SetAttributes", table.SetAttributes(v, winnt.OBJ_PROTECT_CLOSE), ntstatus.Success)
	h, granted, _ := table.Lookup(v, ob.TagCall)
	h.Deref(ob.TagCall)
	check.Equal(t, granted.Attributes, winnt.OBJ_PROTECT_CLOSE|winnt.OBJ_AUDIT_OBJECT_CLOSE, "attributes")
	wantStatus(t, "close", table.Close(v), ntstatus.HandleNotClosable) // O-42
	table.Drain()                                                      // O-43: exit closes protected handles too
	check.That(t, o.destroyed == 1 && table.Count() == 0,
		"after Drain: object destroyed %d times, table has %d handles, want 1 and 0", o.destroyed, table.Count())
	_, st := table.Insert(newObject(eventType, nil), 1, 0)
	wantStatus(t, "insert after exit", st, ntstatus.ProcessIsTerminating) // O-47
	wantStatus(t, "SetAttributes of nothing", table.SetAttributes(v, 0), ntstatus.InvalidHandle)
	table.Drain()
}

// Growth over many chunks keeps values and objects. The memory is charged to the table until its end.
func TestTableGrowthKeepsHandles(t *testing.T) {
	table, block := ob.NewTable(0), quota.NewBlock(nil, 1<<30, false)
	table.SetQuota(block)
	const n = 5000
	objects := map[winnt.Handle]*object{}
	for range n {
		v, o := open(t, table, 1, 0)
		objects[v] = o
	}
	check.RequireThat(t, len(objects) == n && objects[4*n] != nil,
		"%d handles, want %d with the values 4, 8, and so on", len(objects), n)
	seen := 0
	for e := range table.All() {
		if seen++; objects[e.Handle] != e.Object {
			t.Fatalf("handle %v refers to another object, want the one inserted", e.Handle)
		}
	}
	check.That(t, seen == n && table.Count() == n, "All yields %d, Count is %d; want %d", seen, table.Count(), n)
	table.All()(func(ob.Entry) bool { return false })
	check.That(t, block.Used() > 0, "%d bytes are charged for a table, want some", block.Used())
	table.Drain()
	check.Equal(t, block.Used(), 0, "bytes charged after the table's end")
	check.Equal(t, objects[4].destroyed, 1, "ends of the object at which an iteration stopped")
}

func TestReservedValueIsInvalidUntilPublished(t *testing.T) {
	table := ob.NewTable(0)
	r, _ := table.Reserve()
	_, _, st := table.Lookup(r.Handle(), ob.TagCall)
	wantStatus(t, "look-up of a reserved value", st, ntstatus.InvalidHandle)
	wantStatus(t, "close of a reserved value", table.Close(r.Handle()), ntstatus.InvalidHandle)
	v, _ := open(t, table, 1, 0)
	check.RequireThat(t, v != r.Handle(), "Insert used the reserved value %v, want another one", v)
	o := newObject(eventType, nil)
	wantStatus(t, "publish", r.Publish(o, 3, winnt.OBJ_INHERIT), ntstatus.Success)
	h, g, _ := table.Lookup(r.Handle(), ob.TagCall)
	check.That(t, h.Object() == ob.Object(o) && g == (ob.Granted{Access: 3, Attributes: winnt.OBJ_INHERIT}),
		"published handle = %v %+v, want the object with rights 3 and OBJ_INHERIT", h.Object(), g)
	h.Deref(ob.TagCall)

	r, _ = table.Reserve()
	r.Abandon()
	if again, _ := table.Reserve(); again.Handle() != r.Handle() {
		t.Errorf("handle value after Abandon = %v, want the abandoned %v first", again.Handle(), r.Handle())
	}
	// An object whose last handle was closed is not published, and its value is free again.
	r, _ = table.Reserve()
	gone := newObject(eventType, nil)
	wantStatus(t, "publish without a handle", r.PublishDuplicate(gone, 3, 0), ntstatus.InvalidHandle)
	again, _ := table.Reserve()
	check.That(t, again.Handle() == r.Handle() && gone.HandleCount() == 0 && gone.closed == 0,
		"value after a refused duplicate = %v with %d handles, closed %d times, want %v with 0, 0", again.Handle(),
		gone.HandleCount(), gone.closed, r.Handle())
	again.Abandon()
	r, _ = table.Reserve()
	table.Drain()
	r.Audit(3)
	wantStatus(t, "publish after exit", r.Publish(o, 3, 0), ntstatus.ProcessIsTerminating)
	r.Abandon()
	check.Equal(t, o.HandleCount(), 0, "handle count after a failed publish")
}

func TestRemoveKeepsCountsUntilRelease(t *testing.T) {
	table := ob.NewTable(0)
	v, o := open(t, table, 3, winnt.OBJ_AUDIT_OBJECT_CLOSE)
	c, st := table.Remove(v)
	wantStatus(t, "remove", st, ntstatus.Success)
	check.That(t, c.Object == ob.Object(o) && c.Access == 3 && c.Attributes == winnt.OBJ_AUDIT_OBJECT_CLOSE &&
		o.HandleCount() == 1,
		"removed entry = %+v with %d handles, want rights 3, the audit attribute and 1 handle", c, o.HandleCount())
	wantStatus(t, "close of a removed value", table.Close(v), ntstatus.InvalidHandle)
	c.Release()
	check.Equal(t, o.destroyed, 1, "Release destroyed the object: times")
}

func TestAuditMaskIsTakenOnce(t *testing.T) {
	table := ob.NewTable(0)
	audited := func() (winnt.Handle, *object) {
		r, st := table.Reserve()
		wantStatus(t, "reserve", st, ntstatus.Success)
		o := newObject(eventType, nil)
		r.Audit(3)
		wantStatus(t, "publish", r.Publish(o, 3, winnt.OBJ_INHERIT), ntstatus.Success)
		o.Deref(ob.TagCall)
		return r.Handle(), o
	}
	v, o := audited()
	for i, want := range []winnt.AccessMask{1, 0, 2} {
		used := []winnt.AccessMask{1, 1, 3}[i]
		check.Equal(t, table.PendingAudit(v, o, used), want, "use %d of rights %v: rights that are pending", i, used)
		check.Equal(t, table.TakeAudit(v, o, used), want, "use %d of rights %v: rights to audit", i, used)
	}
	table.Close(v)
	// A use through a handle that was closed since its lookup has a record, and another object's uses keep theirs (O-53).
	check.Equal(t, table.TakeAudit(v, o, 3), 3, "rights to audit of a closed handle")
	v, p := audited()
	check.Equal(t, table.PendingAudit(v, o, 3), 3, "pending rights of a closed object")
	check.That(t, table.TakeAudit(v, o, 1) == 1 && table.TakeAudit(v, o, 0) == 0 && table.TakeAudit(v, p, 3) == 3,
		"TakeAudit for a closed object used the rights of the object that reused its handle value")
	table.Close(v)
	// A handle that a child inherits has the rights whose use is still to be audited (O-59).
	v, p = audited()
	table.TakeAudit(v, p, 1)
	child := ob.NewTable(0)
	wantStatus(t, "inherit", child.Inherit(table), ntstatus.Success)
	check.Equal(t, child.TakeAudit(v, p, 3), 2, "rights to audit of the inherited handle")
	// A new handle has nothing of the closed, abandoned or refused one in its slot.
	for what, end := range map[string]func(){
		"closed":    func() { v, _ = audited(); table.Close(v) },
		"abandoned": func() { r, _ := table.Reserve(); r.Audit(3); v = r.Handle(); r.Abandon() },
		"refused": func() {
			r, _ := table.Reserve()
			r.Audit(3)
			v = r.Handle()
			wantStatus(t, "publish", r.PublishDuplicate(newObject(eventType, nil), 3, 0), ntstatus.InvalidHandle)
		},
	} {
		end()
		next, p := open(t, table, 3, 0)
		check.That(t, next == v && table.TakeAudit(next, p, 3) == 0,
			"U-33: handle %#x got rights to audit of the %s handle %#x, want none, and the same value", next, what, v)
		table.Close(next)
	}
}

func TestOneOfTwoClosesSucceeds(t *testing.T) { // OC-47
	table := ob.NewTable(0)
	for range 2000 {
		v, _ := open(t, table, 1, 0)
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if table.Close(v) == ntstatus.Success {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		check.Require(t, won.Load(), 1, "closes of one value that succeeded")
	}
}

// model is a simple handle table, with a map of entries and a stack of free values.
type model struct {
	limit   int
	entries map[winnt.Handle]modelEntry
	freed   []winnt.Handle // O-12: the last one comes back first
	next    winnt.Handle   // the last new value; 0 is not a handle (O-11)
	held    map[winnt.Handle]ob.Reservation
}

type modelEntry struct {
	object *object
	g      ob.Granted
}

func (m *model) take() (winnt.Handle, ntstatus.Status) {
	if len(m.entries)+len(m.held) >= m.limit {
		return 0, ntstatus.InsufficientResources // beyond the limit (O-82)
	}
	if n := len(m.freed); n > 0 {
		v := m.freed[n-1]
		m.freed = m.freed[:n-1]
		return v, ntstatus.Success
	}
	m.next += 4
	return m.next, ntstatus.Success
}

func (m *model) close(v winnt.Handle) ntstatus.Status {
	e, ok := m.entries[v&^3] // a lookup ignores the two low bits (O-10)
	switch {
	case !ok:
		return ntstatus.InvalidHandle // a closed value is free (O-40)
	case e.g.Attributes&winnt.OBJ_PROTECT_CLOSE != 0:
		return ntstatus.HandleNotClosable // the handle is protected (O-42)
	}
	delete(m.entries, v&^3)
	m.freed = append(m.freed, v&^3)
	return ntstatus.Success
}

func (m *model) handles(o *object) (n int64) {
	for _, e := range m.entries {
		if e.object == o {
			n++
		}
	}
	return n
}

// TestTableMatchesModel runs random histories on a table and on the model. Every status, value, right and count must
// be equal (O-10, O-11, O-12, O-34, O-40, O-42, O-45, O-82).
func TestTableMatchesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{3, 7, 300}).Draw(t, "limit")
		table := ob.NewTable(limit)
		m := &model{limit: limit, entries: map[winnt.Handle]modelEntry{}, held: map[winnt.Handle]ob.Reservation{}}
		objects := []*object{newObject(eventType, nil), newObject(jobType, nil), newObject(fileType, nil)}
		value := rapid.Custom(func(t *rapid.T) winnt.Handle {
			return winnt.Handle(rapid.IntRange(-8, 4*12).Draw(t, "value"))
		})
		object := rapid.SampledFrom(objects)
		attrs := rapid.SampledFrom([]uint32{0, 0, 0, 1, 2, 4, 7, 0x30, 0x1FF})
		check := func(what string, got, want any) {
			if got != want {
				t.Fatalf("%s: table %v, model %v", what, got, want)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				o, a := object.Draw(t, "object"), attrs.Draw(t, "attributes")
				v, st := table.Insert(o, winnt.AccessMask(a)<<16|1, a)
				w, want := m.take()
				check("insert status", st, want)
				check("insert value", v, w)
				if st == ntstatus.Success {
					m.entries[v] = modelEntry{o, ob.Granted{Access: winnt.AccessMask(a)<<16 | 1, Attributes: a & 7}}
				}
			},
			"close": func(t *rapid.T) {
				v := value.Draw(t, "v")
				check("close", table.Close(v), m.close(v))
			},
			"lookup": func(t *rapid.T) {
				v := value.Draw(t, "v")
				h, g, st := table.Lookup(v, ob.TagCall)
				e, ok := m.entries[v&^3]
				check("known", st == ntstatus.Success, ok)
				if ok {
					check("object", h.Object(), ob.Object(e.object))
					check("granted", g, e.g)
					h.Deref(ob.TagCall)
				}
			},
			"set": func(t *rapid.T) {
				v, a := value.Draw(t, "v"), attrs.Draw(t, "attributes")
				st := table.SetAttributes(v, a)
				e, ok := m.entries[v&^3]
				check("known", st == ntstatus.Success, ok)
				if ok {
					e.g.Attributes = e.g.Attributes&4 | a&3
					m.entries[v&^3] = e
				}
			},
			"reserve": func(t *rapid.T) {
				r, st := table.Reserve()
				w, want := m.take()
				check("reserve", st, want)
				if st == ntstatus.Success {
					check("reserved value", r.Handle(), w)
					m.held[w] = r
				}
			},
			"settle": func(t *rapid.T) {
				o, publish := object.Draw(t, "object"), rapid.Bool().Draw(t, "publish")
				for v, r := range m.held {
					delete(m.held, v)
					if publish {
						check("publish", r.Publish(o, 1, 2), ntstatus.Success)
						m.entries[v] = modelEntry{o, ob.Granted{Access: 1, Attributes: 2}}
					} else {
						r.Abandon()
						m.freed = append(m.freed, v)
					}
					return
				}
			},
			"": func(t *rapid.T) {
				check("count", table.Count(), len(m.entries))
				for _, o := range objects {
					check("handle count", o.HandleCount(), m.handles(o)) // entries in all tables (O-45)
					check("reference count", o.PointerCount(), m.handles(o)+1)
				}
			},
		})
	})
}

// A child inherits the handles with OBJ_INHERIT, with their rights and attributes, and no handle for another attribute.
// Inherited handles count, and the child's next handles fill the gaps from below. Beyond the child's limit or quota
// nothing is inherited. A handle of an exclusive object is not inherited (O-12, O-27, O-59, O-82, Q-2, OC-49).
func TestOnlyInheritAttributeInherits(t *testing.T) {
	const inherit, protect, audit = winnt.OBJ_INHERIT, winnt.OBJ_PROTECT_CLOSE, winnt.OBJ_AUDIT_OBJECT_CLOSE
	attributes := []uint32{protect, inherit | protect, audit, 0, inherit | audit, protect | audit, inherit}
	parent := ob.NewTable(0)
	closed, _ := open(t, parent, 1, inherit)
	var all []*object
	for i, a := range attributes {
		_, o := open(t, parent, winnt.AccessMask(i+1), a)
		all = append(all, o)
	}
	wantStatus(t, "close", parent.Close(closed), ntstatus.Success)
	_, exclusive := open(t, parent, 1, inherit) // as after NtSetInformationObject
	exclusive.SetBirth(ob.Birth{Exclusive: exclusive})
	small := ob.NewTable(7)
	wantStatus(t, "inherit beyond the limit", small.Inherit(parent), ntstatus.InsufficientResources)
	check.Equal(t, small.Count(), 0, "handles after a refused Inherit")
	poor := ob.NewTable(0)
	poor.SetQuota(quota.NewBlock(nil, 1, false))
	wantStatus(t, "inherit without quota", poor.Inherit(parent), ntstatus.QuotaExceeded)
	poor = ob.NewTable(1)
	poor.SetQuota(quota.NewBlock(nil, 1, false))
	wantStatus(t, "insert without quota", check.Status(poor.Insert(exclusive, 1, 0)), ntstatus.QuotaExceeded)
	poor.SetQuota(quota.NewBlock(nil, 1<<20, false))
	wantStatus(t, "insert with quota, into the one place", check.Status(poor.Insert(exclusive, 1, 0)), ntstatus.Success)
	wantStatus(t, "inherit from nothing", small.Inherit(ob.NewTable(0)), ntstatus.Success)
	child := ob.NewTable(8)
	wantStatus(t, "inherit", child.Inherit(parent), ntstatus.Success)
	var got []winnt.Handle
	for e := range child.All() {
		got = append(got, e.Handle)
		i := e.Handle/4 - 2
		if o := all[i]; e.Object != ob.Object(o) || o.HandleCount() != 2 ||
			e.Granted != (ob.Granted{Access: winnt.AccessMask(i + 1), Attributes: attributes[i]}) {
			t.Errorf("O-59: inherited handle %#x = %+v with %d handles of its object, want the parent's entry and 2",
				int64(e.Handle), e, o.HandleCount())
		}
	}
	check.SlicesEqual(t, got, []winnt.Handle{12, 24, 32}, "O-59: handles of the child")
	check.Equal(t, child.Count(), 3, "Count() of the child")
	got = nil
	for range 5 {
		v, _ := open(t, child, 1, 0)
		got = append(got, v)
	}
	check.SlicesEqual(t, got, []winnt.Handle{4, 8, 16, 20, 28}, "O-12: next handles")
	wantStatus(t, "insert into the child's full table", check.Status(child.Insert(all[0], 1, 0)),
		ntstatus.InsufficientResources)
}

package ob_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
	"pgregory.net/rapid"
)

// model is the handle table as a map and a stack, one line per rule.
type model struct {
	limit   int
	entries map[winnt.Handle]modelEntry
	freed   []winnt.Handle // O-12: the last one comes back first
	next    winnt.Handle   // O-11
	held    map[winnt.Handle]ob.Reservation
}

type modelEntry struct {
	object *object
	g      ob.Granted
}

func (m *model) take() (winnt.Handle, ntstatus.Status) {
	if len(m.entries)+len(m.held) >= m.limit {
		return 0, ntstatus.InsufficientResources // O-82
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
	e, ok := m.entries[v&^3] // O-10
	switch {
	case !ok:
		return ntstatus.InvalidHandle // O-40
	case e.g.Attributes&winnt.OBJ_PROTECT_CLOSE != 0:
		return ntstatus.HandleNotClosable // O-42
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

// TestTableModel runs random histories on a table and on the model: every
// status, value, right and count must be the same. O-10, O-11, O-12, O-40,
// O-42, O-45, O-82.
func TestTableModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{3, 7, 300}).Draw(t, "limit")
		table := ob.NewTable(limit)
		m := &model{limit: limit, entries: map[winnt.Handle]modelEntry{}, held: map[winnt.Handle]ob.Reservation{}}
		objects := []*object{newObject(eventType, nil), newObject(jobType, nil), newObject(fileType, nil)}
		value := rapid.Custom(func(t *rapid.T) winnt.Handle {
			return winnt.Handle(rapid.IntRange(-8, 4*12).Draw(t,
				"value"))
		})
		object := rapid.SampledFrom(objects)
		attrs := rapid.SampledFrom([]uint32{0, 0, 0, 1, 2, 4, 7, 0x30})
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
					check("handle count", o.HandleCount(), m.handles(o)) // O-45
					check("reference count", o.PointerCount(), m.handles(o)+1)
				}
			},
		})
	})
}

package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// jobs puts processes into jobs before the first call.
func (d draw) jobs(m *Machine) {
	for _, p := range m.Processes {
		if len(p.Threads) == 0 && d.coin(4) {
			// The one that has not started has a single token, or one filtered from it.
			for i, t := range m.Held {
				if t.Value.Type == winnt.TokenPrimary &&
					m.Limit(p, Limits{Flags: 4, Token: t, Held: i}).Status == ntstatus.Success {
					break
				}
			}
			continue
		}
		for range pick(d, 0, 0, 0, 1, 1, 2) {
			l := Limits{Flags: pick[uint32](d, 1, 2, 8, 8, 9)}
			if l.Flags&8 != 0 {
				l.Filter = Filter{Disable: []Name{pick(d, Users, Staff, Admins)},
					Delete: privs(pick(d, interesting...))}
			}
			if m.Limit(p, l).Status != ntstatus.Success {
				break
			}
		}
	}
}

// handles fills the handle tables. Each process gets handles to its token, to some of the tokens that the kernel
// holds, and to threads and processes, usually with many rights.
func (d draw) handles(m *Machine) {
	add := func(t *Table, s Slot, all winnt.AccessMask) {
		s.Granted = all
		if d.coin(3) {
			s.Granted &= winnt.AccessMask(d.Uint32())
		}
		s.Inherit, s.Protect = d.coin(4), d.coin(6)
		t.Insert(s)
	}
	for _, t := range m.tables() {
		for range 5 {
			add(t, Slot{Token: pick(d, m.Held...)}, tokenKind.all)
		}
		for _, p := range m.Processes {
			add(t, Slot{Process: p}, processKind.all)
			if d.coin(2) {
				add(t, Slot{Token: p.Primary}, tokenKind.all)
			}
			for _, th := range p.Threads {
				if !d.coin(3) {
					add(t, Slot{Thread: th}, threadKind.all)
				}
			}
		}
	}
}

package model

import (
	"fmt"

	"github.com/refmon/refmon/internal/ntos/ob"
)

// compareTables compares every handle of every process, and of the kernel's table: its value, its rights, its
// attributes and what it names. Each object has as many handles as the tables have for it (O-45). It removes an
// object without handles from p.things, unless it is a job.
func (p *Pair) compareTables() error {
	handles := map[ob.Object]int64{}
	for i, mp := range p.M.Processes {
		if err := p.compareTable(p.processes[i].Object().Table(), &mp.Handles, handles); err != nil {
			return fmt.Errorf("p%d: %w", i, err)
		}
	}
	if err := p.compareTable(p.processes[0].Object().System().Kernel, &p.M.Kernel, handles); err != nil {
		return fmt.Errorf("the kernel's table: %w", err)
	}
	for i, t := range p.objects {
		if got := t.Head().HandleCount(); got != handles[t] {
			return fmt.Errorf("t%d: kernel %d handles, model %d", i, got, handles[t])
		}
		if got := t.SelfAccess(); got != p.M.Threads[i].Self {
			return fmt.Errorf("t%d: kernel %#x on itself, model %#x", i, uint32(got), uint32(p.M.Threads[i].Self))
		}
		if err := compareGuard(t.Head().Security(), p.M.Threads[i].Guard); err != nil {
			return fmt.Errorf("t%d: %w", i, err)
		}
	}
	for i, kp := range p.processes {
		o := kp.Object()
		if got := o.Head().HandleCount(); got != handles[o] {
			return fmt.Errorf("p%d: kernel %d handles, model %d", i, got, handles[o])
		}
		if m := p.M.Processes[i]; o.SelfAccess() != m.Self || o.Exited() != m.Over ||
			o.Started() != (len(m.Threads) > 0) {
			return fmt.Errorf("p%d: kernel %#x on itself, ended %t, started %t, model %#x, %t", i,
				uint32(o.SelfAccess()), o.Exited(), o.Started(), uint32(m.Self), m.Over)
		}
		if err := compareGuard(o.Head().Security(), p.M.Processes[i].Guard); err != nil {
			return fmt.Errorf("p%d: %w", i, err)
		}
	}
	for t, o := range p.things {
		if got := o.Head().HandleCount(); got != handles[o] {
			return fmt.Errorf("a %s: kernel %d handles, model %d", o.Head().Type().Name, got, handles[o])
		}
		if _, job := t.(*Job); handles[o] == 0 && !job {
			delete(p.things, t)
		}
	}
	return nil
}

// compareTable compares a handle table with the model's and adds the number of handles of each object to handles.
func (p *Pair) compareTable(table *ob.Table, m *Table, handles map[ob.Object]int64) error {
	at := 0
	next := func() {
		for at < len(m.Slots) && !m.Slots[at].used() {
			at++
		}
	}
	for e := range table.All() {
		if next(); at == len(m.Slots) {
			return fmt.Errorf("the model has no handle %s", e.Handle)
		}
		s := &m.Slots[at]
		if e.Handle != m.value(at) || e.Access != s.Granted || e.Attributes != s.attributes() {
			return fmt.Errorf("kernel handle %s granting %#x with attributes %#x, model %s %#x %#x", e.Handle,
				uint32(e.Access), e.Attributes, m.value(at), uint32(s.Granted), s.attributes())
		}
		if !p.same(e.Object, s) {
			return fmt.Errorf("handle %s: kernel a %s, model %T", e.Handle, e.Object.Head().Type().Name, s.object())
		}
		if s.File != nil || s.Job != nil {
			if err := compareGuard(e.Object.Head().Security(), s.guard()); err != nil {
				return fmt.Errorf("handle %s: %w", e.Handle, err)
			}
		}
		handles[e.Object]++
		at++
	}
	if next(); at < len(m.Slots) {
		return fmt.Errorf("the kernel has no handle %s", m.value(at))
	}
	return nil
}

// same reports whether an object of the kernel is the one that a handle of the model names. The first handle of a
// thing or a job binds the two.
func (p *Pair) same(o ob.Object, s *Slot) bool {
	switch {
	case s.File != nil:
		return o.Head().Type().Name == "File" && o.Head().Path() == s.File.path()
	case s.Thing != nil, s.Job != nil:
		if p.things[s.object()] == nil {
			p.things[s.object()] = o
		}
		return p.things[s.object()] == o && o.Head().Type().Name == s.kind().name
	}
	return p.known(s) == o
}

// known returns the kernel's object for a token, thread or process of the model.
func (p *Pair) known(s *Slot) ob.Object {
	switch {
	case s.Token != nil:
		return p.tokens[s.Token.ID-1]
	case s.Thread != nil:
		return p.objects[p.index(s.Thread)]
	}
	for i, mp := range p.M.Processes {
		if mp == s.Process {
			return p.processes[i].Object()
		}
	}
	return nil
}

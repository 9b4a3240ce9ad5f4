package model

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Pair is a model and a kernel that are given the same calls.
type Pair struct {
	World
	M *Machine

	sys       *kernel.System
	processes []*kernel.Process
	threads   []*nt.Thread
	user      []nt.Services // of the threads
	end       func() error  // of the way that these go
	objects   []*ps.Thread
	modes     []*kernel.KernelThread

	held     []*se.TokenObject
	saved    []*ps.SavedState
	from     []int // the thread that each saved state was taken from
	contexts []*ps.ClientContext
	subjects []*ps.SubjectContext
	tickets  [][]nt.Ticket

	tokens   []*se.TokenObject // by model id − 1
	ids      map[*se.TokenObject]int
	seen     []seen // what was last compared of the tokens, by model id − 1
	things   map[any]ob.Object
	modified map[winnt.LUID]int // ModifiedIds seen, to the model's
	back     map[int]winnt.LUID
	armed    atomic.Pointer[Op] // the call that is made now
	made     Tally              // calls made
	dead     []bool             // tokens that have been seen destroyed, by model id − 1
}

var sids = func() map[Name]sid.SID {
	m := map[Name]sid.SID{System: sid.LocalSystem, Anonymous: sid.Anonymous, Admins: sid.Administrators,
		Users: sid.Users, Everyone: sid.Everyone, Limit: sid.Restricted}
	for n, rid := range map[Name]uint32{Service: 2001, Alice: 1107, Bob: 1108, Staff: 3001} {
		m[n], _ = sid.New(5, 21, 1, 2, 3, rid)
	}
	m[LogonSID], _ = sid.New(5, 5, 7, 9)
	return m
}()

// NewPair draws the model of a world and boots a kernel in the same state. It panics if the two differ.
func NewPair(w World) *Pair {
	p := &Pair{World: w, M: w.machine(), made: newTally(), things: map[any]ob.Object{},
		ids: map[*se.TokenObject]int{}, modified: map[winnt.LUID]int{},
		back: map[int]winnt.LUID{}}
	p.M.failing = p.fails
	p.sys = kernel.Boot(kernel.Config{Profile: w.Profile, Faults: p.fails})
	attach := func(_ *kernel.Process, th *nt.Thread) (nt.Services, error) { return th.Services(), nil }
	if p.end = (func() error { return nil }); w.Over != nil {
		attach, p.end = w.Over()
	}
	for i, mp := range p.M.Processes {
		kp := must(p.sys.NewProcess(mp.Name, must(token.New(spec(&mp.First.Value)))))
		p.processes = append(p.processes, kp)
		mp.ID = kp.ID()
		p.bind(mp.First, kp.Object().PrimaryToken())
		for range mp.Threads {
			th := must(kp.NewThread())
			p.threads = append(p.threads, th)
			if i == last {
				p.user = append(p.user, nil)
			} else {
				p.user = append(p.user, must(attach(kp, th)))
			}
			p.objects = append(p.objects, p.sys.ThreadObject(th))
			p.modes = append(p.modes, p.sys.KernelMode(th))
			p.tickets = append(p.tickets, nil)
		}
	}
	for i, t := range p.M.Threads {
		t.ID = p.objects[i].ID()
		for range t.Suspended {
			p.objects[i].Suspend()
		}
	}
	system := p.processes[0].Object().System()
	for _, t := range p.M.Held {
		o := system.Security.NewToken(must(token.New(spec(&t.Value))), descriptor(t.Guard))
		o.Retag(ob.TagCall, ob.TagContext)
		p.held = append(p.held, o)
		p.bind(t, o)
	}
	p.fill(system.Kernel, &p.M.Kernel)
	for i, kp := range p.processes {
		p.fill(kp.Object().Table(), &p.M.Processes[i].Handles)
	}
	p.jobs()
	p.files()
	if err := p.compare(); err != nil {
		panic("model: a world that differs: " + err.Error())
	}
	return p
}

// files makes the files of the world.
func (p *Pair) files() {
	for _, f := range p.M.Files {
		if err := p.sys.CreateFile(f.Name, descriptor(f.Guard)); err != nil {
			panic("model: " + err.Error())
		}
	}
}

// jobs puts the processes into their jobs.
func (p *Pair) jobs() {
	for i, mp := range p.M.Processes {
		for _, j := range mp.Job.chain() {
			var single *se.TokenObject
			if j.Limits.Token != nil {
				single = p.held[j.Limits.Held]
			}
			if st := p.processes[i].AssignToJob(j.Limits.kernel(single)); st != ntstatus.Success {
				panic("model: " + st.String())
			}
		}
		p.bind(mp.Primary, p.processes[i].Object().PrimaryToken())
	}
}

// fill copies the model's handle table to the kernel's.
func (p *Pair) fill(table *ob.Table, m *Table) {
	for _, s := range m.Slots {
		if _, st := table.Insert(p.known(&s), s.Granted, s.attributes()); st != ntstatus.Success {
			panic("model: " + st.String())
		}
	}
}

// bind records that a token of the model and an object of the kernel are the same. It returns false if one of them
// is already bound to something else.
func (p *Pair) bind(t *Token, o *se.TokenObject) bool {
	for len(p.tokens) < t.ID {
		p.tokens = append(p.tokens, nil)
		p.dead, p.seen = append(p.dead, false), append(p.seen, seen{})
	}
	if p.tokens[t.ID-1] == nil && p.ids[o] == 0 {
		p.tokens[t.ID-1], p.ids[o] = o, t.ID
	}
	return p.tokens[t.ID-1] == o && p.ids[o] == t.ID
}

// id returns the model's id of a token object. It binds an unknown object to the token that the model created last,
// and returns -1 if that token is already bound to another object.
func (p *Pair) id(o *se.TokenObject) int {
	if n := p.ids[o]; n != 0 {
		return n
	}
	last := p.M.Tokens[len(p.M.Tokens)-1]
	if p.bind(last, o) {
		return last.ID
	}
	return -1
}

// named returns the model's id of the token that a handle of a process names, and the handle's rights and
// attributes. The id is -1 for an invalid handle and 0 if the handle names another type.
func (p *Pair) named(in *ps.Process, h winnt.Handle) (id int, granted winnt.AccessMask, attributes uint32) {
	table := in.Table()
	if h < 0 {
		table = p.processes[0].Object().System().Kernel
	}
	head, g, st := table.Lookup(h, ob.TagCall)
	if !st.IsSuccess() {
		return -1, 0, 0
	}
	defer head.Deref(ob.TagCall)
	if t, ok := head.Object().(*se.TokenObject); ok {
		id = p.id(t)
	}
	return id, g.Access, g.Attributes
}

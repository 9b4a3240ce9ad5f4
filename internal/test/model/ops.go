package model

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Op is one call of a history, as numbers: what they mean depends on what
// exists when the call is made, so that a history stays one when calls are
// taken out of it.
type Op struct {
	Kind uint8
	Fail uint8 // points at which memory runs out during the call, as bits
	Args [8]uint32
}

// points are where memory can run out (O-81).
var points = []string{"se: duplicate token", "se: copy token", "ps: impersonation record", "se: client context",
	"se: filter token"}

// Draw returns a history of n calls.
func Draw(seed uint64, n int) []Op {
	d := newDraw(seed ^ 0xD1B54A32D192ED03)
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	ops := make([]Op, n)
	for i := range ops {
		o := &ops[i]
		at := d.IntN(total)
		for at >= kinds[o.Kind].weight {
			at -= kinds[o.Kind].weight
			o.Kind++
		}
		if d.coin(20) {
			o.Fail = uint8(1 << d.IntN(len(points)))
		}
		for j := range o.Args {
			o.Args[j] = d.Uint32()
		}
	}
	return ops
}

// args reads the numbers of an op one by one.
type args struct {
	op *Op
	at int
}

func (a *args) n(limit int) int {
	v := int(a.op.Args[a.at%len(a.op.Args)]>>(a.at/len(a.op.Args)*7)) % limit
	a.at++
	return v
}

func (a *args) coin(n int) bool { return a.n(n) == 0 }

func choose[T any](a *args, list ...T) T { return list[a.n(len(list))] }

// call is an op made concrete: the same call on both sides.
type call struct {
	text       string
	thread     int // the calling thread
	target     int // the thread whose state is to change; −1: none
	user       bool
	ends       bool // it can end a process
	duplicates bool // a duplicate of a handle: no open
	closes     bool // the source handle goes even if the call fails (O-52)
	model      func() Result
	kernel     func() Result
}

// kinds are the calls; a kind returns nil when nothing exists to call it with.
var kinds = []struct {
	weight int
	make   func(p *Pair, c *call, a *args) bool
}{
	{8, openProcessToken}, {12, openThreadToken}, {12, duplicate}, {7, adjust}, {9, setThreadToken}, {4, query}, {3,
		privilegeCheck}, {5, accessCheck},
	{6, openFile}, {4, openByID}, {14, closeHandle}, {2, save}, {2, restoreTicket},
	{14, impersonate}, {3, revert}, {3, disable}, {3, restore}, {2, reference}, {2, dereference},
	{3, capture}, {3, impersonateContext}, {2, deleteContext}, {3, captureSubject}, {5, checkSubject}, {2,
		releaseSubject}, {3, limit},
	{5, filterToken}, {4, adjustGroups}, {4, impersonateThread}, {1, impersonateAnonymous}, {5, duplicateObject},
	{9, createThing}, {5, releaseMutant}, {5, releaseSemaphore}, {5, setTimer}, {3, cancelTimer}, {7, queryThing},
	{5, setObject}, {5, queryObject}, {2, compareObjects}, {9, setToken}, {4, compareTokens},
	{4, nextOne}, {5, suspend}, {3, terminate}, {5, queryProcess}, {5, querySecurity}, {7, setSecurity},
	{2, subjectPrivileges}, {2, effective}, {2, revertThread}, {3, assignToken}, {2, filterObject},
	{8, assignPrimary}, {4, createToken}, {3, updateContext},
	{6, createJob}, {4, setJob}, {4, assignJob},
}

// prepare draws the arguments of an op and returns it as a call of both sides. It returns nil if no object exists to
// call it with, or its target thread has ended.
func (p *Pair) prepare(op *Op) *call {
	a := &args{op: op}
	c := &call{thread: a.n(2 * last), target: -1}
	if !kinds[op.Kind].make(p, c, a) || c.target >= 0 && p.M.Threads[c.target].Process.Over {
		return nil // what a thread that has ended acts as is not the model's
	}
	return c
}

func (p *Pair) caller(c *call) Caller { return Caller{p.M.Threads[c.thread], !c.user} }

// services returns the Nt or Zw services of the call's thread.
func (p *Pair) services(c *call) nt.Services {
	if c.user {
		return p.user[c.thread]
	}
	return p.modes[c.thread].Zw().Services()
}

// mode draws the previous mode, usually user mode.
func (c *call) mode(a *args) { c.user = !a.coin(6) }

// able takes another thread for a call, mostly, that has the privilege for it.
func (p *Pair) able(c *call, a *args, privilege winnt.Privilege) {
	for i, t := range p.M.Threads[:2*last] {
		if !p.M.Threads[c.thread].subject().holds(privilege) && t.subject().holds(privilege) && !a.coin(4) {
			c.thread = i
		}
	}
}

func (c *call) name(service string) string {
	if c.user {
		return fmt.Sprintf("t%d.Nt%s", c.thread, service)
	}
	return fmt.Sprintf("t%d.Zw%s", c.thread, service)
}

// with narrows what a handle is to name to one that grants rights, mostly.
func (a *args) with(is func(*Slot) bool, rights winnt.AccessMask) func(*Slot) bool {
	if a.coin(6) {
		return is
	}
	return func(s *Slot) bool { return is(s) && rights&^s.Granted == 0 }
}

// handle draws a handle value, usually one of the caller's for which want returns true.
func (p *Pair) handle(c *call, a *args, want func(*Slot) bool, pseudo ...winnt.Handle) winnt.Handle {
	table := &p.M.Threads[c.thread].Process.Handles
	switch a.n(12) {
	case 0:
		return choose[winnt.Handle](a, 0, -1, -2, -3, -4, -5, -6, 0xDEAD0, 4, 8, 13)
	case 1:
		if n := len(p.M.Kernel.Slots); n > 0 {
			return p.M.Kernel.value(a.n(n))
		}
	case 2, 3, 4:
		if len(pseudo) > 0 {
			return choose(a, pseudo...)
		}
	case 5:
		if n := len(table.Slots); n > 0 {
			return table.value(a.n(n))
		}
	}
	var fits []winnt.Handle
	for i := range table.Slots {
		if table.Slots[i].used() && want(&table.Slots[i]) {
			fits = append(fits, table.value(i))
		}
	}
	if len(fits) == 0 {
		if len(pseudo) > 0 {
			return choose(a, pseudo...)
		}
		return 0xDEAD0
	}
	return choose(a, fits...)
}

// tokenMask draws what an open of a token asks for.
func tokenMask(a *args) winnt.AccessMask {
	m := choose[winnt.AccessMask](a, winnt.TOKEN_QUERY, 0xA, 0xE, 0x2E, 0xF01FF, maximum, winnt.GENERIC_READ,
		winnt.GENERIC_ALL, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_DUPLICATE, 0x20008)
	switch a.n(14) {
	case 0:
		m = 0
	case 1:
		m |= saclBit
	case 2:
		m |= choose[winnt.AccessMask](a, 0x00400000, 0x200, winnt.SYNCHRONIZE)
	case 3:
		m |= choose[winnt.AccessMask](a, winnt.WRITE_OWNER, winnt.WRITE_DAC, 0x1, 0x100, maximum)
	case 4:
		m = winnt.AccessMask(a.op.Args[7])
	}
	return m
}

// fileMask draws a mask of access to a file. Rarely it is 0, or has generic or invalid bits.
func fileMask(a *args) winnt.AccessMask {
	m := choose[winnt.AccessMask](a, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, 0x120089, 0x1F01FF, maximum,
		winnt.READ_CONTROL, winnt.WRITE_DAC, winnt.WRITE_OWNER)
	switch a.n(12) {
	case 0:
		m = 0
	case 1:
		m |= saclBit
	case 2:
		m |= choose[winnt.AccessMask](a, winnt.GENERIC_READ, maximum, 0x00400000, 0x200)
	}
	return m
}

// result turns an open's outcome on the kernel into a Result.
func (p *Pair) result(c *call, h winnt.Handle, st ntstatus.Status) Result {
	r := Result{Status: st}
	if st.IsSuccess() {
		r.Handle = h
		r.Token, r.Granted, _ = p.named(p.objects[c.thread].Process(), h)
	}
	return r
}

// index returns the position of a thread in the model's list, or -1 if the list does not have it.
func (p *Pair) index(t *Thread) int {
	for i, o := range p.M.Threads {
		if o == t {
			return i
		}
	}
	return -1
}

// other draws the thread that a kernel routine works on.
func (p *Pair) other(c *call, a *args) int {
	c.target = a.n(len(p.threads))
	return c.target
}

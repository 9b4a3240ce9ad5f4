package model

import (
	"fmt"

	"github.com/refmon/refmon/kernel"
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
var points = []string{"se: duplicate token", "se: copy token", "ps: impersonation record", "se: client context", "se: filter token"}

// Draw is a history of n calls.
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
	{8, openProcessToken}, {12, openThreadToken}, {12, duplicate}, {7, adjust}, {9, setThreadToken}, {4, query}, {3, privilegeCheck}, {5, accessCheck},
	{6, openFile}, {4, openByID}, {14, closeHandle}, {2, save}, {2, restoreTicket},
	{14, impersonate}, {3, revert}, {3, disable}, {3, restore}, {2, reference}, {2, dereference},
	{3, capture}, {3, impersonateContext}, {2, deleteContext}, {2, captureSubject}, {2, checkSubject}, {2, releaseSubject}, {1, limit},
	{5, filterToken}, {4, adjustGroups}, {4, impersonateThread}, {1, impersonateAnonymous}, {5, duplicateObject},
}

// prepare makes an op concrete.
func (p *Pair) prepare(op *Op) *call {
	a := &args{op: op}
	c := &call{thread: a.n(len(p.threads)), target: -1}
	if !kinds[op.Kind].make(p, c, a) {
		return nil
	}
	return c
}

func (p *Pair) caller(c *call) Caller { return Caller{p.M.Threads[c.thread], !c.user} }

// services are the Nt or Zw services of the call's thread.
func (p *Pair) services(c *call) nt.Services {
	if c.user {
		return p.threads[c.thread].Services()
	}
	return p.modes[c.thread].Zw().Services()
}

// mode draws the previous mode: mostly user.
func (c *call) mode(a *args) { c.user = !a.coin(6) }

func (c *call) name(service string) string {
	if c.user {
		return fmt.Sprintf("t%d.Nt%s", c.thread, service)
	}
	return fmt.Sprintf("t%d.Zw%s", c.thread, service)
}

// handle draws a handle value: mostly one of the caller's that satisfies want.
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
	m := choose[winnt.AccessMask](a, winnt.TOKEN_QUERY, 0xA, 0xE, 0x2E, 0xF01FF, maximum, winnt.GENERIC_READ, winnt.GENERIC_ALL, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_DUPLICATE, 0x20008)
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

func fileMask(a *args) winnt.AccessMask {
	m := choose[winnt.AccessMask](a, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, 0x120089, 0x1F01FF, maximum, winnt.READ_CONTROL, winnt.WRITE_DAC, winnt.WRITE_OWNER)
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
		r.Token, r.Granted, _ = p.named(c.thread, h)
	}
	return r
}

func openProcessToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired, ex := p.handle(c, a, isProcess, winnt.NtCurrentProcess), tokenMask(a), a.coin(2)
	attributes := choose[uint32](a, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, winnt.OBJ_KERNEL_HANDLE, 0x20)
	c.text = fmt.Sprintf("%s(%s, %#x, ex %t %#x)", c.name("OpenProcessToken"), h, uint32(desired), ex, attributes)
	if !ex {
		attributes = 0
	}
	c.model = func() Result { return p.M.OpenProcessToken(p.caller(c), h, desired, attributes, ex) }
	c.kernel = func() Result {
		if ex {
			out, st := p.services(c).NtOpenProcessTokenEx(nt.OpenProcessTokenExIn{ProcessHandle: h, DesiredAccess: desired, HandleAttributes: attributes})
			return p.result(c, out.TokenHandle, st)
		}
		out, st := p.services(c).NtOpenProcessToken(nt.OpenProcessTokenIn{ProcessHandle: h, DesiredAccess: desired})
		return p.result(c, out.TokenHandle, st)
	}
	return true
}

func openThreadToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired, ex, self := p.handle(c, a, isThread, winnt.NtCurrentThread), tokenMask(a), a.coin(3), a.coin(2)
	attributes := choose[uint32](a, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, winnt.OBJ_KERNEL_HANDLE, 0x20)
	c.text = fmt.Sprintf("%s(%s, %#x, OpenAsSelf %t, ex %t %#x)", c.name("OpenThreadToken"), h, uint32(desired), self, ex, attributes)
	if !ex {
		attributes = 0
	}
	if s, st := p.M.reference(p.caller(c), h, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.model = func() Result { return p.M.OpenThreadToken(p.caller(c), h, desired, self, attributes, ex) }
	c.kernel = func() Result {
		if ex {
			out, st := p.services(c).NtOpenThreadTokenEx(nt.OpenThreadTokenExIn{ThreadHandle: h, DesiredAccess: desired, OpenAsSelf: self, HandleAttributes: attributes})
			return p.result(c, out.TokenHandle, st)
		}
		out, st := p.services(c).NtOpenThreadToken(nt.OpenThreadTokenIn{ThreadHandle: h, DesiredAccess: desired, OpenAsSelf: self})
		return p.result(c, out.TokenHandle, st)
	}
	return true
}

func (p *Pair) index(t *Thread) int {
	for i, o := range p.M.Threads {
		if o == t {
			return i
		}
	}
	return -1
}

func duplicate(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired, effective := p.handle(c, a, isToken), tokenMask(a), a.coin(3)
	if a.coin(3) {
		desired = 0
	}
	typ := choose(a, winnt.TokenImpersonation, winnt.TokenImpersonation, winnt.TokenPrimary)
	if a.coin(30) {
		typ = 3
	}
	attributes := choose[uint32](a, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x8000)
	var q *QOS
	if a.coin(2) {
		q = &QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 3, 2, 1, 4), a.coin(2)}
	}
	var guard *Descriptor
	if a.coin(4) {
		guard = newDraw(uint64(a.op.Args[6])).guard()
	}
	c.text = fmt.Sprintf("%s(%s, %#x, attributes %#x, qos %+v, sd %s, EffectiveOnly %t, type %d)", c.name("DuplicateToken"), h, uint32(desired), attributes, q, guard, effective, typ)
	c.model = func() Result { return p.M.Duplicate(p.caller(c), h, desired, attributes, q, guard, effective, typ) }
	c.kernel = func() Result {
		oa := &nt.ObjectAttributes{Attributes: attributes}
		if q != nil {
			oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: q.Level, EffectiveOnly: q.EffectiveOnly}
		}
		if guard != nil {
			oa.SecurityDescriptor = descriptor(&Descriptor{Owner: guard.Owner, NoDACL: guard.NoDACL, Entries: guard.Entries}) // no label: T-52 is not the model's
		}
		out, st := p.services(c).NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: h, DesiredAccess: desired, ObjectAttributes: nt.Cap(oa), EffectiveOnly: effective, TokenType: typ})
		return p.result(c, out.NewTokenHandle, st)
	}
	return true
}

func adjust(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, all, previous := p.handle(c, a, isToken), a.coin(6), a.coin(2)
	length := choose[uint32](a, 4096, 4096, 4096, 16, 4)
	var changes []Change
	for range 1 + a.n(3) {
		changes = append(changes, Change{choose(a, interesting...), choose[uint32](a, winnt.SE_PRIVILEGE_ENABLED, winnt.SE_PRIVILEGE_ENABLED, 0, winnt.SE_PRIVILEGE_REMOVED)})
	}
	c.text = fmt.Sprintf("%s(%s, all %t, %v, previous %t %d)", c.name("AdjustPrivilegesToken"), h, all, changes, previous, length)
	c.model = func() Result { return p.M.AdjustPrivileges(p.caller(c), h, all, changes, previous, length) }
	c.kernel = func() Result {
		in := nt.AdjustPrivilegesTokenIn{TokenHandle: h, DisableAllPrivileges: all, BufferLength: length, WantPrevious: previous}
		for _, ch := range changes {
			in.NewState.V = append(in.NewState.V, nt.LUIDAndAttributes{LUID: ch.Privilege.LUID(), Attributes: ch.Attributes})
		}
		out, st := p.services(c).NtAdjustPrivilegesToken(in)
		r := Result{Status: st}
		if st.IsSuccess() {
			for _, l := range out.PreviousState {
				r.Number |= 1 << l.LUID
			}
		}
		return r
	}
	return true
}

func setThreadToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	thread, tok := p.handle(c, a, isThread, winnt.NtCurrentThread), p.handle(c, a, isToken)
	if a.coin(8) {
		tok = 0
	}
	if s, st := p.M.reference(p.caller(c), thread, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.text = fmt.Sprintf("%s(%s, ThreadImpersonationToken, %s)", c.name("SetInformationThread"), thread, tok)
	c.model = func() Result { return p.M.SetThreadToken(p.caller(c), thread, tok) }
	c.kernel = func() Result {
		_, st := p.services(c).NtSetInformationThread(nt.SetInformationThreadIn{ThreadHandle: thread, ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformation: nt.Cap(tok), ThreadInformationLength: 8})
		return Result{Status: st}
	}
	return true
}

func (p *Pair) queryHandle(c *call, a *args) winnt.Handle {
	return p.handle(c, a, isToken, winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken)
}

func query(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.queryHandle(c, a)
	class := choose(a, winnt.TokenTypeInfo, winnt.TokenImpersonationLevel, winnt.TokenPrivileges, winnt.TokenGroups, winnt.TokenStatistics, winnt.TokenElevation, winnt.TokenIsRestricted, winnt.TokenSource)
	c.text = fmt.Sprintf("%s(%s, class %d)", c.name("QueryInformationToken"), h, class)
	c.model = func() Result {
		r := p.M.Query(p.caller(c), h, class)
		r.Token = 0
		return r
	}
	c.kernel = func() Result {
		out, st := p.services(c).NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: h, TokenInformationClass: class, TokenInformationLength: 1 << 16})
		r := Result{Status: st}
		if st.IsSuccess() {
			r.Number, r.Flag = information(out.TokenInformation)
		}
		return r
	}
	return true
}

func privilegeCheck(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, all := p.queryHandle(c, a), a.coin(2)
	var set []winnt.Privilege
	for range a.n(4) {
		set = append(set, choose(a, interesting...))
	}
	c.text = fmt.Sprintf("%s(%s, %v, all %t)", c.name("PrivilegeCheck"), h, set, all)
	c.model = func() Result { return p.M.PrivilegeCheck(p.caller(c), h, set, all) }
	c.kernel = func() Result {
		in := &nt.PrivilegeSet{}
		if all {
			in.Control = winnt.PRIVILEGE_SET_ALL_NECESSARY
		}
		for _, v := range set {
			in.Privilege = append(in.Privilege, nt.LUIDAndAttributes{LUID: v.LUID()})
		}
		out, st := p.services(c).NtPrivilegeCheck(nt.PrivilegeCheckIn{ClientToken: h, RequiredPrivileges: nt.Cap(in)})
		return Result{Status: st, Flag: out.Result}
	}
	return true
}

func accessCheck(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired := p.queryHandle(c, a), fileMask(a)
	guard := newDraw(uint64(a.op.Args[6])).guard()
	c.text = fmt.Sprintf("%s(%s, %s, %#x)", c.name("AccessCheck"), h, guard, uint32(desired))
	c.model = func() Result { return p.M.AccessCheck(p.caller(c), h, guard, desired) }
	c.kernel = func() Result {
		out, st := p.services(c).NtAccessCheck(nt.AccessCheckIn{SecurityDescriptor: nt.Cap(descriptor(guard)), ClientToken: h, DesiredAccess: desired, GenericMapping: nt.Cap(winnt.FileObject.Mapping), PrivilegeSetLength: 1 << 16})
		return Result{Status: st, Granted: out.GrantedAccess, Verdict: out.AccessStatus}
	}
	return true
}

func openFile(p *Pair, c *call, a *args) bool {
	c.mode(a)
	f, desired := choose(a, p.M.Files...), fileMask(a)
	c.text = fmt.Sprintf("%s(%q, %#x)", c.name("OpenFile"), f.Name, uint32(desired))
	c.model = func() Result { return p.M.OpenFile(p.caller(c), f, desired) }
	c.kernel = func() Result {
		out, st := p.services(c).NtOpenFile(nt.OpenFileIn{DesiredAccess: desired, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: f.Name})})
		return p.result(c, out.FileHandle, st)
	}
	return true
}

func openByID(p *Pair, c *call, a *args) bool {
	c.mode(a)
	thread := a.coin(2)
	desired := choose[winnt.AccessMask](a, 0x40, 0xC0, 0x1400, 0x1FFFFF, maximum, winnt.GENERIC_READ, 0x1000, saclBit|0x40, 0)
	id := choose(a, p.M.Processes...).ID
	if thread {
		id = choose(a, p.M.Threads...).ID
	}
	if a.coin(12) {
		id = 0x7000
	}
	c.text = fmt.Sprintf("%s(%#x, id %s)", c.name(map[bool]string{true: "OpenThread", false: "OpenProcess"}[thread]), uint32(desired), id)
	c.model = func() Result { return p.M.OpenByID(p.caller(c), id, thread, desired) }
	c.kernel = func() Result {
		if thread {
			out, st := p.services(c).NtOpenThread(nt.OpenThreadIn{DesiredAccess: desired, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ClientID: nt.Cap(&nt.ClientID{UniqueThread: id})})
			return p.result(c, out.ThreadHandle, st)
		}
		out, st := p.services(c).NtOpenProcess(nt.OpenProcessIn{DesiredAccess: desired, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ClientID: nt.Cap(&nt.ClientID{UniqueProcess: id})})
		return p.result(c, out.ProcessHandle, st)
	}
	return true
}

func closeHandle(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, (*Slot).used)
	c.text = fmt.Sprintf("%s(%s)", c.name("Close"), h)
	c.model = func() Result { return p.M.Close(p.caller(c), h) }
	c.kernel = func() Result {
		_, st := p.services(c).NtClose(nt.CloseIn{Handle: h})
		return Result{Status: st}
	}
	return true
}

// other draws a thread that a kernel routine works on.
func (p *Pair) other(c *call, a *args) int {
	c.target = a.n(len(p.threads))
	return c.target
}

func save(p *Pair, c *call, _ *args) bool {
	if len(p.tickets[c.thread]) > 3 {
		return false
	}
	c.text = fmt.Sprintf("t%d: save the impersonation", c.thread)
	c.model = func() Result { return p.M.Save(p.M.Threads[c.thread]) }
	c.kernel = func() Result {
		p.tickets[c.thread] = append(p.tickets[c.thread], p.threads[c.thread].Services().SaveImpersonation())
		return Result{}
	}
	return true
}

func restoreTicket(p *Pair, c *call, a *args) bool {
	n := len(p.tickets[c.thread])
	if n == 0 {
		return false
	}
	i := a.n(n)
	c.target = c.thread
	c.text = fmt.Sprintf("t%d: put the saved impersonation %d back", c.thread, i)
	c.model = func() Result { return p.M.RestoreTicket(p.M.Threads[c.thread], i) }
	c.kernel = func() Result {
		list := p.tickets[c.thread]
		p.threads[c.thread].Services().RestoreImpersonation(list[i])
		p.tickets[c.thread] = append(list[:i:i], list[i+1:]...)
		return Result{}
	}
	return true
}

func impersonate(p *Pair, c *call, a *args) bool {
	t, copyOnOpen, effective, level := p.other(c, a), a.coin(2), a.coin(3), winnt.SecurityImpersonationLevel(choose(a, 0, 1, 2, 2, 2, 3, 3, 4))
	i := -1
	if n := len(p.held); n > 0 && !a.coin(12) {
		i = a.n(n)
	}
	c.text = fmt.Sprintf("PsImpersonateClient(t%d, held %d, CopyOnOpen %t, EffectiveOnly %t, %d)", t, i, copyOnOpen, effective, level)
	c.model = func() Result {
		var tok *Token
		if i >= 0 {
			tok = p.M.Held[i]
		}
		return p.M.Impersonate(p.M.Threads[t], tok, copyOnOpen, effective, level)
	}
	c.kernel = func() Result {
		var tok *kernel.AccessToken
		if i >= 0 {
			tok = p.held[i]
		}
		return Result{Status: p.modes[c.thread].PsImpersonateClient(p.objects[t], tok, copyOnOpen, effective, level)}
	}
	return true
}

func revert(p *Pair, c *call, a *args) bool {
	c.target = c.thread
	c.text = fmt.Sprintf("t%d.PsRevertToSelf()", c.thread)
	c.model = func() Result { p.M.Threads[c.thread].Record = nil; return Result{} }
	c.kernel = func() Result { p.modes[c.thread].PsRevertToSelf(); return Result{} }
	return true
}

func disable(p *Pair, c *call, a *args) bool {
	if len(p.saved) > 5 {
		return false
	}
	t := p.other(c, a)
	c.text = fmt.Sprintf("PsDisableImpersonation(t%d)", t)
	c.model = func() Result { return p.M.Disable(p.M.Threads[t]) }
	c.kernel = func() Result {
		s, active := p.modes[c.thread].PsDisableImpersonation(p.objects[t])
		p.saved, p.from = append(p.saved, s), append(p.from, t)
		return Result{Flag: active}
	}
	return true
}

func restore(p *Pair, c *call, a *args) bool {
	if len(p.saved) == 0 {
		return false
	}
	i := a.n(len(p.saved))
	t := p.from[i]/2*2 + a.n(2) // a thread of the process that accepted the token: another has made no decision about it
	c.target = t
	c.text = fmt.Sprintf("PsRestoreImpersonation(t%d, saved %d)", t, i)
	c.model = func() Result { return p.M.Restore(p.M.Threads[t], i) }
	c.kernel = func() Result {
		p.modes[c.thread].PsRestoreImpersonation(p.objects[t], p.saved[i])
		p.saved = append(p.saved[:i:i], p.saved[i+1:]...)
		p.from = append(p.from[:i:i], p.from[i+1:]...)
		return Result{}
	}
	return true
}

func reference(p *Pair, c *call, a *args) bool {
	if len(p.held) > 12 {
		return false
	}
	if a.coin(4) {
		i := a.n(len(p.processes))
		c.text = fmt.Sprintf("PsReferencePrimaryToken(p%d)", i)
		c.model = func() Result { return p.M.ReferencePrimary(p.M.Processes[i]) }
		c.kernel = func() Result {
			o := p.modes[c.thread].PsReferencePrimaryToken(p.processes[i].Object())
			p.held = append(p.held, o)
			return Result{Token: p.id(o)}
		}
		return true
	}
	t := a.n(len(p.threads))
	c.text = fmt.Sprintf("PsReferenceImpersonationToken(t%d)", t)
	c.model = func() Result { return p.M.ReferenceImpersonation(p.M.Threads[t]) }
	c.kernel = func() Result {
		o, copyOnOpen, effective, level := p.modes[c.thread].PsReferenceImpersonationToken(p.objects[t])
		if o == nil {
			return Result{}
		}
		p.held = append(p.held, o)
		n := uint64(level) << 2
		if copyOnOpen {
			n |= 1
		}
		if effective {
			n |= 2
		}
		return Result{Token: p.id(o), Number: n, Flag: true}
	}
	return true
}

func dereference(p *Pair, c *call, a *args) bool {
	if len(p.held) < 6 {
		return false
	}
	i := a.n(len(p.held))
	c.text = fmt.Sprintf("PsDereferenceImpersonationToken(held %d)", i)
	c.model = func() Result { return p.M.Dereference(i) }
	c.kernel = func() Result {
		o := p.held[i]
		p.held = append(p.held[:i:i], p.held[i+1:]...)
		p.modes[c.thread].PsDereferenceImpersonationToken(o)
		return Result{}
	}
	return true
}

func capture(p *Pair, c *call, a *args) bool {
	if len(p.contexts) > 5 {
		return false
	}
	t, dynamic, remote := a.n(len(p.threads)), a.coin(2), a.coin(5)
	q := QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 2, 2, 3, 4), a.coin(3)}
	c.text = fmt.Sprintf("t%d.SeCreateClientSecurity(t%d, %+v, dynamic %t, remote %t)", c.thread, t, q, dynamic, remote)
	c.model = func() Result { return p.M.Capture(p.M.Threads[t], q, dynamic, remote, p.M.Threads[c.thread].Process) }
	c.kernel = func() Result {
		ctx, st := p.modes[c.thread].SeCreateClientSecurity(p.objects[t], nt.SecurityQualityOfService{ImpersonationLevel: q.Level, ContextTrackingMode: dynamic, EffectiveOnly: q.EffectiveOnly}, remote)
		if !st.IsSuccess() {
			return Result{Status: st}
		}
		p.contexts = append(p.contexts, ctx)
		return Result{Status: st, Token: p.id(ctx.Token), Flag: ctx.EffectiveOnly}
	}
	return true
}

func impersonateContext(p *Pair, c *call, a *args) bool {
	if len(p.contexts) == 0 {
		return false
	}
	i, t := a.n(len(p.contexts)), p.other(c, a)
	c.text = fmt.Sprintf("SeImpersonateClientEx(context %d, t%d)", i, t)
	c.model = func() Result { return p.M.ImpersonateContext(i, p.M.Threads[t]) }
	c.kernel = func() Result {
		return Result{Status: p.modes[c.thread].SeImpersonateClientEx(p.contexts[i], p.objects[t])}
	}
	return true
}

func deleteContext(p *Pair, c *call, a *args) bool {
	if len(p.contexts) == 0 {
		return false
	}
	i := a.n(len(p.contexts))
	c.text = fmt.Sprintf("SeDeleteClientSecurity(context %d)", i)
	c.model = func() Result { return p.M.DeleteContext(i) }
	c.kernel = func() Result {
		ctx := p.contexts[i]
		p.contexts = append(p.contexts[:i:i], p.contexts[i+1:]...)
		p.modes[c.thread].SeDeleteClientSecurity(ctx)
		return Result{}
	}
	return true
}

func captureSubject(p *Pair, c *call, _ *args) bool {
	if len(p.subjects) > 3 {
		return false
	}
	c.text = fmt.Sprintf("t%d.SeCaptureSubjectContext()", c.thread)
	c.model = func() Result { return p.M.CaptureSubject(p.M.Threads[c.thread]) }
	c.kernel = func() Result {
		s := p.modes[c.thread].SeCaptureSubjectContext()
		p.subjects = append(p.subjects, s)
		return Result{Flag: s.Client != nil}
	}
	return true
}

func checkSubject(p *Pair, c *call, a *args) bool {
	if len(p.subjects) == 0 {
		return false
	}
	i, desired := a.n(len(p.subjects)), fileMask(a)&^reserved
	guard := newDraw(uint64(a.op.Args[6])).guard()
	c.text = fmt.Sprintf("SeAccessCheck(subject %d, %s, %#x)", i, guard, uint32(desired))
	c.model = func() Result { return p.M.CheckSubject(i, guard, desired) }
	c.kernel = func() Result {
		out := p.modes[c.thread].SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(descriptor(guard)), SubjectSecurityContext: p.subjects[i], DesiredAccess: desired, GenericMapping: nt.Cap(winnt.FileObject.Mapping)})
		return Result{Granted: out.GrantedAccess, Verdict: out.AccessStatus, Flag: out.Result}
	}
	return true
}

func releaseSubject(p *Pair, c *call, a *args) bool {
	if len(p.subjects) == 0 {
		return false
	}
	i := a.n(len(p.subjects))
	c.text = fmt.Sprintf("SeReleaseSubjectContext(subject %d)", i)
	c.model = func() Result { return p.M.ReleaseSubject(i) }
	c.kernel = func() Result {
		s := p.subjects[i]
		p.subjects = append(p.subjects[:i:i], p.subjects[i+1:]...)
		p.modes[c.thread].SeReleaseSubjectContext(s)
		return Result{}
	}
	return true
}

func limit(p *Pair, c *call, a *args) bool {
	if !a.coin(4) { // rarely: it lasts
		return false
	}
	i, flags := a.n(len(p.processes)), choose[uint32](a, 1, 1, 2)
	c.text = fmt.Sprintf("p%d into a job with limits %d", i, flags)
	c.model = func() Result { return p.M.Limit(p.M.Processes[i], flags) }
	c.kernel = func() Result { return Result{Status: p.processes[i].AssignToJob(kernel.JobSecurity{Flags: flags})} }
	return true
}

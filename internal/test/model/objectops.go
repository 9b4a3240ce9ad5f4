package model

import (
	"fmt"
	"reflect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// slot returns the object of a handle for calls that need no right and accept any type. in is the handle's place in
// its table, or nil for a pseudo handle.
func (m *Machine) slot(c Caller, h winnt.Handle) (s Slot, in *Slot, st ntstatus.Status) {
	s, st = m.reference(c, h, 0, (*Slot).used)
	if t := m.table(c, h); t != nil {
		in = t.Find(h)
	}
	return s, in, st
}

// setObject draws a call that sets the two flags of a handle. It needs no right (O-63).
func setObject(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess)
	flags := nt.HandleFlagInformation{Inherit: a.coin(2), ProtectFromClose: a.coin(3)}
	class, length := choose(a, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 2, 5), choose[uint32](a, 2, 2, 2, 2, 2, 2, 2, 2, 1, 3)
	c.text = fmt.Sprintf("%s(%s, class %d, %+v, %d)", c.name("SetInformationObject"), h, class, flags, length)
	c.model = func() Result {
		_, in, _ := p.M.slot(p.caller(c), h)
		if r, over := refuse("NtSetInformationObject",
			when("O-63", "a class", ntstatus.InvalidInfoClass, func() bool { return class != 4 }),
			when("O-63", "the length", ntstatus.InfoLengthMismatch, func() bool { return length != 2 }),
			// A pseudo handle has no flags.
			when("O-63", "is not a valid handle", ntstatus.InvalidHandle, func() bool { return in == nil })); over {
			return r
		}
		in.Inherit, in.Protect = flags.Inherit, flags.ProtectFromClose
		return Result{}
	}
	c.kernel = func() Result {
		_, st := p.services(c).NtSetInformationObject(nt.SetInformationObjectIn{Handle: h,
			ObjectInformationClass: nt.ObjectInfoClass(class), ObjectInformation: nt.Cap(flags),
			ObjectInformationLength: length})
		return Result{Status: st}
	}
	return true
}

// compareObjects draws a call of NtCompareObjects, often with two handles of the same object.
func compareObjects(p *Pair, c *call, a *args) bool {
	c.mode(a)
	first := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess, winnt.NtCurrentThread)
	second := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess, winnt.NtCurrentThread)
	if a.coin(3) {
		// Another handle of what the first names, where there is one.
		if s, _, st := p.M.slot(p.caller(c), first); st == ntstatus.Success {
			second = p.handle(c, a, func(o *Slot) bool { return o.object() == s.object() }, first)
		}
	}
	c.text = fmt.Sprintf("%s(%s, %s)", c.name("CompareObjects"), first, second)
	c.model = func() Result {
		var x, y Slot
		r, _ := refuse("NtCompareObjects",
			p.M.handle(p.caller(c), "O-31", "one of the values", first, 0, (*Slot).used, &x),
			p.M.handle(p.caller(c), "O-31", "one of the values", second, 0, (*Slot).used, &y),
			when("O-31", "different objects", ntstatus.NotSameObject, func() bool { return x.object() != y.object() }))
		return r
	}
	c.kernel = func() Result {
		_, st := p.services(c).NtCompareObjects(nt.CompareObjectsIn{FirstObjectHandle: first,
			SecondObjectHandle: second})
		return Result{Status: st}
	}
	return true
}

// handlesOf counts the handles of an object in all tables.
func (m *Machine) handlesOf(o any) (n uint32) {
	for _, t := range m.tables() {
		for i := range t.Slots {
			if t.Slots[i].used() && t.Slots[i].object() == o {
				n++
			}
		}
	}
	return n
}

// factOf returns the result of NtQueryObject for a class (O-60 to O-62), its size, and whether the caller's length
// must equal it. It counts references only for tokens, because the model has no others.
func (m *Machine) factOf(s *Slot, class nt.ObjectInfoClass) (fact any, need uint32, exact bool) {
	k, name := s.kind(), ""
	if s.File != nil {
		name = s.File.path()
	}
	names, typ := uint32(16), 104+2*uint32(len(k.name)+1)
	if name != "" {
		names += 2 * uint32(len(name)+1)
	}
	switch class {
	case nt.ObjectBasicInformation:
		b := nt.BasicInformation{Attributes: s.attributes(), GrantedAccess: s.Granted,
			HandleCount: m.handlesOf(s.object()), TypeInfoSize: typ}
		if s.Token != nil {
			refs, _ := m.References(s.Token)
			b.PointerCount = uint32(refs)
		}
		if s.File != nil { // made for as long as the system runs
			b.Attributes, b.NameInfoSize = b.Attributes|winnt.OBJ_PERMANENT, names
		}
		if d := s.guard(); d != nil {
			b.SecurityDescriptorSize = d.size()
		}
		return b, 56, true
	case nt.ObjectNameInformation:
		return name, names, false
	case nt.ObjectTypeInformation:
		return nt.TypeInformation{TypeName: k.name, InvalidAttributes: k.invalid,
				GenericMapping: winnt.GenericMapping{Read: k.read, Write: k.write, Execute: k.execute,
					All: k.all},
				ValidAccessMask: k.valid, SecurityRequired: s.File == nil && s.Thing == nil}, typ,
			false
	}
	return nt.HandleFlagInformation{Inherit: s.Inherit, ProtectFromClose: s.Protect}, 2, true
}

// size returns the size of the descriptor's self-relative form in bytes.
func (d *Descriptor) size() uint32 {
	_, n := tell(d.Owner, d.Group, list(d.Entries, !d.NoDACL), d.sacl())
	return uint32(n)
}

// queryObject draws a call of NtQueryObject.
func queryObject(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess, winnt.NtCurrentThread)
	class := choose[nt.ObjectInfoClass](a, 0, 0, 0, 1, 2, 4, 4, 5)
	off := choose[int32](a, 0, 0, 0, 0, -1, 1)
	c.text = fmt.Sprintf("%s(%s, class %d, length %+d)", c.name("QueryObject"), h, class, off)
	var fact any
	var length uint32
	var token bool
	c.model = func() Result {
		var s Slot
		var need uint32
		if r, over := refuse("NtQueryObject",
			when("O-60", "class", ntstatus.InvalidInfoClass, func() bool { return class > 4 }),
			p.M.handle(p.caller(c), "O-60", "Handle", h, 0, (*Slot).used, &s),
			refusal{rule: "O-61", text: "", ends: func() (Result, bool) {
				var exact bool
				fact, need, exact = p.M.factOf(&s, class)
				token, length = s.Token != nil, uint32(int32(need)+off)
				return Result{Status: ntstatus.InfoLengthMismatch, Number: uint64(need)}, off < 0 || off > 0 && exact
			}}); over {
			return r
		}
		return Result{Flag: true, Number: uint64(need)}
	}
	c.kernel = func() Result {
		out, st := p.services(c).NtQueryObject(nt.QueryObjectIn{Handle: h, ObjectInformationClass: class,
			ObjectInformationLength: length})
		if b, ok := out.ObjectInformation.(nt.BasicInformation); ok && !token {
			b.PointerCount = 0
			out.ObjectInformation = b
		}
		return Result{Status: st, Number: uint64(out.ReturnLength),
			Flag: st.IsSuccess() && reflect.DeepEqual(out.ObjectInformation, fact)}
	}
	return true
}

package model

import (
	"fmt"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Parts of a descriptor.
const (
	ownerPart = 1
	groupPart = 2
	daclPart  = 4
	saclPart  = 8
	labelPart = 0x10
	allParts  = 0x10000 // BACKUP
)

// rights returns the rights that a handle must grant. Each row is a set of parts and the rights that they need.
func rights(info uint32, rows ...[2]uint32) (m winnt.AccessMask) {
	for _, row := range rows {
		if info&row[0] != 0 {
			m |= winnt.AccessMask(row[1])
		}
	}
	return m
}

// tell prints the parts of a descriptor and returns the size of its self-relative form in bytes.
func tell(owner, group Name, dacl, sacl *sd.ACL) (string, uint64) {
	n := 20
	for _, part := range []Name{owner, group} {
		if part != "" {
			n += sids[part].Len()
		}
	}
	for _, l := range []*sd.ACL{dacl, sacl} {
		if l != nil {
			n += l.Size()
		}
	}
	return fmt.Sprintf("%s %s %x %x", sids[owner], sids[group], comparable(dacl), comparable(sacl)), uint64(n)
}

// sacl returns the SACL with the descriptor's label, an empty SACL, or nil for none.
func (d *Descriptor) sacl() *sd.ACL {
	switch {
	case d.Policy != 0:
		return must(sd.NewACL(must(sd.NewACE(sd.SystemMandatoryLabel, 0, winnt.AccessMask(d.Policy),
			se.IntegritySID(d.Label)))))
	case d.EmptySACL:
		return must(sd.NewACL())
	}
	return nil
}

// QuerySecurity models NtQuerySecurityObject (O-64). short means a buffer that is one byte too small.
func (m *Machine) QuerySecurity(c Caller, h winnt.Handle, info uint32, short bool) (r Result, length uint32) {
	want := rights(info, [2]uint32{ownerPart | groupPart | daclPart | labelPart | allParts, 0x20000},
		[2]uint32{saclPart | allParts, uint32(saclBit)})
	var s Slot
	if r, over := refuse("NtQuerySecurityObject", m.handle(c, "O-31", "Handle", h, want, (*Slot).used, &s),
		refusal{rule: "O-64", text: "too small", ends: func() (Result, bool) {
			r, length = s.security(info)
			return Result{Status: ntstatus.BufferTooSmall, Number: r.Number}, short
		}}); over {
		return r, max(length, 1) - 1
	}
	return r, length
}

// security prints the requested parts of an object's descriptor and returns their size in bytes.
func (s *Slot) security(info uint32) (r Result, length uint32) {
	if info&allParts != 0 {
		info |= 15
	}
	owner, group := Name(""), Name("")
	var dacl, sacl *sd.ACL
	if d := s.guard(); d != nil {
		if info&ownerPart != 0 {
			owner = d.Owner
		}
		if info&groupPart != 0 {
			group = d.Group
		}
		if info&daclPart != 0 {
			dacl = list(d.Entries, !d.NoDACL)
		}
		if info&(saclPart|labelPart) != 0 {
			sacl = d.sacl()
		}
	}
	r.Out, r.Number = tell(owner, group, dacl, sacl)
	return r, uint32(r.Number)
}

// SetSecurity models NtSetSecurityObject (O-65).
func (m *Machine) SetSecurity(c Caller, h winnt.Handle, info uint32, given *Descriptor) Result {
	want := rights(info, [2]uint32{ownerPart | groupPart | labelPart | allParts, 0x80000},
		[2]uint32{daclPart | allParts, 0x40000}, [2]uint32{saclPart | allParts, uint32(saclBit)})
	who := c.subject()
	all := uint32(0) // the parts that a backup has
	if info&allParts != 0 {
		all = 15
	}
	var s Slot
	if r, over := refuse("NtSetSecurityObject",
		m.handle(c, "O-31", "Handle", h, want, (*Slot).used, &s),
		when("O-65", "has no owner or group, which", ntstatus.InvalidSecurityDescr, func() bool {
			return info&ownerPart != 0 && given.Owner == "" || info&groupPart != 0 && given.Group == ""
		}),
		when("O-65", "no descriptor", ntstatus.NoSecurityOnObject, func() bool { return s.guard() == nil }),
		when("S-61", "", ntstatus.InvalidOwner, func() bool {
			return (info|all)&ownerPart != 0 &&
				(given.Owner == "" || !c.may(winnt.SeRestorePrivilege) && !who.token.mayOwn(given.Owner))
		}),
		when("S-73", "", ntstatus.InvalidPrimaryGroup, func() bool { return all&groupPart != 0 && given.Group == "" }),
		when("O-65", "a label above", ntstatus.PrivilegeNotHeld, func() bool {
			return (info|all)&(saclPart|labelPart) != 0 && given.Policy != 0 && given.Label > who.token.Integrity &&
				!c.may(winnt.SeRelabelPrivilege)
		})); over {
		return r
	}
	n := *s.guard()
	if info |= all; info&ownerPart != 0 {
		n.Owner = given.Owner
	}
	if info&groupPart != 0 {
		n.Group = given.Group
	}
	if info&daclPart != 0 {
		// A list that is not given is taken away (S-73).
		n.NoDACL, n.Entries = given.NoDACL || given.Silent, mapEntries(given.Entries, s.kind())
	}
	if info&(saclPart|labelPart) != 0 && s.Token == nil { // a token keeps its label (O-39)
		n.Label, n.Policy = given.Label, given.Policy
		// Without a label a list without entries is left (S-74).
		n.EmptySACL = info&saclPart == 0 && given.Policy == 0
	}
	switch {
	case s.Token != nil:
		s.Token.Guard = &n
		s.Token.Changes++
	case s.Thread != nil:
		s.Thread.Guard = &n
	case s.Process != nil:
		s.Process.Guard = &n
	case s.Job != nil:
		s.Job.Guard = &n
	default:
		s.File.Guard = &n
	}
	return Result{}
}

// givesOwner returns the refusal of a descriptor whose owner the creator cannot assign (S-61).
func (c Caller) givesOwner(guard *Descriptor) refusal {
	return when("S-61", "", ntstatus.InvalidOwner, func() bool {
		return guard != nil && guard.Owner != "" && !c.may(winnt.SeRestorePrivilege) &&
			!c.subject().token.mayOwn(guard.Owner)
	})
}

// mayOwn reports whether a token may assign a SID as owner (S-61): its user, its default owner, or an enabled group
// with SE_GROUP_OWNER.
func (v *Value) mayOwn(n Name) bool {
	if n == v.User || n == v.Owner {
		return true
	}
	for _, g := range v.Groups {
		if g.Name == n && g.MayOwn && g.Enabled && !g.DenyOnly {
			return true
		}
	}
	return false
}

// parts draws the parts of a descriptor that a call asks for.
func (a *args) parts() uint32 {
	return choose[uint32](a, ownerPart, groupPart, daclPart, daclPart, saclPart, labelPart, ownerPart|groupPart|daclPart,
		daclPart|labelPart, allParts, 0)
}

// guarded draws a handle for a call that needs rights to a descriptor.
func (p *Pair) guarded(c *call, a *args, want winnt.AccessMask) winnt.Handle {
	if a.coin(5) {
		want = 0
	}
	kinds := []func(*Slot) bool{isToken, isThread, isProcess, isJob, func(s *Slot) bool {
		return s.File != nil || s.Thing != nil
	}}
	is := choose(a, kinds...)
	return p.handle(c, a, func(s *Slot) bool { return is(s) && want&^s.Granted == 0 }, winnt.NtCurrentProcess,
		winnt.NtCurrentThread)
}

// querySecurity draws a call of NtQuerySecurityObject.
func querySecurity(p *Pair, c *call, a *args) bool {
	c.mode(a)
	info, short := a.parts(), a.coin(5)
	h := p.guarded(c, a, winnt.READ_CONTROL)
	c.text = fmt.Sprintf("%s(%s, parts %#x, short %t)", c.name("QuerySecurityObject"), h, info, short)
	var length uint32
	c.model = func() (r Result) {
		r, length = p.M.QuerySecurity(p.caller(c), h, info, short)
		return r
	}
	c.kernel = func() Result {
		out, st := p.services(c).NtQuerySecurityObject(nt.QuerySecurityObjectIn{Handle: h,
			SecurityInformation: nt.SecurityInformation(info), Length: length})
		r := Result{Status: st, Number: uint64(out.LengthNeeded)}
		if d := out.SecurityDescriptor; st.IsSuccess() {
			r.Out = fmt.Sprintf("%s %s %x %x", d.Owner(), d.Group(), comparable(d.DACL()), comparable(d.SACL()))
		}
		return r
	}
	return true
}

// setSecurity draws a call of NtSetSecurityObject.
func setSecurity(p *Pair, c *call, a *args) bool {
	c.mode(a)
	info := a.parts()
	h := p.guarded(c, a, 0xC0000)
	given := newDraw(uint64(a.op.Args[6])).guard()
	if who := p.M.Threads[c.thread].subject().token; !a.coin(3) {
		// mostly one that the caller may assign, or nearly
		names := []Name{who.User, who.Owner}
		for _, g := range who.Groups {
			if g.MayOwn {
				names = append(names, g.Name)
			}
		}
		given.Owner = choose(a, names...)
	}
	switch a.n(12) {
	case 0:
		given.Owner = ""
	case 1:
		given.Group = ""
	case 2:
		given.Silent, given.NoDACL, given.Entries = true, false, nil
	}
	c.text = fmt.Sprintf("%s(%s, parts %#x, group %s, %s)", c.name("SetSecurityObject"), h, info, given.Group, given)
	c.model = func() Result { return p.M.SetSecurity(p.caller(c), h, info, given) }
	c.kernel = func() Result {
		_, st := p.services(c).NtSetSecurityObject(nt.SetSecurityObjectIn{Handle: h,
			SecurityInformation: nt.SecurityInformation(info), SecurityDescriptor: nt.Cap(descriptor(given))})
		return Result{Status: st}
	}
	return true
}

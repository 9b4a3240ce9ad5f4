package model

import (
	"fmt"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// privilegeSet prints a privilege set, nil as "-".
func privilegeSet(s *nt.PrivilegeSet) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%d %s", s.Control, printed(s.Privilege))
}

// marked returns the set after a privilege check, which marks the enabled privileges as used and no others (T-101).
func (v *Value) marked(set *nt.PrivilegeSet) (*nt.PrivilegeSet, bool) {
	out, n := &nt.PrivilegeSet{Control: set.Control}, 0
	for _, l := range set.Privilege {
		if l.Attributes &^= winnt.SE_PRIVILEGE_USED_FOR_ACCESS; v.Enabled.has(winnt.Privilege(l.LUID)) {
			l.Attributes |= winnt.SE_PRIVILEGE_USED_FOR_ACCESS
			n++
		}
		out.Privilege = append(out.Privilege, l)
	}
	if set.Control&winnt.PRIVILEGE_SET_ALL_NECESSARY != 0 {
		return out, n == len(set.Privilege)
	}
	return out, n > 0
}

// privilegeSet draws the privileges that a check asks for.
func (a *args) privilegeSet() *nt.PrivilegeSet {
	set := &nt.PrivilegeSet{Control: uint32(a.n(2))}
	for range a.n(4) {
		set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: choose(a, interesting...).LUID(),
			Attributes: choose[uint32](a, 0, 0, 2, 0x80000000)})
	}
	return set
}

// privilegeCheck draws a call of NtPrivilegeCheck.
func privilegeCheck(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, set := p.queryHandle(c, a), a.privilegeSet()
	c.text = fmt.Sprintf("%s(%s, %+v)", c.name("PrivilegeCheck"), h, *set)
	c.model = func() Result {
		var t *Token
		if r, over := refuse("NtPrivilegeCheck", p.M.query(p.caller(c), "O-15", "", h, winnt.TOKEN_QUERY, &t),
			when("T-101", "below SecurityIdentification", ntstatus.BadImpersonationLevel, func() bool {
				return t.Value.Type == winnt.TokenImpersonation && t.Value.Level < 1
			})); over {
			return r
		}
		found, ok := t.Value.marked(set)
		return Result{Flag: ok, Out: privilegeSet(found)}
	}
	c.kernel = func() Result {
		out, st := p.services(c).NtPrivilegeCheck(nt.PrivilegeCheckIn{ClientToken: h, RequiredPrivileges: nt.Cap(set)})
		if !st.IsSuccess() {
			return failed(st)
		}
		return Result{Status: st, Flag: out.Result, Out: privilegeSet(out.RequiredPrivileges)}
	}
	return true
}

// subjectPrivileges draws a check of the privileges of the calling thread, or of a captured subject (T-102).
func subjectPrivileges(p *Pair, c *call, a *args) bool {
	mode := choose(a, kernel.UserMode, kernel.UserMode, kernel.UserMode, kernel.KernelMode)
	if len(p.subjects) == 0 || a.coin(3) {
		v := choose(a, interesting...)
		c.text = fmt.Sprintf("t%d.SeSinglePrivilegeCheck(%s, %s)", c.thread, v, mode)
		c.model = func() Result {
			return Result{Flag: mode == kernel.KernelMode || p.M.Threads[c.thread].subject().holds(v)}
		}
		c.kernel = func() Result {
			return Result{Flag: p.modes[c.thread].SeSinglePrivilegeCheck(v.LUID(), mode)}
		}
		return true
	}
	i, set := a.n(len(p.subjects)), a.privilegeSet()
	c.text = fmt.Sprintf("SePrivilegeCheck(subject %d, %+v, %s)", i, *set, mode)
	c.model = func() Result {
		s := p.M.Subjects[i].subject()
		switch {
		case mode == kernel.KernelMode:
			return Result{Flag: true, Out: privilegeSet(set)}
		case s.client && s.level < 2:
			return Result{Out: privilegeSet(set)}
		}
		found, ok := s.token.marked(set)
		return Result{Flag: ok, Out: privilegeSet(found)}
	}
	c.kernel = func() Result {
		found, ok := p.modes[c.thread].SePrivilegeCheck(set, p.subjects[i], mode)
		return Result{Flag: ok, Out: privilegeSet(found)}
	}
	return true
}

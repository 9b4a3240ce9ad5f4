package model

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// CreateToken models NtCreateToken (T-10 to T-12) of a value whose identifiers, parent,
// origin, session, policy and integrity the service gives.
func (m *Machine) CreateToken(c Caller, v Value, desired winnt.AccessMask, attributes uint32, q *QOS,
	guard *Descriptor) Result {
	i := func(n Name) *Group {
		for i := range v.Groups {
			if v.Groups[i].Name == n {
				return &v.Groups[i]
			}
		}
		return nil
	}
	owner := i(v.Owner)
	o := c.creates(&tokenKind, desired)
	if r, over := refuse("NtCreateToken", append(o.creation(),
		when("O-22", "", ntstatus.InvalidParameter, func() bool { return attributes&^0x1FF2 != 0 }),
		exclusiveInherited(attributes),
		when("T-40", "", ntstatus.InvalidParameter, func() bool { return q != nil && q.Level > 3 }),
		when("T-10", "TokenType", ntstatus.BadTokenType, func() bool {
			return v.Type != winnt.TokenPrimary && v.Type != winnt.TokenImpersonation
		}),
		when("T-10", "SeCreateTokenPrivilege", ntstatus.PrivilegeNotHeld, func() bool {
			return !c.may(winnt.SeCreateTokenPrivilege)
		}),
		when("T-10", "without a quality of service", ntstatus.BadImpersonationLevel, func() bool {
			return v.Type == winnt.TokenImpersonation && q == nil
		}),
		// A token needs a session that exists (T-5), and its groups are among those that it has (T-11).
		when("T-5", "", ntstatus.NoSuchLogonSession, func() bool { return v.Logon != 0x3E7 && v.Logon != 0x3E6 }),
		when("T-11", "PrimaryGroup", ntstatus.InvalidPrimaryGroup, func() bool {
			return v.Primary != v.User && i(v.Primary) == nil
		}),
		when("T-11", "Owner", ntstatus.InvalidOwner, func() bool {
			return v.Owner != v.User && (owner == nil || !owner.MayOwn)
		}),
		c.givesOwner(guard))...); over {
		return r
	}
	o.grant()
	m.modified++
	v.Modified, v.Session, v.Policy, v.Integrity = m.modified, c.Process.Primary.Value.Session, 3, medium
	if v.Level = 0; v.Type == winnt.TokenImpersonation {
		v.Level = q.Level
	}
	t := m.newToken(v, defaultGuard(c.subject().token, &tokenKind, guard), nil)
	return m.opened(c, t, o.granted, attributes)
}

// given draws a value for NtCreateToken.
func (d draw) given() Value {
	v := d.value(pick(d, users...))
	n := Value{User: v.User, Owner: v.Owner, Primary: v.Primary, Groups: v.Groups, Held: v.Held, Enabled: v.Enabled,
		ByDefault: v.ByDefault, Default: v.Default, FromSystem: d.coin(4), Type: winnt.TokenType(1 + d.IntN(2)),
		Logon: pick[uint64](d, 0x3E7, 0x3E7, 0x3E6), Elevation: winnt.TokenElevationTypeDefault}
	switch d.IntN(12) {
	case 0:
		n.Logon = 0x7777
	case 1:
		n.Primary = Limit
	case 2:
		n.Owner = Limit
	case 3:
		n.Type = pick[winnt.TokenType](d, 0, 3)
	}
	return n
}

// createToken draws a call of NtCreateToken, mostly by a thread with the privilege for it.
func createToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	p.able(c, a, winnt.SeCreateTokenPrivilege)
	d := newDraw(uint64(a.op.Args[6]))
	v, guard, desired := d.given(), (*Descriptor)(nil), tokenMask(a)
	attributes := choose[uint32](a, 0, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x8000, 0x22)
	if a.coin(3) {
		guard = d.guard()
		guard.Label, guard.Policy = 0, 0
	}
	var q *QOS
	if !a.coin(8) {
		q = &QOS{Level: choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 3, 2, 3, 4)}
	}
	c.text = fmt.Sprintf("%s(%s, primary group %s, %#x, %#x, qos %+v, %s)", c.name("CreateToken"), v, v.Primary,
		uint32(desired), attributes, q, guard)
	c.model = func() Result { return p.M.CreateToken(p.caller(c), v.copy(), desired, attributes, q, guard) }
	c.kernel = func() Result {
		oa := &nt.ObjectAttributes{Attributes: attributes, SecurityDescriptor: descriptor(guard)}
		if q != nil {
			oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: q.Level}
		}
		user, source := v.user(), token.Source{}
		if v.FromSystem {
			source.Name = token.SystemSource
		}
		groups := []token.Group{}
		for _, g := range v.Groups {
			groups = append(groups, group(g.Name, g.attributes()))
		}
		out, st := p.services(c).NtCreateToken(nt.CreateTokenIn{DesiredAccess: desired, ObjectAttributes: nt.Cap(oa),
			TokenType: v.Type, AuthenticationID: nt.Cap(winnt.LUID(v.Logon)), User: nt.Cap(&user),
			Groups: nt.Cap(groups), Privileges: nt.Cap(v.privileges()), Owner: nt.Cap(sids[v.Owner]),
			PrimaryGroup: nt.Cap(sids[v.Primary]), DefaultDACL: nt.Cap(list(v.Default, v.Default != nil)),
			Source: nt.Cap(&source)})
		return p.result(c, out.TokenHandle, st)
	}
	return true
}

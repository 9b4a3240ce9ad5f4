package model

import (
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// spec returns the kernel's form of a model token.
func spec(v *Value) token.Spec {
	s := token.Spec{
		User: v.user(), IsRestricted: v.restricted(), WriteRestricted: v.Writing, SandboxInert: v.Inert,
		Privileges:        winnt.PrivilegeSet(v.Held),
		EnabledPrivileges: winnt.PrivilegeSet(v.Enabled), DefaultPrivileges: winnt.PrivilegeSet(v.ByDefault),
		Type: v.Type, Level: v.Level, AuthenticationID: winnt.LUID(v.Logon), OriginatingLogon: winnt.LUID(v.Origin),
		ModifiedID: winnt.LUID(v.Modified), SessionID: v.Session, Flags: v.Flags,
		Integrity: se.IntegritySID(v.Integrity), MandatoryPolicy: v.Policy,
		Owner: sids[v.Owner], PrimaryGroup: sids[v.Primary],
		DefaultDACL: list(v.Default, v.Default != nil), ElevationType: v.Elevation,
	}
	if v.FromSystem {
		s.Source.Name = token.SystemSource
	}
	for _, g := range v.Groups {
		a := g.attributes()
		if a == 0 {
			a = token.GroupDisabled
		}
		s.Groups = append(s.Groups, token.Group{SID: sids[g.Name], Attributes: a})
	}
	if v.Filtered {
		s.Flags |= winnt.TOKEN_IS_FILTERED
	}
	for _, n := range v.Restricted {
		s.Restricted = append(s.Restricted, token.Group{SID: sids[n]})
	}
	for _, n := range v.Barred {
		s.Restricted = append(s.Restricted, group(n, winnt.SE_GROUP_USE_FOR_DENY_ONLY))
	}
	return s
}

func list(entries []Entry, present bool) *sd.ACL {
	if !present {
		return nil
	}
	return must(sd.NewACL(aces(entries)...))
}

// aces returns the kernel's form of the model's entries, nil for none.
func aces(entries []Entry) (out []sd.ACE) {
	for _, e := range entries {
		t := sd.AccessAllowed
		if e.Deny {
			t = sd.AccessDenied
		}
		out = append(out, must(sd.NewACE(t, 0, e.Mask, sids[e.Name])))
	}
	return out
}

// descriptor returns the kernel's form of a model descriptor.
func descriptor(d *Descriptor) *sd.Descriptor {
	if d == nil {
		return nil
	}
	p := sd.Parts{Owner: sids[d.Owner], Group: sids[d.Group], Control: sd.DACLPresent, DACL: list(d.Entries, !d.NoDACL)}
	if d.Silent {
		p.Control, p.DACL = 0, nil
	}
	if d.Policy != 0 {
		p.Control |= sd.SACLPresent
		p.SACL = must(sd.NewACL(must(sd.NewACE(sd.SystemMandatoryLabel, 0, winnt.AccessMask(d.Policy),
			se.IntegritySID(d.Label)))))
	}
	return sd.New(p)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("model: " + err.Error())
	}
	return v
}

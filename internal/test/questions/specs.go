package questions

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// groups returns groups for a token. Attributes of 0 stand for the usual ones.
func (w World) groups(n int) (out []token.Group) {
	attributes := []uint32{token.GroupDefault, token.GroupDefault, 0, 4, token.GroupDisabled,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY, 3}
	for range n {
		out = append(out, token.Group{SID: w.sid(), Attributes: pick(w, attributes)})
	}
	return out
}

// Spec returns a random token.
func (w World) Spec() token.Spec {
	s := token.Spec{Type: winnt.TokenImpersonation, Level: winnt.SecurityImpersonation}
	s.User.SID = pick(w, []sid.SID{user, other, group})
	if w.one(10) {
		s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	}
	s.Groups = w.groups(w.IntN(6))
	if w.one(2) {
		s.Groups = append(s.Groups, token.Group{SID: sid.Everyone, Attributes: token.GroupDefault})
	}
	if w.one(3) {
		ps := []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege,
			winnt.SeBackupPrivilege, winnt.SeRestorePrivilege}
		for _, p := range ps {
			if w.one(2) {
				s.Privileges |= p.Bit()
				if w.one(2) {
					s.EnabledPrivileges |= p.Bit()
				}
			}
		}
	}
	s.Integrity = sid.MustParse(pick(w, append(labels, "S-1-16-8192", "S-1-16-8192", "S-1-16-8192")))
	s.MandatoryPolicy = uint32(w.IntN(4))
	if w.one(4) {
		for _, g := range w.groups(w.IntN(4)) {
			r := token.Group{SID: g.SID}
			if len(s.Groups) > 0 && w.one(2) { // one that the token has, so that both passes meet it
				r.SID = pick(w, s.Groups).SID
			}
			if w.one(3) { // one that a second filter dropped
				r.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
			}
			s.Restricted = append(s.Restricted, r)
		}
		s.IsRestricted = true
		s.WriteRestricted = w.one(2)
	}
	if w.one(4) || s.IsRestricted && w.one(3) { // both now and then
		s.Package = pkg
		s.LowPrivilege = w.one(2)
		s.Capabilities = []token.Group{{SID: capability, Attributes: uint32(w.IntN(2)) * 4}}
		if s.Capabilities[0].Attributes == 0 {
			s.Capabilities[0].Attributes = winnt.SE_GROUP_MANDATORY
		}
	}
	if w.one(2) {
		s.UserClaims, s.DeviceClaims, s.LocalAttributes = w.claims(), w.claims(), w.claims()
		if w.one(2) || s.IsRestricted {
			s.RestrictedUserClaims, s.RestrictedDeviceClaims = w.claims(), w.claims()
		}
		s.DeviceGroups = ofDevice(w.groups(w.IntN(3)))
		for range w.IntN(2) {
			s.RestrictedDeviceGroups = append(s.RestrictedDeviceGroups, token.Group{SID: w.sid()})
		}
	}
	if w.one(4) {
		s.TrustLevel = sid.MustParse(pick(w, trust))
	}
	return s
}

// ofDevice returns groups as those of a device, which say disabled by 0.
func ofDevice(groups []token.Group) []token.Group {
	for i := range groups {
		switch a := &groups[i].Attributes; *a {
		case 0:
			*a = token.GroupDefault
		case token.GroupDisabled:
			*a = 0
		}
	}
	return groups
}

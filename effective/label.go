package effective

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	mediumRID      = winnt.SECURITY_MANDATORY_MEDIUM_RID
	labelAuthority = 16
	policyBits     = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP | winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP |
		winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP
)

// label stores which tokens the object's mandatory label limits, and the rights they keep. Only the first label that
// is not inherit-only counts. A nil sacl, no label and a malformed label mean Medium with no-write-up.
func (e *Evaluator) label(sacl *sd.ACL) {
	// An object without a label is Medium and forbids writing up.
	rid, policy := mediumRID, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP
	if sacl.Facts()&sd.HasMandatoryLabel != 0 {
		entries := sacl.Entries()
		for i := range entries {
			x := &entries[i]
			if x.Kind != sd.SystemMandatoryLabel || x.Flags&sd.InheritOnly != 0 {
				continue
			}
			if x.SID.Authority() == labelAuthority && x.SID.SubAuthorities() > 0 {
				rid, policy = x.SID.RID(), x.Mask&policyBits
			}
			break
		}
	}
	// A label that forbids nothing limits no token.
	if policy == 0 {
		return
	}
	// Only tokens below the object's level are limited.
	if e.low = e.p.below(rid); e.low != nil {
		e.lowMost = e.ceiling(policy)
	}
}

// clip applies the object's mandatory label: it removes from s the tokens for which the label forbids mask. The label
// must forbid either all bits of mask or none. It changes nothing if the label limits no token.
func (e *Evaluator) clip(mask winnt.AccessMask, s Set) {
	if e.low == nil {
		return
	}
	// The privilege only adds bits to those that a label allows.
	switch without, with := mask&^e.lowMost[0] != 0, mask&^e.lowMost[1] != 0; {
	case with:
		s.andNot(e.low)
	case without:
		for i := range s {
			s[i] &^= e.low[i] &^ e.p.relabel[i]
		}
	}
}

// ceiling returns the rights that a mandatory label with this policy leaves to a token of a lower level: first without,
// then with SeRelabelPrivilege. It gets them from the access check itself instead of a second implementation of the
// rule.
func (e *Evaluator) ceiling(policy winnt.AccessMask) [2]winnt.AccessMask {
	known := e.ceilings[policy]
	if known == nil {
		known = new([2]winnt.AccessMask)
		known[0] = e.probe(policy, winnt.Privileges(winnt.SeSecurityPrivilege))
		known[1] = e.probe(policy, winnt.Privileges(winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege))
		e.ceilings[policy] = known
	}
	return *known
}

// probe finds by access checks which rights a mandatory label with this policy leaves to a token below it with the held
// privileges. It returns 0 if it cannot find out. Generic rights and MAXIMUM_ALLOWED are not probed.
func (e *Evaluator) probe(policy winnt.AccessMask, held winnt.PrivilegeSet) (granted winnt.AccessMask) {
	t, err := token.New(token.Spec{
		User: token.Group{SID: sid.Nobody}, Integrity: sid.UntrustedLevel,
		MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
		Privileges:      held, EnabledPrivileges: held,
	})
	if err != nil {
		return 0 // cannot happen, because the spec is constant; 0 denies
	}
	ace, err := sd.NewACE(sd.SystemMandatoryLabel, 0, policy, sid.HighLevel)
	if err != nil {
		return 0
	}
	list, err := sd.NewACL(ace)
	if err != nil {
		return 0
	}
	// no DACL: everything else is granted
	d := sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, SACL: list})
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		if bit&(winnt.GENERIC_RIGHTS|maximum) != 0 {
			continue
		}
		if dec, err := access.Check(t, d, bit, e.q.Type); err == nil && dec.Allowed() {
			granted |= bit
		}
	}
	return granted
}

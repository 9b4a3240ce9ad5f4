package access

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Identifier authorities of the SIDs that labels carry.
const (
	labelAuthority = 16
	trustAuthority = 19
)

// policyBits are the bits of a label's mask that mean something.
const policyBits = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP | winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP |
	winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP

// ceiling returns the rights that mandatory policy leaves (stage 1). The trust label, the access filters and the
// integrity level must all allow a right. No privilege, owner or DACL can grant another one. requested has the
// requested bits, for the explanation.
func (q *query) ceiling(requested winnt.AccessMask) winnt.AccessMask {
	m := everyBit
	if q.sacl.facts&sd.HasTrustLabel != 0 {
		m &= q.trust(requested)
	}
	if q.sacl.facts&sd.HasAccessFilter != 0 {
		m &= q.filters(requested)
	}
	return m & q.explainedIntegrity(requested)
}

// nextSACLEntry returns the index of the first SACL entry of a type at or after start, or -1. It skips inherit-only
// entries.
func nextSACLEntry(entries []sd.Entry, aceType sd.Type, start int) int {
	for i := start; i < len(entries); i++ {
		if entries[i].Kind == aceType && entries[i].Flags&sd.InheritOnly == 0 {
			return i
		}
	}
	return -1
}

// label returns the integrity level and policy of the object's mandatory label, and its index in the SACL. Without a
// label, or if the first label's SID is not an integrity level, the result is Medium, NO_WRITE_UP and -1.
func (q *query) label() (rid uint32, policy winnt.AccessMask, ace int) {
	if q.sacl.facts&sd.HasMandatoryLabel != 0 {
		ace = nextSACLEntry(q.sacl.entries, sd.SystemMandatoryLabel, 0)
		if e := &q.sacl.entries[ace]; e.SID.Authority() == labelAuthority && e.SID.SubAuthorities() > 0 {
			return e.SID.RID(), e.Mask & policyBits, ace
		}
	}
	return mediumRID, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, -1
}

// integrity returns the rights that the object's mandatory label allows the token, whose integrity level may be lower
//
func (q *query) integrity() winnt.AccessMask {
	// The token's policy does not protect objects of a higher level.
	if q.who.token.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP == 0 {
		return everyBit
	}
	rid, policy, _ := q.label()
	if q.who.token.Integrity() >= rid { // dominates
		return everyBit
	}
	// An AppContainer is not held against labels up to Medium.
	if q.who.token.IsAppContainer() && rid <= mediumRID {
		return everyBit
	}
	m := lowerSubject(q.mapping, policy)
	// The privilege to relabel keeps WRITE_OWNER.
	if q.who.token.Has(winnt.SeRelabelPrivilege) {
		m |= winnt.WRITE_OWNER
	}
	return m
}

// explainedIntegrity returns the result of integrity and records the removed bits in the tracer, if there is one.
func (q *query) explainedIntegrity(requested winnt.AccessMask) winnt.AccessMask {
	m := q.integrity()
	if q.tr != nil && m != everyBit {
		_, _, at := q.label()
		// at is -1 for the default label, for which there is no entry.
		q.tr.ceiling(q, Reason{Kind: IntegrityPolicy, List: "SACL", Index: at}, integrityLimit, m, requested)
	}
	return m
}

// lowerSubject returns the bits that a label's policy allows a subject of lower integrity. A label without a
// policy forbids nothing. A right that several classes (read, write, execute) share is removed only if the policy
// forbids all of them.
func lowerSubject(mapping *winnt.GenericMapping, policy winnt.AccessMask) winnt.AccessMask {
	if policy == 0 {
		return everyBit
	}
	classes := [3]struct{ forbid, bits winnt.AccessMask }{
		{winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP, mapping.Read | winnt.READ_CONTROL},
		{winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP, mapping.Execute&^mapping.Read | winnt.SYNCHRONIZE},
		{winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, mapping.Write | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | sacl},
	}
	var forbidden, permitted winnt.AccessMask
	for _, c := range classes {
		if policy&c.forbid != 0 {
			forbidden |= c.bits
		} else {
			permitted |= c.bits
		}
	}
	base := mapping.Read | mapping.Execute | winnt.SYNCHRONIZE | winnt.READ_CONTROL
	if policy&winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP == 0 {
		base |= mapping.All | sacl
	}
	return base &^ (forbidden &^ permitted)
}

// trust returns the rights that the first process trust label of the SACL allows. The SACL must have a trust label.
// requested has the requested bits, for the explanation.
//   - The token dominates the label: all rights.
//   - Any other token, or an invalid label: the label's mask and ACCESS_SYSTEM_SECURITY.
func (q *query) trust(requested winnt.AccessMask) winnt.AccessMask {
	at := nextSACLEntry(q.sacl.entries, sd.SystemProcessTrustLabel, 0)
	e := &q.sacl.entries[at]
	if kind, level, ok := trustOf(e.SID); ok {
		t, l, _ := trustOf(q.who.token.TrustLevel())
		// Type and level are compared separately: protected light at a high level does not dominate protected at a low
		// one.
		if t >= kind && l >= level {
			return everyBit
		}
	}
	// Trust labels do not limit the right to the SACL.
	m := q.mapping.Map(e.Mask) | sacl
	if q.tr != nil {
		q.tr.ceiling(q, Reason{Kind: TrustLabel, List: "SACL", Index: at}, trustLimit, m, requested)
	}
	return m
}

// trustOf parses a trust SID S-1-19-type-level. For any other SID, the zero SID included, it returns (0, 0, false):
// no trust.
func trustOf(s sid.SID) (kind, level uint32, ok bool) {
	if s.Authority() != trustAuthority || s.SubAuthorities() != 2 {
		return 0, 0, false
	}
	return s.Sub(0), s.Sub(1), true
}

// filters returns the rights that all access filter ACEs of the SACL allow. A filter whose condition is TRUE allows
// all rights. Any other filter allows its mask and ACCESS_SYSTEM_SECURITY. The filters' SIDs are
// ignored. requested has the requested bits, for the explanation.
func (q *query) filters(requested winnt.AccessMask) winnt.AccessMask {
	// The SID of a filter ACE is for programs that edit the list; an access check does not compare it.
	m := everyBit
	for at := nextSACLEntry(q.sacl.entries, sd.SystemAccessFilter, 0); at >= 0; at = nextSACLEntry(q.sacl.entries,
		sd.SystemAccessFilter, at+1) {
		e := &q.sacl.entries[at]
		if q.filterHolds(e) == claims.True {
			continue
		}
		// Access filters do not limit the right to the SACL.
		left := q.mapping.Map(e.Mask) | sacl
		m &= left
		if q.tr != nil {
			q.tr.ceiling(q, Reason{Kind: AccessFilter, List: "SACL", Index: at}, filterLimit, left, requested)
		}
	}
	return m
}

// filterHolds evaluates the condition of an access filter as if it were that of an allow entry in the user pass. A
// filter without a condition is Unknown and so does not hold.
func (q *query) filterHolds(e *sd.Entry) claims.Truth {
	x := q.sacl.acl.Extra(e.Aux)
	if x == nil || x.Condition == nil {
		return claims.Unknown
	}
	return q.evaluate(x.Condition, allow, userPass)
}

package access

import (
	"math/bits"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// tracer records the steps and reasons of a check for an [Explanation]. The check never reads from it, so that
// explaining cannot change a decision. It is owned by one check.
type tracer struct {
	x       Explanation
	reasons [32]*Reason // of each bit, shared between bits; nil: the check did not reach it
	since   int         // first step of the pass that runs
	last    Reason      // the last denial of the pass that runs
	rule    *Rule       // the central access rule that runs, nil outside
	ruleAt  int
}

// set records the reason for each of the bits, in place of an earlier reason. The zero reason removes the earlier one.
func (t *tracer) set(bits winnt.AccessMask, reason Reason) {
	var shared *Reason
	if bits != 0 && reason.Kind != 0 {
		one := reason // it is allocated only here
		shared = &one
	}
	for i := range t.reasons {
		if bits>>i&1 != 0 {
			t.reasons[i] = shared
		}
	}
}

// add appends a step for a stage that granted or refused bits, for a cause. The caller may complete the returned step.
func (t *tracer) add(why cause, bits winnt.AccessMask, granted bool) *Step {
	t.x.Steps = append(t.x.Steps, Step{Rule: causes[why].rule, ACE: -1, Bits: bits, Granted: granted,
		Because: causes[why].because})
	return &t.x.Steps[len(t.x.Steps)-1]
}

// begin records the requested bits that the caller was granted before this check, if there are any.
func (t *tracer) begin(q *query) {
	if m := q.requested() & q.previous; m != 0 {
		t.add(previousOnly, m, true)
	}
}

// stage records that a stage granted or refused bits, for a cause.
func (t *tracer) stage(why cause, bits winnt.AccessMask, granted bool) { t.add(why, bits, granted) }

// nothingLeft records that the check did not read the DACL, because earlier stages had granted or removed every bit.
func (t *tracer) nothingLeft() { t.add(noneLeft, 0, true) }

// privilege records that a privilege granted bits. The step's text names the privilege; that for
// ACCESS_SYSTEM_SECURITY already does.
func (t *tracer) privilege(why cause, privilege winnt.Privilege, bits winnt.AccessMask) {
	s := t.add(why, bits, true)
	if why != securityHeld {
		s.Because += privilege.String()
	}
	t.set(bits, Reason{Kind: Privilege, Index: -1, Privilege: privilege})
}

// notHeld records that the token does not have the privilege that ACCESS_SYSTEM_SECURITY needs. No ACE is read then
//
func (t *tracer) notHeld(privilege winnt.Privilege) {
	t.add(securityMissing, sacl, false)
	t.last = Reason{Kind: Privilege, Index: -1, Privilege: privilege}
	t.set(sacl, t.last)
}

// owner records that the owner has some rights implicitly.
func (t *tracer) owner(rights winnt.AccessMask) {
	t.add(ownerHas, rights, true)
	t.set(rights, Reason{Kind: Owner, Index: -1})
}

// ceiling records a limit that mandatory policy sets: the integrity label, a trust label or an access filter. allowed
// has the rights within the limit. Every requested right that the limit refuses gets the reason.
func (t *tracer) ceiling(q *query, reason Reason, why cause, allowed, requested winnt.AccessMask) {
	// The step shows the part of the request that the limit removes, or of all rights of the type with
	// MAXIMUM_ALLOWED. Every bit beyond the limit gets the reason, because a later stage may still query one.
	out := requested &^ allowed
	if q.max() {
		out = (q.mapping.All | requested) &^ allowed
	}
	s := t.add(why, out, false)
	s.List, s.ACE = reason.List, reason.Index
	if reason.Index >= 0 {
		s.entry = q.sacl.acl.At(reason.Index)
	}
	if why == filterLimit {
		if x := q.sacl.acl.Extra(q.sacl.entries[reason.Index].Aux); x != nil && x.Condition != nil {
			s.Unmet = strings.Join(x.Condition.Unmet(q.environment(allow, userPass), alias), "; ")
		}
	}
	if reason.Index < 0 {
		s.List = ""
	}
	if out != 0 { // a limit that refuses nothing does not end the check
		t.last = reason
	}
	t.set(^allowed, reason)
}

// pass marks the start of a pass over the DACL: later steps belong to it, and it has no denial yet.
func (t *tracer) pass() { t.since, t.last = len(t.x.Steps), Reason{} }

// list returns the name of the ACL that the check reads: "DACL", or the name of the central access rule that has it.
func (t *tracer) list() string {
	if t.rule != nil {
		return t.rule.Name
	}
	return "DACL"
}

// skip records that the check ignores an ACE without comparing its SID, because of its flags, its type or its mask.
func (t *tracer) skip(q *query, ace int) {
	e := &q.dacl.entries[ace]
	c := settled
	switch k := &kinds[e.Kind]; {
	case k.system:
		c = systemType
	case k.effect == ignore:
		c = unknownType
	case e.Flags&sd.InheritOnly != 0:
		c = inheritOnly
	}
	t.entry(q, ace, c, 0)
}

// entry records an ACE of the DACL as a step. bits are those that it decided, 0 for none.
func (t *tracer) entry(q *query, ace int, why cause, bits winnt.AccessMask) {
	t.x.Steps = append(t.x.Steps, Step{
		Rule: causes[why].rule, List: t.list(), ACE: ace, Bits: bits, Pass: q.pass.String(), Because: causes[why].because,
		Granted: why == allowed || why == allowedNode || why == restrictedAllowed || why == packageAllowed,
		Unmet:   unmetBy(q, ace, why),
	})
}

// unmetBy explains a condition that is not met: it returns the condition's failed tests, with the values that they
// compared. ace is the index of the entry in the DACL, and why says how the entry decided. It returns "" for an entry
// without a condition, and if why does not depend on the condition.
func unmetBy(q *query, ace int, why cause) string {
	e := &q.dacl.entries[ace]
	x := q.dacl.acl.Extra(e.Aux)
	if x == nil || x.Condition == nil {
		return ""
	}
	var f effect
	switch why {
	case deniedNeeded, deniedMaximum, deniedNode, restrictedDenied, packageDenied:
		f = deny
	case conditionFalse, conditionUnknown:
		f = kinds[e.Kind].effect
	default:
		return ""
	}
	return strings.Join(x.Condition.Unmet(q.environment(f, q.pass), alias), "; ")
}

// alias returns the SDDL alias of a well-known SID that needs no domain, such as "BA", and "" for other SIDs.
func alias(s sid.SID) string { return sid.Alias(s, sid.SID{}) }

// decided records that an ACE decided bits: as a step, and as the reason of those bits.
func (t *tracer) decided(q *query, ace int, kind effect, bits winnt.AccessMask) {
	t.entry(q, ace, decidedBy(q, kind), bits)
	t.decide(q, ace, kind, bits)
}

// decidedAt records that an ACE acted on one node of the object type list. atNode has the bits that it decided for
// that node, atRoot those that it decided for the root.
func (t *tracer) decidedAt(q *query, ace int, kind effect, node int, atNode, atRoot winnt.AccessMask) {
	// A denial at a node that already has the bits decides nothing, and the walk continues. It must not be the reason
	// for bits that other nodes do not get.
	if kind == deny && atRoot == 0 && q.stop {
		t.entry(q, ace, settled, 0)
		return
	}
	t.entry(q, ace, decidedBy(q, kind), atNode)
	t.x.Steps[len(t.x.Steps)-1].Node = node
	t.decide(q, ace, kind, atRoot)
}

// fillEntries stores in each step of the current pass the decoded ACE that the step is about. acl is the list that the
// pass read. The check itself has used only its compiled form.
func (t *tracer) fillEntries(acl *sd.ACL) {
	// Entries are not decoded while the walk runs. Both sequences ascend, so
	// one pass over the list finds them.
	steps := t.x.Steps[t.since:]
	for i, a := range acl.All() {
		if len(steps) == 0 {
			return
		}
		if steps[0].ACE == i {
			steps[0].entry = a
			steps = steps[1:]
		}
	}
}

// null records that the object has no DACL, with a reason for each bit that this granted or removed. before has the
// bits that were held before. Inside a central access rule it adds no step, and the rule is the reason for lost bits.
func (t *tracer) null(q *query, before winnt.AccessMask) {
	if t.rule != nil {
		t.set(before&^q.held, Reason{Kind: CentralAccessRule, Index: t.ruleAt, Name: t.rule.Name})
		return
	}
	// The owner's part keeps its reason: it was granted before the list was
	// found to be absent.
	t.set(q.held&^q.own, Reason{Kind: NullDacl, Index: -1})
	t.set(before&^q.held, Reason{Kind: NoAce, Index: -1})
	t.add(nullList, q.held&^q.own, true)
}

// lost records that a stage removed rights, for a reason or for the central access rule that the check is in.
func (t *tracer) lost(_ *query, rights winnt.AccessMask, reason Reason, why cause) {
	if t.rule != nil {
		reason = Reason{Kind: CentralAccessRule, Index: t.ruleAt, Name: t.rule.Name}
	}
	t.last = reason
	t.set(rights, reason)
	t.add(why, rights, false)
}

// notApplicable records that a central access rule does not apply, because its resource condition excludes this
// object.
func (t *tracer) notApplicable(rule *Rule) { t.add(ruleNotApplicable, 0, true).List = rule.Name }

// enterRule attributes the following steps and denials to a central access rule, until leaveRule. index is that of the
// rule in its policy.
func (t *tracer) enterRule(rule *Rule, index int) { t.rule, t.ruleAt = rule, index }

// leaveRule ends the effect of enterRule: steps are again about the object's own DACL.
func (t *tracer) leaveRule() { t.rule = nil }

// end completes the explanation of a check with decision d: it makes one reason for each right that was of interest.
// If the check ended before its first stage, it adds the step that says why.
func (t *tracer) end(q *query, d Decision) {
	x := &t.x
	// A check that ends before the pipeline records no step. It gets one step, and one reason for every bit.
	x.Decision, x.Desired, x.Asked = d, q.desired, q.requested()
	switch c := early(q, d); c {
	case matched:
	case kernelMode:
		t.add(c, d.Granted, true)
		t.set(everyBit, Reason{Kind: KernelMode, Index: -1})
	case previousOnly:
		t.add(c, d.Granted, true)
		t.set(everyBit, Reason{Kind: PreviouslyGranted, Index: -1})
	default:
		t.add(c, x.Asked, false)
		t.set(everyBit, Reason{Kind: NotAsked, Index: -1})
	}
	t.set(q.previous, Reason{Kind: PreviouslyGranted, Index: -1})
	rights := x.interesting()
	x.Reasons = make([]BitReason, 0, bits.OnesCount32(uint32(rights)))
	for i := range t.reasons {
		b := winnt.AccessMask(1) << i
		if rights&b == 0 {
			continue
		}
		r := t.last // if the check ended before it reached this bit
		if t.reasons[i] != nil {
			r = *t.reasons[i]
		}
		if r.Kind == 0 {
			r = Reason{Kind: NoAce, Index: -1}
		}
		// A privilege that is named as reason grants unless it is the one that
		// was missing, which refuses the whole request.
		missing := r.Kind == Privilege && d.Status() == ntstatus.PrivilegeNotHeld
		granted := r.Kind.grants() && !missing || d.Granted&b != 0
		if t.reasons[i] != nil && (missing || !r.Kind.grants()) {
			x.culprits |= b
		}
		x.Reasons = append(x.Reasons, BitReason{Bit: b, Granted: granted, Reason: r})
	}
}

// early returns why the check ended before its first stage: by a rule of [query.enter], or for an invalid object type
// list. It returns matched if the stages decided.
func early(q *query, d Decision) cause {
	switch {
	case d.Status() == ntstatus.InvalidParameter:
		return badList
	// The order is that of enter: the first condition that holds decided.
	case q.r.Mode == Kernel:
		return kernelMode
	case q.r.Descriptor == nil:
		return noDescriptor
	case d.Status() == ntstatus.BadImpersonationLevel:
		return levelTooLow
	case q.desired == 0 && d.Allowed():
		return previousOnly
	case q.desired == 0:
		return nothingAsked
	}
	return matched
}

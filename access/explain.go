package access

import (
	"encoding/json"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Step is one line of an explanation: an ACE that the check read, or a stage that decided. Do not change it. As JSON
// it is {"rule":"A-70","ace":1,"bits":"0x00000001","because":"…"}, where ace is null for a stage.
type Step struct {
	Rule    string // id of the rule, as docs/rules has it
	List    string // "DACL", "SACL", the name of a central access rule, "" for any other step
	ACE     int    // index in List, -1 for a stage
	Bits    winnt.AccessMask
	Granted bool   // whether the step granted Bits, or refused them
	Because string // an English sentence without a full stop
	Pass    string // "" the token's own SIDs, "restricted" or "package"
	Node    int    // node of the object tree the step is about, 0 the root
	// Unmet has the tests that keep the condition of the entry from being true, with the values that they compared, as
	// [claims.Expr.Unmet] returns them; "" for none. It has no control characters and is not in the JSON form.
	Unmet string

	entry sd.ACE // the zero value for a stage
}

// Entry returns the step's ACE as SDDL text, in the extended form of package sddl where standard SDDL cannot express
// it. It returns "" for a step without an ACE, and a note in parentheses for one that has no text form.
func (s *Step) Entry() string {
	if s.entry.IsZero() {
		return ""
	}
	text, err := sddl.FormatACE(s.entry, sddl.Options{Extended: true})
	if err != nil {
		return "(an entry without text form)"
	}
	return text
}

// MarshalJSON returns the form of the batch output: an object with rule, ace, bits and because. ace counts from 0 and
// is null for a step without an entry.
func (s Step) MarshalJSON() ([]byte, error) {
	// The names are those of the batch format, which must not follow a rename
	// of a Go field.
	type step struct {
		Rule    string `json:"rule"`
		ACE     *int   `json:"ace"`
		Bits    string `json:"bits"`
		Because string `json:"because"`
	}
	out := step{Rule: s.Rule, Bits: s.Bits.Padded(), Because: s.Because}
	if s.ACE >= 0 {
		out.ACE = &s.ACE
	}
	return json.Marshal(out)
}

// Explanation records how a check came to its decision. The zero value has no
// steps and no reasons.
type Explanation struct {
	Decision Decision
	Desired  winnt.AccessMask // mapped, MAXIMUM_ALLOWED included
	Asked    winnt.AccessMask // the bits of Desired that were requested by name
	Steps    []Step
	// Reasons has one row for each requested bit, ascending. With MAXIMUM_ALLOWED
	// it also has all bits that the type maps or that were granted.
	Reasons []BitReason

	culprits winnt.AccessMask // bits that were refused, not just left behind by a refusal
	mapping  *winnt.GenericMapping
	each     bool              // a result list was requested
	results  []NodeResult      // of it
	typ      *winnt.ObjectType // nil: rights print as numbers
	unread   int               // entries at the end of the DACL that no pass read; 0 if none was read
}

// Explain runs [SeAccessCheck] and records its steps. The decision is always
// the same as without the record. With an error the explanation is nil.
func Explain(r *Request) (Decision, *Explanation, error) {
	t := new(tracer)
	t.x.prepare(r)
	d, err := seAccessCheck(r, t)
	if err != nil {
		return d, nil, err
	}
	t.x.countUnread(r)
	return d, &t.x, nil
}

// ExplainResultList runs [CheckResultList] and records its steps. The reasons
// are those of the root. With an error the explanation is nil.
func ExplainResultList(r *Request) ([]NodeResult, Decision, *Explanation, error) {
	t := new(tracer)
	t.x.prepare(r)
	results, d, err := resultList(r, t)
	if err != nil {
		return results, d, nil, err
	}
	t.x.each, t.x.results = true, results
	t.x.countUnread(r)
	return results, d, &t.x, nil
}

// prepare starts the explanation of a check of r: it sets the fields that the tracer reads while the check runs. It
// does nothing for a nil request.
func (x *Explanation) prepare(r *Request) {
	// Most checks have a step for each entry of the DACL and a few stages: one
	// allocation serves them.
	n := 4
	if r == nil {
		return
	}
	if r.Descriptor != nil {
		n += r.Descriptor.DACL().Len()
	}
	x.Steps = make([]Step, 0, n)
	x.typ = r.Type
	if x.mapping = r.mapping(); x.mapping != nil {
		x.Desired = x.mapping.Map(r.Desired)
		x.Asked = x.Desired &^ winnt.MAXIMUM_ALLOWED
	}
}

// interesting returns the rights for which the explanation gives a reason: those requested, those granted and, with
// MAXIMUM_ALLOWED, every right of the type.
func (x *Explanation) interesting() winnt.AccessMask {
	// MAXIMUM_ALLOWED requests every right of the type, so that a reader also sees the rights that were not granted.
	m := x.Asked | x.Decision.Granted
	if x.Desired&winnt.MAXIMUM_ALLOWED != 0 && x.mapping != nil {
		m |= x.mapping.Map(winnt.GENERIC_ALL)
	}
	return m &^ winnt.MAXIMUM_ALLOWED
}

// countUnread stores how many ACEs at the end of r's DACL no step mentions, because the check was decided before
// them. It stores nothing if no step has such an ACE.
func (x *Explanation) countUnread(r *Request) {
	last := -1
	for i := range x.Steps {
		if s := &x.Steps[i]; s.List == "DACL" {
			last = max(last, s.ACE)
		}
	}
	if last >= 0 {
		x.unread = r.Descriptor.DACL().Len() - last - 1
	}
}

// Reason returns why the right bit was granted or denied. ok is false if the explanation has no row for that right, and
// for a mask of several rights.
func (x *Explanation) Reason(bit winnt.AccessMask) (r BitReason, ok bool) {
	for _, r := range x.Reasons {
		if r.Bit == bit {
			return r, true
		}
	}
	return BitReason{}, false
}

// Skipped reports whether the check ended before it reached the right of b, one of x.Reasons: what b.Reason names
// refused another right first. That is an entry, a label, an access filter or a missing privilege.
func (x *Explanation) Skipped(b BitReason) bool {
	switch b.Reason.Kind {
	case AceDeny, Privilege, IntegrityPolicy, TrustLabel, AccessFilter:
		return !b.Granted && x.culprits&b.Bit == 0
	}
	return false
}

// Verdict returns the decision in one line for people. It counts entries from 1.
func (x *Explanation) Verdict() string {
	var b strings.Builder
	// A denial names one right only, the lowest that was itself refused: the
	// others may have been left behind by the end of the walk.
	if x.Decision.Allowed() {
		b.WriteString("GRANTED " + x.Decision.Granted.String() + " " + x.names(x.Decision.Granted))
	} else {
		b.WriteString("DENIED " + x.Decision.Status().String())
		for _, r := range x.Reasons {
			if !r.Granted && x.Asked&r.Bit&x.culprits != 0 {
				b.WriteString(": " + x.clause(&r, x.name(r.Bit)))
				break
			}
		}
	}
	if names := x.Decision.PrivilegesUsed.Names(); names != nil {
		b.WriteString(", used " + strings.Join(names, ", "))
	}
	return b.String()
}

// name returns the name of the right bit for the object's type, such as FILE_READ_DATA. If the type is unknown, it
// returns the number.
func (x *Explanation) name(bit winnt.AccessMask) string {
	t := x.typ
	if t == nil {
		t = &winnt.ObjectType{}
	}
	return t.RightName(bit)
}

// names returns the names of all rights in a mask, as the object's type formats them. If the type is unknown, it
// returns numbers.
func (x *Explanation) names(rights winnt.AccessMask) string {
	t := x.typ
	if t == nil {
		t = &winnt.ObjectType{}
	}
	return t.Names(rights)
}

// String returns the name of the pass in explanations: "restricted", "package", or "" for any other pass.
func (p pass) String() string {
	switch p {
	case restrictedPass:
		return "restricted"
	case packagePass:
		return "package"
	}
	return ""
}

package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// ExplanationRecord holds an [Explanation] in exported fields, so that it can be sent to another program. The zero
// value is a denial without steps.
type ExplanationRecord struct {
	Status         ntstatus.Status
	Granted        winnt.AccessMask
	PrivilegesUsed winnt.PrivilegeSet
	Desired, Asked winnt.AccessMask
	Culprits       winnt.AccessMask // bits that were refused, not just left behind by a refusal
	Type           string           // name of the object's type; "": rights print as numbers
	Mapping        *winnt.GenericMapping
	ResultList     bool
	Results        []ResultRecord
	Steps          []StepRecord
	Reasons        []BitReason
	Unread         int64 // entries at the end of the DACL that the check did not need
}

// ResultRecord holds one row of a result list, a [NodeResult], in exported fields.
type ResultRecord struct {
	Status  ntstatus.Status
	Granted winnt.AccessMask
}

// StepRecord holds a [Step] and the binary form of its entry, which is empty for
// a stage.
//
// Numbers have 64 bits, whatever the size of int is on either side of a
// connection.
type StepRecord struct {
	Rule, List    string
	ACE           int64
	Bits          winnt.AccessMask
	Granted       bool
	Because, Pass string
	Unmet         string
	Node          int64
	Entry         []byte
}

// Record returns the explanation in exported fields, for sending it to another program. The reasons and the mapping
// are shared with x.
func (x *Explanation) Record() *ExplanationRecord {
	r := &ExplanationRecord{
		Status: x.Decision.Status(), Granted: x.Decision.Granted, PrivilegesUsed: x.Decision.PrivilegesUsed,
		Desired: x.Desired, Asked: x.Asked, Culprits: x.culprits, Mapping: x.mapping, ResultList: x.each,
		Reasons: x.Reasons, Unread: int64(x.unread),
	}
	// A type is sent by name together with its mapping: the receiver looks up the name and needs no table of ours.
	if x.typ != nil {
		r.Type = x.typ.Name
		if x.typ == winnt.DirectoryFileObject {
			r.Type = "directory" // the Name "File" is that of files
		}
	}
	for _, n := range x.results {
		r.Results = append(r.Results, ResultRecord{n.Status(), n.Granted})
	}
	for i := range x.Steps {
		s := &x.Steps[i]
		r.Steps = append(r.Steps, StepRecord{s.Rule, s.List, int64(s.ACE), s.Bits, s.Granted, s.Because, s.Pass,
			s.Unmet, int64(s.Node), []byte(s.entry.Binary())})
	}
	return r
}

// Explanation converts a received record back. The result is equivalent to the explanation from which Record made it.
// If the ACE of a step cannot be decoded, the step has no ACE. If winnt does not know the type's name, the explanation
// prints rights as numbers.
func (r *ExplanationRecord) Explanation() *Explanation {
	x := &Explanation{
		Decision: Decision{Granted: r.Granted, Verdict: ntstatus.Decided(r.Status), PrivilegesUsed: r.PrivilegesUsed},
		Desired:  r.Desired, Asked: r.Asked, Reasons: r.Reasons,
		culprits: r.Culprits, mapping: r.Mapping, each: r.ResultList, typ: winnt.ObjectTypeByName(r.Type),
		unread: int(r.Unread),
	}
	for _, n := range r.Results {
		x.results = append(x.results, NodeResult{Granted: n.Granted, Verdict: ntstatus.Decided(n.Status)})
	}
	for _, s := range r.Steps {
		step := Step{Rule: s.Rule, List: s.List, ACE: int(s.ACE), Bits: s.Bits, Granted: s.Granted,
			Because: s.Because, Pass: s.Pass, Node: int(s.Node), Unmet: s.Unmet}
		// An ACE begins with type, flags and a size of two bytes ([MS-DTYP] section
		// 2.4.4.1). The size is that of the bytes received and is not read.
		if len(s.Entry) >= 4 {
			step.entry, _ = sd.RawACE(sd.Type(s.Entry[0]), s.Entry[1], s.Entry[4:])
		}
		x.Steps = append(x.Steps, step)
	}
	return x
}

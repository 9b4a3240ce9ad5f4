package playground

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Reply holds what the page shows. Either Mistakes is not empty or the rest is
// filled.
type Reply struct {
	Mistakes []Mistake `json:"mistakes,omitempty"`

	Allowed    bool     `json:"allowed"`
	Status     string   `json:"status,omitempty"`
	Granted    string   `json:"granted,omitempty"`
	Names      string   `json:"names,omitempty"` // of the rights granted
	Verdict    string   `json:"verdict,omitempty"`
	Privileges []string `json:"privileges,omitempty"` // used
	Bits       []Bit    `json:"bits,omitempty"`       // the columns of the table
	Steps      []Step   `json:"steps,omitempty"`      // the rows
	Canonical  string   `json:"canonical,omitempty"`  // the descriptor as refmon prints it
	Line       string   `json:"line,omitempty"`       // the question for `refmon check --batch`
	Text       string   `json:"text,omitempty"`       // the answer of `refmon why`
	Changes    []string `json:"changes,omitempty"`    // each of these alone would grant a denied request
}

// Bit is a row of the page: one requested right and how it was decided.
type Bit struct {
	Mask   string `json:"mask"`
	Name   string `json:"name"`
	Word   string `json:"word"` // granted, denied, or skipped: the check did not reach the right
	Reason string `json:"reason"`
}

// Step is a row of the page: one step of the access check and the rights that it decided.
type Step struct {
	Where   string `json:"where"` // "DACL 0", "check"
	Entry   string `json:"entry"` // SDDL, "" for a check without entry
	Rule    string `json:"rule"`
	Because string `json:"because"`
	Cells   string `json:"cells"` // one of + - . for each bit
}

// Answer parses a [Question] in JSON and returns a [Reply] in JSON. Malformed JSON becomes a reply with a mistake.
func Answer(question []byte) []byte {
	var q Question
	var r Reply
	if err := json.Unmarshal(question, &q); err != nil {
		r.Mistakes = []Mistake{whole("", err.Error())}
	} else {
		r = q.ask()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&r); err != nil { // a Reply holds strings and numbers only
		return []byte(`{"mistakes":[{"field":"","from":-1,"to":-1,"message":"the answer has no JSON form"}]}`)
	}
	return b.Bytes()
}

// ask decides and explains the question. If a field is malformed, or the check cannot run, the reply has only Mistakes.
// Changes are computed only for a denial, and only on request. A descriptor that cannot be formatted leaves Canonical
// empty.
func (q *Question) ask() Reply {
	request, wrong := q.parse()
	if wrong != nil {
		return Reply{Mistakes: wrong}
	}
	d, x, err := access.Explain(request)
	if err != nil {
		return Reply{Mistakes: []Mistake{whole("", err.Error())}}
	}
	r := Reply{
		Allowed: d.Allowed(), Status: d.Status().String(), Granted: d.Granted.Padded(),
		Names:   request.Type.Names(d.Granted),
		Verdict: x.Verdict(), Privileges: d.PrivilegesUsed.Names(), Line: q.line(request), Text: x.String(),
	}
	r.Canonical, err = sddl.Format(request.Descriptor,
		sddl.Options{Domain: accessquery.UserDomain(request.Subject.Effective()), Extended: true})
	if err != nil {
		r.Canonical = ""
	}
	r.table(x, request.Type)
	if q.Changes && !r.Allowed {
		changes, err := access.Changes(request)
		if err != nil {
			return Reply{Mistakes: []Mistake{whole("", err.Error())}}
		}
		for _, c := range changes {
			r.Changes = append(r.Changes, c.String())
		}
	}
	return r
}

// table fills in the table of the decision: a row in Bits for each requested right and a row in Steps for each step.
// A cell is + for granted, - for denied and . for neither.
func (r *Reply) table(x *access.Explanation, typ *winnt.ObjectType) {
	for _, b := range x.Reasons {
		_, word, why := x.Outcome(b)
		r.Bits = append(r.Bits, Bit{Mask: b.Bit.String(), Name: typ.RightName(b.Bit), Word: word, Reason: why})
	}
	for i := range x.Steps {
		s := &x.Steps[i]
		row := Step{Where: where(s), Entry: s.Entry(), Rule: s.Rule, Because: s.Because}
		cells := make([]byte, 0, len(x.Reasons))
		for _, b := range x.Reasons {
			switch {
			case s.Bits&b.Bit == 0:
				cells = append(cells, '.')
			case s.Granted:
				cells = append(cells, '+')
			default:
				cells = append(cells, '-')
			}
		}
		row.Cells = string(cells)
		r.Steps = append(r.Steps, row)
	}
}

// where returns the name of a step's list and entry, as `refmon why` prints it, such as "DACL 2". A step without an
// entry is "check" and the list.
func where(s *access.Step) string {
	if s.ACE < 0 {
		return strings.TrimSpace("check " + s.List)
	}
	text := s.List + " entry " + strconv.Itoa(s.ACE+1)
	if s.Pass != "" {
		text += " " + s.Pass
	}
	return text
}

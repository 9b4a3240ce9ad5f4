package expect

import (
	"fmt"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Report is the result of a run.
type Report struct {
	Cases    []Case
	Failed   int
	Coverage []Coverage // one for each descriptor
	Took     time.Duration
}

// Case is one question with its result.
type Case struct {
	Line     int
	Name     string // may be empty
	Who, On  string
	Want     string // rights, as the file has them
	Granted  bool
	Expected bool          // granted was expected
	Took     time.Duration // of the question
	Problem  string        // "" if the expectation holds
	By       string        // for a failed case: the granted and denied rights with the deciding entries, from 0
	Decided  string        // By for people, who count entries from 1
	Why      string        // the explanation, of a case that failed
	Note     string        // something to know about the answer; "": nothing
}

// Coverage lists the entries of a DACL that no case used. It ignores inherit-only entries, and those that neither
// allow nor deny.
type Coverage struct {
	Name    string
	Line    int
	Entries int     // that can decide
	Never   []Entry // that decided nothing in any case
}

// Entry is an entry of a DACL.
type Entry struct {
	Index int
	Text  string // SDDL
}

// Run evaluates every case and returns the results in the order of the file. A failed expectation is not an error: it
// is counted in Report.Failed and described in its [Case]. now returns the current time and must not be nil; it only
// measures durations.
func (f *File) Run(now func() time.Time) *Report {
	r := new(Report)
	used := map[*Descriptor]map[int]bool{}
	start := now()
	for i := range f.cases {
		q := &f.cases[i]
		if used[q.on] == nil {
			used[q.on] = map[int]bool{}
		}
		c := q.run(f, now, used[q.on])
		if c.Problem != "" {
			r.Failed++
		}
		r.Cases = append(r.Cases, c)
	}
	r.Took = now().Sub(start)
	for _, d := range f.Descriptors {
		r.Coverage = append(r.Coverage, d.coverage(used[d]))
	}
	return r
}

// run decides the question and returns the case's result. Problem is "" if the case passed. An unreadable object
// always fails. A wrong decision takes precedence over a missing explanation. Only a failed case has an explanation.
// The DACL entries that decided are marked in used.
func (q *question) run(f *File, now func() time.Time, used map[int]bool) Case {
	c := Case{Line: q.line, Name: q.name, Who: q.who, On: q.on.Name, Want: q.want, Expected: q.granted}
	// For an unreadable object every expectation fails (U-112).
	if q.on.failed != nil {
		c.Problem = "cannot be read: " + q.on.failed.Error()
		return c
	}
	start := now()
	a, on, err := q.answer()
	c.Took = now().Sub(start)
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	c.Granted = a.Allowed()
	if accessquery.LacksDACL(q.on.SD) {
		c.Note = accessquery.NoDACL
	} else if q.on.note != objects.NoteNoDACL {
		c.Note = q.on.note.String()
	}
	text := describe(&a)
	if a.Why != nil && on == q.on { // coverage counts the entries of the object only
		for i := range a.Why.Steps {
			if s := &a.Why.Steps[i]; s.List == "DACL" && s.ACE >= 0 && s.Bits != 0 {
				used[s.ACE] = true
			}
		}
	}
	switch {
	case c.Granted != c.Expected:
		c.Problem = fmt.Sprintf("%s, expected %s", word(c.Granted), word(c.Expected))
	default:
		for _, want := range q.why {
			if !strings.Contains(text, want) && !strings.Contains(indexed(&a), want) {
				c.Problem = fmt.Sprintf("%s as expected, but the explanation does not contain %q", word(c.Granted),
					want)
				break
			}
		}
	}
	if c.Problem != "" {
		if on.folder {
			on.Name = f.out.Folder(q.on.Name, on.SD)
		}
		c.Why, c.By, c.Decided = text, on.decided(f, &a, false), on.decided(f, &a, true)
	}
	return c
}

// answer asks the question, and returns the answer with the descriptor that decided. If the object grants access, that
// can still be a folder on the way to it, whose search permission the principal needs.
func (q *question) answer() (a accessquery.Answer, on *Descriptor, err error) {
	if a, err = q.ask.Ask(); err != nil || q.on.way == nil || !a.Allowed() {
		return a, q.on, err
	}
	for _, d := range q.on.way.Folders() {
		// A file below a folder that the host does not let the principal search gives no access (B-20).
		above, err := accessquery.Traverse(d, q.ask.Request.Subject).Ask()
		if err != nil || !above.Allowed() {
			return above, &Descriptor{SD: d, Type: winnt.DirectoryFileObject, folder: true}, err
		}
	}
	return a, q.on, nil
}

// describe returns the explanation of an answer, in which the "why" of an expectation must occur: the status and reason
// of a refused query, else all steps of the decision.
func describe(a *accessquery.Answer) string {
	if a.Refused != nil {
		return fmt.Sprintf("%s: %s (%s)\n", a.Status(), a.Refused.Because, a.Refused.Rule)
	}
	return a.Why.String()
}

// indexed returns the decision in the form of JSON output, such as AceDeny DACL 0, so that the "why" of an
// expectation may use it. It returns "" for an answer without an explanation.
func indexed(a *accessquery.Answer) string {
	if a.Why == nil {
		return ""
	}
	var b strings.Builder
	for i := range a.Why.Steps {
		if s := &a.Why.Steps[i]; s.ACE >= 0 {
			fmt.Fprintf(&b, "%s %d\n", s.List, s.ACE)
		}
	}
	for _, r := range a.Why.Reasons {
		fmt.Fprintf(&b, "%s\n", r.Reason)
	}
	return b.String()
}

// word returns "granted" or "denied".
func word(granted bool) string {
	if granted {
		return "granted"
	}
	return "denied"
}

// coverage returns the DACL entries that decided no question. It leaves out inherit-only entries and those that
// neither allow nor deny.
func (d *Descriptor) coverage(used map[int]bool) Coverage {
	c := Coverage{Name: d.Name, Line: d.Line}
	for i, a := range d.SD.DACL().All() {
		if a.Flags()&sd.InheritOnly != 0 || !a.Type().IsAllow() && !a.Type().IsDeny() {
			continue
		}
		c.Entries++
		if used[i] {
			continue
		}
		c.Never = append(c.Never, Entry{i, entryText(a)})
	}
	return c
}

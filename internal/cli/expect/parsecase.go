package expect

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
)

// readCases reads the list of cases. More than maxCases are an error. It stops at the first error.
func (f *File) readCases() error {
	if f.Peek() != '[' {
		return f.Fail("want a list, each with %s", strings.Join(caseFields, ", "))
	}
	return f.Array(maxCases, func(int) error { return f.readCase() })
}

// expectation is a case as the file has it, before it is expanded to one question per principal and descriptor.
type expectation struct {
	texts [8][]string // of caseFields
	at    [8]int      // offset of each field
}

// Fields of a case, in the order of caseFields.
const (
	cName = iota
	cWho
	cOn
	cWant
	cIs
	cWhy
	cSelf
	cCall
)

// readCase reads one expectation and adds a case for each combination of "who" and "on". A missing who, on, want or is,
// and several values of another field, are errors. why may have several values, none of them empty. Positions in errors
// are those of the file.
func (f *File) readCase() error {
	var e expectation
	start := f.Pos
	err := f.Object(caseFields, func(i int) (err error) {
		e.at[i] = f.Pos
		if e.texts[i], err = f.texts(); err != nil {
			return err
		}
		if len(e.texts[i]) != 1 && i != cWho && i != cOn && i != cWhy {
			return f.FailAt(e.at[i], "want one value")
		}
		// Every explanation contains the empty text, so it would test nothing.
		if i == cWhy && (len(e.texts[i]) == 0 || slices.Contains(e.texts[i], "")) {
			return f.FailAt(e.at[i], "want text")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, need := range []int{cWho, cOn, cWant, cIs} {
		if len(e.texts[need]) == 0 {
			return f.FailAt(start+1, "the expectation lacks %q", caseFields[need])
		}
	}
	q := question{line: strict.LineOf(f.Bytes, f.marks, start+1), want: e.texts[cWant][0], why: e.texts[cWhy]}
	q.name = strings.Join(e.texts[cName], "")
	if err := f.ask(&q, &e); err != nil {
		return err
	}
	return f.multiply(q, &e)
}

// texts reads a text or a list of texts. A single text is a list of one. An empty list is nil. More than maxCases are
// an error.
func (f *File) texts() (out []string, err error) {
	if f.Peek() != '[' {
		text, err := f.Scalar()
		return []string{text}, err
	}
	err = f.Array(maxCases, func(int) error {
		text, err := f.Scalar()
		out = append(out, text)
		return err
	})
	return out, err
}

// ask fills q with the rights, the expected result, the self SID and the call of an expectation. Subject and descriptor
// are set later. An error names the field and its position. e must have the field is, which must be granted or denied.
func (f *File) ask(q *question, e *expectation) (err error) {
	failAt := func(i int, format string, args ...any) error {
		return strict.Within(caseFields[i], f.FailAt(e.at[i], format, args...))
	}
	switch is := e.texts[cIs][0]; is {
	case "granted", "denied":
		q.granted = is == "granted"
	default:
		return failAt(cIs, "%q, want granted or denied", is)
	}
	r := &q.ask.Request
	if q.rights, err = words.Parse(q.want); err != nil {
		return failAt(cWant, "%v", err)
	}
	if s := e.texts[cSelf]; len(s) == 1 {
		if r.Self, err = sid.Resolve(s[0], f.domain); err != nil {
			return failAt(cSelf, "%v", err)
		}
	}
	if c := e.texts[cCall]; len(c) == 1 {
		var ok bool
		if q.ask.Call, ok = accessquery.ParseCall(c[0]); !ok {
			return failAt(cCall, "%q, want SeAccessCheck or NtAccessCheck", c[0])
		}
	}
	return nil
}

// multiply expands a case into questions: one for each principal in "who" about each descriptor or object in "on". A
// name without a descriptor is an error. The first error ends it.
func (f *File) multiply(q question, e *expectation) error {
	for _, on := range e.texts[cOn] {
		found := f.subjects(on)
		if len(found) == 0 {
			hint := ""
			if objects.CrossesFolders(on) {
				hint = ": " + objects.NoCrossing
			}
			return strict.Within("on", f.FailAt(e.at[cOn], "there is no descriptor and no object %q%s", on, hint))
		}
		for _, d := range found {
			if err := f.each(&q, e, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// each adds a question about one descriptor for each principal of the case. The pattern q does not change. If d could
// not be read, the questions fail when they run. An unknown principal, a wrong right and more than maxCases cases are
// errors with their position. Questions added before an error stay.
func (f *File) each(q *question, e *expectation, d *Descriptor) error {
	// Another descriptor than that of the object decides (B-10).
	if slices.ContainsFunc(q.rights, words.Right.Managed) && slices.Contains(f.objects, d) {
		return strict.Within("want", f.FailAt(e.at[cWant], "%s: the descriptor in msDS-GroupMSAMembership decides it: "+
			"add that one to descriptors", q.want))
	}
	// A word is a different mask for each object type.
	queries, err := words.Queries(q.rights, nil, d.Type)
	if err != nil && d.failed == nil {
		return strict.Within("want", f.FailAt(e.at[cWant], "%v", err))
	}
	for _, who := range e.texts[cWho] {
		p, err := f.asker(who)
		if err != nil {
			return strict.Within("who", f.FailAt(e.at[cWho], "%v", err))
		}
		if len(f.cases) == maxCases {
			return strict.Within("who", f.FailAt(e.at[cWho], "more than %d questions", maxCases))
		}
		c := *q
		c.who, c.on = who, d
		if d.failed == nil {
			r := &c.ask.Request
			r.Descriptor, r.Type = d.SD, d.Type
			r.Subject = accessquery.SubjectFor(p.Token, c.ask.Call)
			if len(e.texts[cSelf]) == 0 {
				r.Self = d.self
			}
			if err := c.ask.Choose(words.OfClass(queries, d.class)); err != nil {
				return strict.Within("want", f.FailAt(e.at[cWant], "%v", err))
			}
			c.ask.Explain = true
		}
		f.cases = append(f.cases, c)
	}
	return nil
}

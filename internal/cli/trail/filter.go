package trail

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/winnt"
)

// Filter selects records. The zero value selects none. [Parse] returns a Filter.
type Filter struct {
	match matcher
	// Since and Until bound the time of records as FILETIMEs, 0: no bound.
	Since, Until int64
}

// And returns a new filter for the records that both expressions select, with the time range of f. It ignores the time
// range of g. If either is a zero Filter, the result selects nothing.
func (f *Filter) And(g *Filter) *Filter {
	if f.match.is == nil || g.match.is == nil {
		return &Filter{}
	}
	return &Filter{match: f.match.and(g.match), Since: f.Since, Until: f.Until}
}

// Match reports whether the filter selects a record, given as its JSON payload. Since is inclusive and Until exclusive.
// With a bound, a record without a valid time does not match. The zero Filter matches nothing. An Until of 0 is no
// bound.
func (f *Filter) Match(payload []byte) bool {
	if f.match.is == nil || !f.match.may(payload) || !f.match.is(payload) {
		return false
	}
	if f.Since == 0 && f.Until == 0 {
		return true
	}
	t, err := audit.ParseTime(string(bytes.TrimSuffix(rawText(payload, `"time":"`), []byte(`"`))))
	return err == nil && t >= f.Since && (f.Until == 0 || t < f.Until)
}

// Syntax describes the expressions of [Parse].
const Syntax = `An expression compares fields of a record: name=value, name!=value. In a value * stands for any
text and ? for one character, and case is ignored. Quote a value with blanks. Terms are joined by and, or,
not and parentheses. Names: user (name or SID of the subject or of the server), event, object,
type, result (success or failure), privilege, subcategory, id, and every field by its own name,
such as ProcessName or HandleId.

  user=alice and result=failure
  object="/srv/*" and (event=4656 or event=4663)
    and not privilege=SeBackupPrivilege`

// Parse parses an expression in the [Syntax] and returns a filter without time bounds. An empty expression selects all
// records. An unknown name, a malformed number and a nesting over 100 are errors. Words that follow a complete
// expression are an error.
func Parse(text string) (*Filter, error) {
	p := &exprParser{}
	if err := p.split(text); err != nil {
		return nil, fmt.Errorf("expression %q: %w", text, err)
	}
	if len(p.words) == 0 {
		return &Filter{match: exact(func([]byte) bool { return true })}, nil
	}
	m, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("%q is unexpected: join terms with and, or or", p.words[0])
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", text, err)
	}
	return &Filter{match: m}, nil
}

// A matcher is a compiled filter expression that decides about one record, given as its JSON. It has two tests: may
// is fast but can report false matches; is decides exactly. A record matches if both return true. An expression
// evaluates is only after may of all terms.
type matcher struct {
	may, is func(payload []byte) bool
	exact   bool // may decides alone, and from a few bytes
}

// exact returns a matcher for the test is, which is fast enough to run on every record and needs no second test.
func exact(is func(payload []byte) bool) matcher { return matcher{is, is, true} }

// and returns a matcher for records that both m and n match. It runs the exact one first, which is faster. The result
// is exact only if both are.
func (m matcher) and(n matcher) matcher {
	if n.exact { // the quicker one first
		m, n = n, m
	}
	return matcher{
		func(r []byte) bool { return m.may(r) && n.may(r) },
		func(r []byte) bool { return m.is(r) && n.is(r) },
		m.exact && n.exact,
	}
}

// or returns a matcher for records that m or n matches. It is exact only if both are.
func (m matcher) or(n matcher) matcher {
	return matcher{
		func(r []byte) bool { return m.may(r) || n.may(r) },
		func(r []byte) bool { return m.is(r) || n.is(r) },
		m.exact && n.exact,
	}
}

// not returns a matcher for the records that m does not match. Its fast test accepts every record, because that of m
// can report false matches.
func (m matcher) not() matcher {
	return matcher{func([]byte) bool { return true }, func(r []byte) bool { return !m.is(r) }, false}
}

// exprParser is a recursive descent parser of expressions.
type exprParser struct {
	words []string
	depth int
}

// split splits an expression into words and parentheses. A quote that is not closed is an error. An empty text has no
// words. Words are separated by blanks, tabs, newlines and parentheses.
func (p *exprParser) split(text string) error {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case c == '(' || c == ')':
			p.words = append(p.words, text[i:i+1])
			i++
		default:
			n, err := p.word(text[i:])
			if err != nil {
				return err
			}
			i += n
		}
	}
	return nil
}

// word adds the first word of text to p.words, without its quotes. It returns the length of the word including them.
// A quote that is not closed is an error. Quotes can be within a word.
func (p *exprParser) word(text string) (int, error) {
	var word strings.Builder
	quoted, i := false, 0
	for ; i < len(text) && (quoted || !strings.ContainsRune(" \t\n()", rune(text[i]))); i++ {
		if text[i] == '"' {
			quoted = !quoted
			continue
		}
		word.WriteByte(text[i])
	}
	if quoted {
		return 0, errors.New("a quote is not closed")
	}
	p.words = append(p.words, word.String())
	return i, nil
}

// accept removes the next word and returns true if it is this one. Otherwise, and at the end, it returns false.
func (p *exprParser) accept(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

// or parses terms joined by "or", each of which may be joined by "and". Words after the expression stay in p.
func (p *exprParser) or() (matcher, error) {
	a, err := p.and()
	for err == nil && p.accept("or") {
		var b matcher
		b, err = p.and()
		a = a.or(b)
	}
	return a, err
}

// and parses terms joined by "and". It binds closer than "or".
func (p *exprParser) and() (matcher, error) {
	a, err := p.not()
	for err == nil && p.accept("and") {
		var b matcher
		b, err = p.not()
		a = a.and(b)
	}
	return a, err
}

// maxDepth limits the nesting of an expression.
const maxDepth = 100

// not parses a term, a negated term or an expression in parentheses. More than maxDepth levels, a missing term and an
// open parenthesis are errors. not may be repeated, and each counts as a level.
func (p *exprParser) not() (matcher, error) {
	if p.depth++; p.depth > maxDepth {
		return matcher{}, errors.New("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("not"):
		m, err := p.not()
		return m.not(), err
	case p.accept("("):
		m, err := p.or()
		if err == nil && !p.accept(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return m, err
	case len(p.words) == 0:
		return matcher{}, errors.New("a term is missing at the end")
	}
	word := p.words[0]
	p.words = p.words[1:]
	return term(word)
}

// term returns the matcher of name=value or name!=value. An empty name or value is an error. So is an unknown name. A
// value may contain further equals signs.
func term(word string) (matcher, error) {
	name, value, ok := strings.Cut(word, "=")
	name, negated := strings.CutSuffix(name, "!")
	if !ok || name == "" || value == "" {
		return matcher{}, fmt.Errorf("%q: want name=value, such as user=alice", word)
	}
	m, err := compare(name, value)
	if err == nil && negated {
		m = m.not()
	}
	return m, err
}

// Members of a record's head, which has them in this order. Up to the subcategory no value contains a comma.
const (
	headID      = 0
	headEvent   = 2
	headOutcome = 4
)

// isPattern reports whether a value of an expression stands for more than one text.
func isPattern(value string) bool { return strings.ContainsAny(value, "*?") }

// isPrivilege reports whether name is that of a privilege, in any case.
func isPrivilege(name string) bool {
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		if strings.EqualFold(p.String(), name) {
			return true
		}
	}
	return false
}

// inHead returns a matcher for records with the JSON text member after place commas. It compares fields of the
// record's head, such as the event id, whose order is fixed. A record with fewer commas does not match.
func inHead(place int, member string) matcher {
	want := []byte(member)
	return exact(func(r []byte) bool {
		for range place {
			at := bytes.IndexByte(r, ',')
			if at < 0 {
				return false
			}
			r = r[at+1:]
		}
		return bytes.HasPrefix(r, want)
	})
}

// compare returns the matcher for a field, or a group of fields, and a value.
//   - event, id: value is a decimal number
//   - result: value is success or failure
//   - user, object, privilege: any of several fields matches
//   - subcategory, type, or a name with a first capital: one field matches. A subcategory may be a GUID
//
// All but the first two cases allow * and ? in value. An unknown name in lower case is an error, and an empty name
// panics.
func compare(name, value string) (matcher, error) {
	switch name {
	case "event", "id":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return matcher{}, fmt.Errorf("%s=%s: want a number", name, value)
		}
		if name == "id" {
			return inHead(headID, fmt.Sprintf(`{"id":%d,`, n)), nil
		}
		return inHead(headEvent, fmt.Sprintf(`"event":%d,`, n)), nil
	case "result":
		if value != "success" && value != "failure" {
			return matcher{}, fmt.Errorf("result=%s: want success or failure", value)
		}
		return inHead(headOutcome, `"outcome":"`+value+`"`), nil
	case "subcategory":
		if isPattern(value) {
			return fields(value, "subcategory"), nil
		}
		s, err := audit.ParseSubcategory(value)
		if err != nil {
			return matcher{}, fmt.Errorf("subcategory=%s: %w", value, err)
		}
		return fields(s.String(), "subcategory"), nil
	case "user":
		return fields(value, "SubjectUserName", "SubjectUserSid", "PrimaryUserName", "PrimaryUserSid",
			"TargetUserName", "TargetUserSid"), nil
	case "object":
		return fields(value, "ObjectName", "Service", "LinkName"), nil
	case "type":
		return fields(value, "ObjectType"), nil
	case "privilege":
		if value != "-" && !isPattern(value) && !isPrivilege(value) {
			return matcher{}, fmt.Errorf("privilege=%s: want a name such as SeBackupPrivilege", value)
		}
		return fields(value, "PrivilegeList", "EnabledPrivilegeList"), nil
	}
	if name[0] < 'A' || name[0] > 'Z' {
		return matcher{}, fmt.Errorf("unknown name %q: see refmon audit query --help", name)
	}
	return fields(value, name), nil
}

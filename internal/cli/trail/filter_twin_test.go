package trail

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// expr is a random expression: its text, and its result for a fully decoded record.
type expr struct {
	text string
	is   func(e *audit.Event) bool
}

// pieces of names and patterns: common ones, ones with escapes, and none.
var pieces = []string{"report", "srv", `\`, `"x"`, "é", "É", "中", "\n", "\x01", "<&>", "a", "", "Q3", "plan.txt"}

func word(rnd *rand.Rand) string {
	var b strings.Builder
	for range 1 + rnd.IntN(3) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

// pattern is a word with wild cards that the language of expressions can write.
func pattern(rnd *rand.Rand) string {
	s := strings.NewReplacer(`"`, "?", "\n", "?").Replace(word(rnd))
	switch rnd.IntN(4) {
	case 0:
		s = "*" + s + "*"
	case 1:
		s = "*" + s
	case 2:
		s = strings.ToUpper(s) + "*"
	}
	return s
}

// valueIs compares the value of a field, or one of its values, letter by letter.
func valueIs(e *audit.Event, name, pattern string) bool {
	f, ok := e.Field(name)
	return ok && slices.ContainsFunc(strings.Split(f, "\x00"), func(v string) bool { return slowGlob(pattern, v) })
}

// slowGlob is the naive twin of glob.
func slowGlob(p, s string) bool {
	if p == "" {
		return s == ""
	}
	first, n := utf8.DecodeRuneInString(p)
	if first == '*' {
		for i := range s + "." {
			if slowGlob(p[1:], s[i:]) {
				return true
			}
		}
		return false
	}
	// ASCII letters are no variants of others, such as the Kelvin sign of k.
	char, size := utf8.DecodeRuneInString(s)
	same := s != "" && (first == '?' || (first < 0x80) == (char < 0x80) && strings.EqualFold(p[:n], s[:size]))
	return same && slowGlob(p[n:], s[size:])
}

func randomExpr(rnd *rand.Rand, depth int) expr {
	if depth > 0 && rnd.IntN(3) > 0 {
		a, b := randomExpr(rnd, depth-1), randomExpr(rnd, depth-1)
		switch rnd.IntN(3) {
		case 0:
			return expr{"(" + a.text + " and " + b.text + ")", func(e *audit.Event) bool { return a.is(e) && b.is(e) }}
		case 1:
			return expr{"(" + a.text + " or " + b.text + ")", func(e *audit.Event) bool { return a.is(e) || b.is(e) }}
		}
		return expr{"not " + a.text, func(e *audit.Event) bool { return !a.is(e) }}
	}
	switch rnd.IntN(4) {
	case 0:
		return expr{"result=failure", func(e *audit.Event) bool { return e.Outcome == audit.Failure }}
	case 1:
		id := uint64(7 + rnd.IntN(2))
		return expr{fmt.Sprintf("id=%d", id), func(e *audit.Event) bool { return e.RecordID == id }}
	}
	p := pattern(rnd)
	if p == "" {
		p = "*"
	}
	if rnd.IntN(2) == 0 {
		return expr{`object="` + p + `"`, func(e *audit.Event) bool { return valueIs(e, "ObjectName", p) }}
	}
	return expr{`ProcessName!="` + p + `"`, func(e *audit.Event) bool { return !valueIs(e, "ProcessName", p) }}
}

// A filter on stored bytes matches the same records as its expression on the decoded record.
func TestFilterOnBytesEqualsDecodedFilter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var chosen int
	const runs = 5_000
	for range runs {
		outcome := audit.Success
		if rnd.IntN(2) == 0 {
			outcome = audit.Failure
		}
		e := requested(t, audit.Object{Type: "File", Name: word(rnd)}, outcome, winnt.FILE_READ_DATA)
		x := randomExpr(rnd, 3)
		f := check.Must(Parse(x.text))
		got := f.Match(e.AppendJSON(nil))
		if got != x.is(&e) {
			name, _ := e.Field("ObjectName")
			t.Fatalf("filter %q: %t for the object %q, want the twin's answer", x.text, got, name)
		}
		if got {
			chosen++
		}
	}
	check.That(t, chosen >= runs/10 && chosen <= runs*9/10,
		"%d of %d records match, want between a tenth and nine tenths", chosen, runs)
}

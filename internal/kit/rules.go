package kit

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/docs"
)

// Values of Question.Known, the strongest first.
const (
	Recorded   = "recorded"   // the rule was recorded on Windows, and the question is an instance of it
	Documented = "documented" // Microsoft's documents say so
	Agree      = "agree"      // refmon and the oracle agree; the sources do not settle it alone
	Decided    = "decided"    // by refmon, where documents are silent
)

var strength = []string{Decided, Agree, Documented, Recorded}

// Ways returns the possible evidence for a right answer, the values of Question.Known, the strongest first.
func Ways() []string { return []string{Recorded, Documented, Agree, Decided} }

// Rule is a rule of docs/rules.
type Rule struct{ Sentence, Source string }

var ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z]-[0-9]+[a-z]?)\*\* (.*) \*Source: (.*)\*$`)

var rules = sync.OnceValue(func() map[string]Rule {
	all := map[string]Rule{}
	files, _ := docs.Rules.ReadDir("rules")
	for _, f := range files {
		b, _ := docs.Rules.ReadFile("rules/" + f.Name()) // it is in the program
		for _, m := range ruleLine.FindAllStringSubmatch(string(b), -1) {
			all[m[1]] = Rule{m[2], m[3]}
		}
	}
	return all
})

// RuleOf returns a rule by its id; the zero Rule if there is none.
func RuleOf(id string) Rule { return rules()[id] }

var (
	choice   = regexp.MustCompile(`(?i)choice|decided|decision|our own|reading`)
	recorded = regexp.MustCompile(`(?i)recorded|recordings`)
	indirect = regexp.MustCompile(`(?i)forshaw|reactos|observed|tests`)
)

// KnownOf returns the strength of the evidence for a rule, from its source. A source that names a choice is never
// more than [Agree], because a question may depend on the chosen part (B-37). A source of choices only is [Decided];
// one without choices, recordings and indirect sources is [Documented].
func KnownOf(source string) string {
	parts := strings.Split(source, ";")
	switch {
	case !slices.ContainsFunc(parts, func(p string) bool { return !choice.MatchString(p) }):
		return Decided
	case choice.MatchString(source), indirect.MatchString(source) && !recorded.MatchString(source):
		return Agree
	case recorded.MatchString(source):
		return Recorded
	}
	return Documented
}

// known returns the weakest evidence among the rules with these ids, which is that of a question about them. It
// panics for an unknown id. Without ids it returns [Recorded].
func known(ids []string) string {
	weakest := Recorded
	for _, id := range ids {
		r, ok := rules()[id]
		if !ok {
			panic("kit: no rule " + id)
		}
		if k := KnownOf(r.Source); slices.Index(strength, k) < slices.Index(strength, weakest) {
			weakest = k
		}
	}
	return weakest
}

// cite returns a line about a rule for the report of a failure: its id, text and source. If short is true, it is only
// the id and the first sentence.
func cite(id string, short bool) string {
	r := RuleOf(id)
	if short {
		first, _, more := strings.Cut(r.Sentence, ". ")
		if more {
			first += "."
		}
		return id + " " + first
	}
	return id + " " + r.Sentence + " Source: " + strings.TrimSuffix(r.Source, ".") + "."
}

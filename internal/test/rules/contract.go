package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Facts holds the parts of a rule that a new wording must keep:
// names, numbers, cited rules, the source, and how often each modal word occurs.
// The zero value is a rule that says nothing.
type Facts struct {
	Source  string         // the first 8 hexadecimal digits of the source's SHA-256
	Names   []string       // statuses, rights and other names with underscores, and SIDs; sorted, each once
	Numbers []string       // numbers in digits, also those that the text spells; sorted, each once
	Cited   []string       // ids of other rules; sorted, each once
	Kept    []string       // code spans, routine names and abbreviations; a new wording may add some
	Modals  map[string]int // how often each word of modals occurs
}

// sep separates the values of one field of a row; no rule has it.
const sep = "¦"

// modals are the words that change what a rule allows.
var modals = []string{"must", "may", "never", "only", "unless", "except", "before", "after", "at most", "at least"}

// spelled are the numbers that rules write as words. One is left out: it is mostly an article.
var spelled = map[string]string{
	"two": "2", "twice": "2",
	"three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
	"eleven": "11", "twelve": "12", "sixteen": "16", "hundred": "100", "thousand": "1000", "million": "1000000",
}

var (
	ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z]-[1-9][0-9]*[a-z]?)\*\* (.*) \*Source: (.*)\*$`)
	sidText  = regexp.MustCompile(`\bS-1-[0-9A-Za-z…-]*[0-9A-Za-z…]`)
	capsName = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bDELETE\b`)
	digits   = regexp.MustCompile(`(?i)(?:^|[^\w.-])(0x[0-9a-f]+|[0-9]+(?:[.,][0-9]+)*)`)
	codeSpan = regexp.MustCompile("`[^`]+`")
	keptName = regexp.MustCompile(`\b(?:[A-Za-z]*[a-z][A-Z]\w*|[A-Z][A-Z0-9]+)\b`)
	letters  = regexp.MustCompile(`[a-z]+`)
)

// ReadFacts returns the facts of each rule in the text of a file of docs/rules.
func ReadFacts(text string) map[ID]Facts {
	all := map[ID]Facts{}
	for _, m := range ruleLine.FindAllStringSubmatch(text, -1) {
		all[ID(m[1])] = factsOf(m[2], m[3])
	}
	return all
}

// factsOf returns the facts of a rule that a new wording must keep: its source, numbers, names, cited rules and modal
// words.
func factsOf(text, source string) Facts {
	sum := sha256.Sum256([]byte(source))
	f := Facts{Source: hex.EncodeToString(sum[:4]), Modals: countModals(text)}
	f.Kept = set(codeSpan.FindAllString(text, -1))
	sids := sidText.FindAllString(text, -1)
	text = sidText.ReplaceAllString(text, "SID")
	f.Names = set(append(sids, capsName.FindAllString(text, -1)...))
	text = capsName.ReplaceAllString(text, "name")
	f.Kept = set(append(f.Kept, keptName.FindAllString(codeSpan.ReplaceAllString(text, "span"), -1)...))
	for _, id := range FindAll(text) {
		f.Cited = append(f.Cited, string(id))
	}
	f.Cited = set(f.Cited)
	for _, m := range digits.FindAllStringSubmatch(text, -1) {
		f.Numbers = append(f.Numbers, strings.ToLower(m[1]))
	}
	for _, w := range letters.FindAllString(strings.ToLower(text), -1) {
		if n, ok := spelled[w]; ok {
			f.Numbers = append(f.Numbers, n)
		}
	}
	f.Numbers = set(f.Numbers)
	return f
}

// countModals counts each modal word in a text, without regard to case. A word that does not occur has no entry.
func countModals(text string) map[string]int {
	counts := map[string]int{}
	words := " " + strings.Join(regexp.MustCompile(`[A-Za-z]+`).FindAllString(strings.ToLower(text), -1), "  ") + " "
	for _, w := range modals {
		if n := strings.Count(words, " "+strings.ReplaceAll(w, " ", "  ")+" "); n > 0 {
			counts[w] = n
		}
	}
	return counts
}

// set sorts a list and removes duplicates.
func set(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// Row returns the row of a rule in testdata/contract.txt: seven fields
// separated by tabs, the first one the id.
func (f Facts) Row(id ID) string {
	var counts []string
	for _, w := range slices.Sorted(maps.Keys(f.Modals)) {
		counts = append(counts, w+"="+strconv.Itoa(f.Modals[w]))
	}
	return strings.Join([]string{
		string(id), f.Source, strings.Join(f.Names, sep), strings.Join(f.Numbers, sep), strings.Join(f.Cited, sep),
		strings.Join(f.Kept, sep), strings.Join(counts, sep),
	}, "\t")
}

// ParseRow parses a row in the form of [Facts.Row].
func ParseRow(line string) (ID, Facts, error) {
	cells := strings.Split(line, "\t")
	if len(cells) != 7 {
		return "", Facts{}, fmt.Errorf("%q has %d fields, want 7", line, len(cells))
	}
	list := func(cell string) []string {
		return strings.FieldsFunc(cell, func(r rune) bool { return string(r) == sep })
	}
	f := Facts{
		Source: cells[1], Names: list(cells[2]), Numbers: list(cells[3]), Cited: list(cells[4]), Kept: list(cells[5]),
		Modals: map[string]int{},
	}
	for _, cell := range list(cells[6]) {
		word, count, _ := strings.Cut(cell, "=")
		n, err := strconv.Atoi(count)
		if err != nil {
			return "", Facts{}, fmt.Errorf("%q: count of %q: %w", line, word, err)
		}
		f.Modals[word] = n
	}
	return ID(cells[0]), f, nil
}

// Differences lists what a rule's new wording lost or added compared with the
// facts before: for each the word it is about, and a sentence. It is empty if
// the new wording keeps them all.
func (f Facts) Differences(now Facts) map[string]string {
	diffs := map[string]string{}
	if f.Source != now.Source {
		diffs["source"] = "the source is not what it was"
	}
	for _, c := range []struct {
		kind    string
		was, is []string
		mayAdd  bool
	}{
		{kind: "name", was: f.Names, is: now.Names},
		{kind: "number", was: f.Numbers, is: now.Numbers},
		{kind: "id", was: f.Cited, is: now.Cited},
		{kind: "word", was: f.Kept, is: now.Kept, mayAdd: true},
	} {
		for _, w := range c.was {
			if !slices.Contains(c.is, w) {
				diffs[w] = c.kind + " " + w + " is missing"
			}
		}
		for _, w := range c.is {
			if !c.mayAdd && !slices.Contains(c.was, w) {
				diffs[w] = c.kind + " " + w + " was not there"
			}
		}
	}
	for _, w := range modals {
		if was, is := f.Modals[w], now.Modals[w]; is < was {
			diffs[w] = fmt.Sprintf("%q occurs %d times, and %d before", w, is, was)
		}
	}
	return diffs
}

package rules

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/refmon/refmon/docs"
)

// ID is the number of a rule, such as A-56 or U-57a. The zero value is no
// rule.
type ID string

// candidate finds what may be an id; bounded decides by what stands around it.
var candidate = regexp.MustCompile(`[OTIPSAUFBWLMKDGNQZ]-[1-9][0-9]*[a-z]?`)

// FindAll lists the rule ids in a text, in order, with repetitions.
func FindAll(text string) []ID {
	var ids []ID
	for _, at := range candidate.FindAllStringIndex(text, -1) {
		if bounded(text[:at[0]], text[at[1]:]) {
			ids = append(ids, ID(text[at[0]:at[1]]))
		}
	}
	return ids
}

// bounded tells an id from the middle of something longer: of a case id
// (AC-1), a name (UTF-8, MS-F-1), a number (A-0x1f) or a SID (S-1-5-32, S-1-…).
func bounded(before, after string) bool {
	if before != "" && word(before[len(before)-1]) {
		return false
	}
	if after == "" {
		return true
	}
	return !word(after[0]) && !strings.HasPrefix(after, "…")
}

func word(c byte) bool {
	return c == '-' || c == '_' || c == '%' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Family returns the letter of the rule's file.
func (id ID) Family() string {
	letter, _, _ := strings.Cut(string(id), "-")
	return letter
}

// Compare orders ids of one family by number, then by letter.
func (id ID) Compare(o ID) int {
	n, a := id.number()
	m, b := o.number()
	if n != m {
		return n - m
	}
	return strings.Compare(a, b)
}

func (id ID) number() (n int, suffix string) {
	_, rest, _ := strings.Cut(string(id), "-")
	digits := strings.TrimRight(rest, "abcdefghijklmnopqrstuvwxyz")
	n, _ = strconv.Atoi(digits)
	return n, rest[len(digits):]
}

// Source returns the source that docs/rules gives for a rule; "" if no file lists it.
func (id ID) Source() string {
	line := regexp.MustCompile(`(?m)^- \*\*` + regexp.QuoteMeta(string(id)) + `\*\* .* \*Source: (.*)\.\*$`)
	files, _ := docs.Rules.ReadDir("rules")
	for _, f := range files {
		b, _ := docs.Rules.ReadFile("rules/" + f.Name()) // it is in the program
		if m := line.FindSubmatch(b); m != nil {
			return string(m[1])
		}
	}
	return ""
}

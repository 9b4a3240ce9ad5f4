package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/refmon/refmon/docs"
	controls "github.com/refmon/refmon/internal/printable"
)

var ruleID = regexp.MustCompile(`^(?i:([a-z])-([0-9]+)([a-z]?))$`)

// isRule reports whether all topics look like ids of rules, such as A-71. It is false for none.
func isRule(topics []string) bool {
	for _, t := range topics {
		if !ruleID.MatchString(t) {
			return false
		}
	}
	return len(topics) > 0
}

// printRules prints the rules with some ids, whose first letter may be small (U-132). An id that docs/rules does not
// have is an error that names the range of ids with its letter.
func printRules(std *streams, ids []string) error {
	for i, id := range ids {
		m := ruleID.FindStringSubmatch(id)
		text, err := findRule(strings.ToUpper(m[1]) + "-" + m[2] + strings.ToLower(m[3]))
		if err != nil {
			return err
		}
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(std.out, wrapLines(text, std.width)); err != nil {
			return err
		}
	}
	return nil
}

// findRule returns the text of a rule for people: its id and file, its sentences, and its source. An unknown rule is an
// error that names the range of its letter, and so is an unknown letter.
func findRule(id string) (string, error) {
	letter, _, _ := strings.Cut(id, "-")
	first, last := 0, 0
	files, _ := docs.Rules.ReadDir("rules")
	for _, f := range files {
		b, _ := docs.Rules.ReadFile("rules/" + f.Name()) // cannot fail: the file is embedded
		for line := range strings.Lines(string(b)) {
			rule, isBullet := strings.CutPrefix(line, "- **")
			name, sentences, _ := strings.Cut(rule, "** ")
			if !isBullet {
				continue
			}
			if name == id {
				text, source, _ := strings.Cut(strings.TrimSpace(sentences), " *Source: ")
				plain := strings.NewReplacer("`", "", "**", "").Replace
				return fmt.Sprintf("%s (docs/rules/%s)\n\n%s\n\nSource: %s\n", id, f.Name(), plain(text),
					plain(strings.TrimSuffix(source, "*"))), nil
			}
			if rest, ok := strings.CutPrefix(name, letter+"-"); ok {
				n, _ := strconv.Atoi(strings.TrimRight(rest, "abcdefghijklmnopqrstuvwxyz"))
				if first == 0 || n < first {
					first = n
				}
				last = max(last, n)
			}
		}
	}
	if last == 0 {
		return "", fmt.Errorf("no rule %s: no id starts with %s; docs/rules lists all rules", id, letter)
	}
	return "", fmt.Errorf("no rule %s: the ids that start with %s are from %[2]s-%[3]d to %[2]s-%[4]d, with gaps", id,
		letter, first, last)
}

// wrapLines wraps each line of a text at width columns; 0 means 78.
func wrapLines(text string, width int) string {
	if width == 0 {
		width = 78
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Join(controls.Wrap(strings.TrimSuffix(line, "\n"), width), "\n") + "\n")
	}
	return b.String()
}

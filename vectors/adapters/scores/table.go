package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// The table is between these lines of the page.
const (
	begin = "<!-- scores: begin -->"
	end   = "<!-- scores: end -->"
)

// table returns the rows as Markdown: for each suite the right answers of those that the implementation attempted.
func table(rows []row, at time.Time) string {
	suites, asked := suitesOf(rows)
	var b strings.Builder
	fmt.Fprintf(&b, "Made on %s. Questions:", at.UTC().Format(time.DateOnly))
	for _, s := range suites {
		fmt.Fprintf(&b, " %s %d,", s, asked[s])
	}
	text := strings.TrimSuffix(b.String(), ",") + ".\n\n| implementation | version |"
	b.Reset()
	b.WriteString(text)
	for _, s := range suites {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(suites)) + "\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s |", r.title, r.got)
		if r.result == nil {
			fmt.Fprintf(&b, " not run: %s |%s\n", r.missing, strings.Repeat(" |", max(0, len(suites)-1)))
			continue
		}
		for _, s := range suites {
			fmt.Fprintf(&b, " %s |", cell(r.result, s))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// suitesOf returns the suites in their order, and how many questions each has.
func suitesOf(rows []row) (suites []string, asked map[string]int) {
	asked = map[string]int{}
	for _, r := range rows {
		if r.result == nil || len(suites) > 0 {
			continue
		}
		for _, c := range r.result.Suites {
			if asked[c.Suite] == 0 {
				suites = append(suites, c.Suite)
			}
			asked[c.Suite] += c.Asked
		}
	}
	return suites, asked
}

// cell shows right answers of attempted ones, and how many differ from a decision of refmon. It is "-" if the
// implementation attempted none.
func cell(r *result, suite string) string {
	right, tried, differs := 0, 0, 0
	for _, c := range r.Suites {
		if c.Suite == suite {
			right += c.Right
			tried += c.Right + c.Wrong
			differs += c.Differs
		}
	}
	switch {
	case tried+differs == 0:
		return "-"
	case differs > 0:
		return fmt.Sprintf("%d of %d, %d differ", right, tried, differs)
	}
	return fmt.Sprintf("%d of %d", right, tried)
}

// replaceTable replaces what is between the two marks of a page.
func replaceTable(path, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(b), begin+"\n")
	_, tail, found := strings.Cut(rest, end)
	if !ok || !found {
		return fmt.Errorf("%s: the lines %q and %q are missing", path, begin, end)
	}
	return os.WriteFile(path, []byte(head+begin+"\n"+text+end+tail), 0o644)
}

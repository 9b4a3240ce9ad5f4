package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/cli/replay"
)

// compareCmd holds the arguments and flags of refmon compare.
type compareCmd struct {
	Recording string `arg:"" help:"A recording of refmon-record, - for standard input."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
	Vectors   bool   `help:"Print the answered questions as test vectors with their origin instead."`
}

// Help returns the long text of --help for refmon compare.
func (compareCmd) Help() string {
	return `A recording holds the answers of a Windows machine to the questions that refmon answers; refmon-record writes
one on the machine on which it runs (docs/recording.md). This command computes refmon's answer to each line in both
profiles and lists the differences by rule, with the remarks of docs/CAVEATS.md:

  refmon compare recording.jsonl

The counts are:

  same           refmon's answer is equal
  known          the profile observed gives the recorded answer, or
                 docs/CAVEATS.md says that the rule is not implemented
  differs        any other difference
  not compared   the calls of a program after its first different result
  skipped        the machine could not answer the question

A recording of Windows also tests rules without a published source. The command lists those that it confirms or
contradicts.

The exit code is 0 if every difference is known, 1 if one is not, 2 if the file is not a whole recording.`
}

// Run compares a recording of Windows with this implementation and prints the differences. It returns errDenied if one
// is not explained. With --vectors it compares nothing and writes the recording as vectors. A recording that cannot be
// read, and one that contradicts the questions, are errors.
func (c *compareCmd) Run(std *streams) error {
	in := std.in
	if c.Recording != "-" {
		f, err := os.Open(c.Recording)
		if err != nil {
			return fmt.Errorf("read the recording: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	rec, err := replay.Read(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Recording, err)
	}
	if c.Vectors {
		return replay.WriteVectors(std.out, rec)
	}
	notes, err := replay.ReadNotes()
	if err != nil {
		return err
	}
	report, err := replay.Compare(rec, notes)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Recording, err)
	}
	if c.JSON {
		e := json.NewEncoder(std.out)
		e.SetEscapeHTML(false)
		err = e.Encode(report)
	} else {
		err = printComparison(std, report)
	}
	if err != nil {
		return err
	}
	return verdict(report.Counts.Unexplained == 0)
}

// printComparison prints the recorded system, the differences by rule, the skipped cases by reason, the most
// frequent reason first, and the counts. The error is that of writing.
func printComparison(std *streams, r *replay.Report) error {
	s, out := r.Header.System, std.out
	fmt.Fprintln(out, inLine(fmt.Sprintf("%s build %d.%d %s, %s, tokens %s", s.Product, s.Build, s.Revision,
		s.Architecture, r.Header.Date, r.Header.Tokens)))
	if s.Wine != "" {
		fmt.Fprintf(out, "recorded under Wine %s: this shows that the recorder works, not what Windows does\n",
			inLine(s.Wine))
	}
	byRule := map[string][]replay.Difference{}
	for _, d := range r.Differences {
		byRule[d.Rule()] = append(byRule[d.Rule()], d)
	}
	for _, rule := range sortedKeys(byRule) {
		printRule(std, rule, byRule[rule])
	}
	printSettled(out, r)
	if len(r.Skips) > 0 {
		fmt.Fprint(out, "\nskipped:\n")
	}
	reasons := sortedKeys(r.Skips)
	slices.SortStableFunc(reasons, func(a, b string) int { return r.Skips[b] - r.Skips[a] })
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, reason := range reasons {
		fmt.Fprintf(w, "%d\t  %s\n", r.Skips[reason], inLine(reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	c := r.Counts
	_, err := fmt.Fprintf(out, "\n%d same, %d known, %d differ, %d not compared, %d skipped\n", c.Same, c.Known,
		c.Unexplained, c.Apart, c.Skipped)
	return err
}

// printRule prints the differences of one rule, with our result and the recorded one, and the row of CAVEATS.md
// that explains them, if any. An empty rule prints as "no rule".
func printRule(std *streams, rule string, list []replay.Difference) {
	if rule == "" {
		rule = "no rule"
	}
	caveat := "no row in docs/CAVEATS.md"
	for _, d := range list {
		if d.Caveat != "" {
			caveat = "docs/CAVEATS.md: " + d.Caveat
		}
	}
	fmt.Fprintf(std.out, "\n%s: %s\n", std.paint(bold, inLine(rule)), caveat)
	for _, d := range list {
		at := d.Case
		if d.Line > 0 {
			at = fmt.Sprintf("%s, line %d, %s", d.Case, d.Line, d.Thread)
		}
		colour, mark := red, "differs"
		if d.Known() {
			colour, mark = green, "known"
		}
		if d.Observed {
			mark += ", as the observed profile"
		}
		fmt.Fprintf(std.out, "  %s (%s) %s\n", inLine(at), std.paint(colour, mark), inLine(d.Call+compact(d.In)))
		fmt.Fprintf(std.out, "    theirs %s%s\n", inLine(d.Theirs.Status), inLine(compact(d.Theirs.Out)))
		fmt.Fprintf(std.out, "    ours   %s%s\n", d.Ours.Status, inLine(compact(d.Ours.Out)))
	}
}

// compact returns fields as JSON on one line after a blank, without nil values and the token. It returns "" if none are
// left. If they cannot be encoded, it returns the error's text.
func compact(f replay.Fields) string {
	kept := replay.Fields{}
	for k, v := range f {
		if v != nil && k != "token" {
			kept[k] = v
		}
	}
	if len(kept) == 0 {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(kept); err != nil {
		return " " + err.Error()
	}
	return " " + strings.TrimSpace(b.String())
}

// printSettled prints each rule that refmon decided itself and for which the recording is evidence. It calls a rule
// contradicted if at least one call contradicts it, and otherwise confirmed. Without such rules it prints nothing.
func printSettled(out io.Writer, r *replay.Report) {
	if len(r.Settles) == 0 {
		return
	}
	fmt.Fprint(out, "\ndecided here, and now settled:\n")
	for _, s := range r.Settles {
		word := "confirmed"
		if s.Contradict > 0 {
			word = "contradicted"
		}
		fmt.Fprintf(out, "  %s %s (%d agree, %d do not): %s\n", s.Rule, word, s.Confirmed, s.Contradict, s.Decided)
	}
}

// sortedKeys returns the keys of m in ascending order; an empty slice for an empty or nil map.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/cli/refusals"
	"github.com/refmon/refmon/nt"
)

// printRefusals prints which of two simultaneous failure conditions of a service decides. It calls the service with
// both conditions on a new kernel. A service without listed conditions is an error. A failed check is reported and
// shown as "?"; after the table it is an error.
func (c *servicesCmd) printRefusals(std *streams, row *nt.Row, profile nt.Profile) error {
	name := row.Info().Name
	if !refusals.Known(name) {
		return fmt.Errorf("no failure conditions of %s are listed: every call succeeds, or the list is incomplete", name)
	}
	if c.JSON {
		return printRefusalsJSON(std, name, profile)
	}
	list := refusals.Of(name, profile)
	pairs, unknown := winners(std, refusals.Matrix(name, profile))
	w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s: which of two faults wins (%s profile)\n\n", name, profile)
	for i, f := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", i+1, f.Rule(), f.Want, f.Name)
	}
	fmt.Fprint(w, "\nwith")
	for i := range list {
		fmt.Fprintf(w, "\t%d", i+1)
	}
	fmt.Fprintln(w)
	for i, f := range list {
		fmt.Fprintf(w, "%d", i+1)
		for j, g := range list[:i+1] {
			cell := "-"
			if i == j {
				cell = f.Rule()
			} else if rule, ok := pairs[[2]*refusals.Refusal{f, g}]; ok {
				cell = rule
			}
			fmt.Fprintf(w, "\t%s", cell)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "\nA cell names the rule that decides; - : the two cannot hold at once.")
	for _, a := range refusals.Absent(name) {
		fmt.Fprintf(w, "not in the table: %s %s, %s: %s\n", a.Condition.Rule, a.Condition.Status, a.Condition.When,
			a.Reason)
	}
	return errors.Join(w.Flush(), unknown)
}

// winners checks pairs of refusals and returns, for both orders of each pair, the rule that decides. For a pair whose
// check fails it is "?". It prints these failures, and returns one error that counts them, or nil.
func winners(std *streams, all []refusals.Pair) (pairs map[[2]*refusals.Refusal]string, unknown error) {
	pairs = map[[2]*refusals.Refusal]string{}
	failed := 0
	for _, p := range all {
		winner := p.First.Rule()
		if _, err := p.Check(); err != nil {
			winner = "?"
			failed++
			fmt.Fprintf(std.err, "refmon: %v\n", err)
		}
		pairs[[2]*refusals.Refusal{p.First, p.Second}] = winner
		pairs[[2]*refusals.Refusal{p.Second, p.First}] = winner
	}
	return pairs, unknownPairs(failed)
}

// unknownPairs returns an error for n pairs whose check failed, nil for 0.
func unknownPairs(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("the deciding rule of %s is unknown: the kernel does not follow its table",
		count(n, "pair", "pairs"))
}

// refusalJSON and pairJSON are the members of the JSON form.
type (
	refusalJSON struct {
		Rule   string `json:"rule"`
		Status string `json:"status"`
		Fault  string `json:"fault"`
	}
	pairJSON struct {
		Service string      `json:"service"`
		Profile string      `json:"profile"`
		First   refusalJSON `json:"first"`
		Second  refusalJSON `json:"second"`
		Rule    string      `json:"rule"`
		Status  string      `json:"status"`
		Holds   bool        `json:"holds"` // the call returned what the order of the rules says
	}
)

// printRefusalsJSON checks each pair of refusals of a service and prints a line of JSON for it. It stops at an error of
// the output. A check that fails is an error after the last line, and its own line says so.
func printRefusalsJSON(std *streams, name string, profile nt.Profile) error {
	e := json.NewEncoder(std.out)
	failed := 0
	for _, p := range refusals.Matrix(name, profile) {
		got, err := p.Check()
		line := pairJSON{name, profile.String(), jsonOf(p.First), jsonOf(p.Second), p.First.Rule(),
			got.Verdict.String(), err == nil}
		if err := e.Encode(line); err != nil {
			return err
		}
		if err != nil {
			failed++
		}
	}
	return unknownPairs(failed)
}

// jsonOf returns the JSON form of a service's failure condition: rule, status and name.
func jsonOf(f *refusals.Refusal) refusalJSON { return refusalJSON{f.Rule(), f.Want.String(), f.Name} }

package main

import (
	"fmt"
	"io"
	"strings"
)

// writeTable prints a row for each question and a column for each peer: its time, and the ratio to refmon's.
func writeTable(w io.Writer, peers []*peer, results [][]result) {
	fmt.Fprint(w, "| question |")
	for _, p := range peers {
		fmt.Fprintf(w, " %s |", p.name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("--:|", len(peers)))
	for i, q := range questions {
		fmt.Fprintf(w, "| %s |", q.name)
		for k, r := range results[i] {
			switch {
			case r.ns == 0:
				fmt.Fprint(w, " no such question |")
			case k == 0:
				fmt.Fprintf(w, " %s |", duration(r.ns))
			default:
				fmt.Fprintf(w, " %s, **× %s** |", duration(r.ns), digits(r.ratio))
			}
		}
		fmt.Fprintln(w)
	}
}

// writePeers prints the description and the missing features of each peer, and the absent ones.
func writePeers(w io.Writer, peers []*peer, absent []skipped) {
	fmt.Fprint(w, "\n| peer | version | what it cannot express |\n|---|---|---|\n")
	for _, p := range peers {
		fmt.Fprintf(w, "| %s | %s | %s |\n", p.name, p.version, p.lacks)
	}
	for _, s := range absent {
		fmt.Fprintf(w, "| %s | skipped | %v |\n", s.name, s.err)
	}
}

// duration prints nanoseconds with three digits.
func duration(ns float64) string {
	if ns >= 1000 {
		return digits(ns/1000) + " µs"
	}
	return digits(ns) + " ns"
}

// digits formats a number with about three digits, and at most two decimals.
func digits(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

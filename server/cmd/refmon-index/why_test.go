package main

import "testing"

// TestClassTermsPrintWithNames checks that the terms of a class are printed with their verb and the names of known
// SIDs.
func TestClassTermsPrintWithNames(t *testing.T) {
	for want, clause := range map[string][]string{
		"nobody":                          nil,
		"first match of: allow everybody": {"+*"},
		"first match of: deny S-1-5-21-1-2-3-1101, allow S-1-1-0 (Everyone)": {"-S-1-5-21-1-2-3-1101", "+S-1-1-0"},
	} {
		if got := inWords(clause); got != want {
			t.Errorf("%q: got %q, want %q", clause, got, want)
		}
	}
}

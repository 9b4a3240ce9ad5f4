package main

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestClassTermsPrintWithNames checks that the terms of a class are printed with their verb and the names of known
// SIDs.
func TestClassTermsPrintWithNames(t *testing.T) {
	for want, clause := range map[string][]string{
		"nobody":                          nil,
		"first match of: allow everybody": {"+*"},
		"first match of: deny S-1-5-21-1-2-3-1101, allow S-1-1-0 (Everyone)": {"-S-1-5-21-1-2-3-1101", "+S-1-1-0"},
	} {
		check.Equal(t, inWords(clause), want, "%q: got", clause)
	}
}

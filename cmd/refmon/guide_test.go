package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/nt"
)

var block = regexp.MustCompile("(?ms)^```star( prelude)?\n(.*?)^```$")

// TestGuide runs every piece of the guide for server authors, on both
// profiles, each on a kernel of its own after the page's first piece.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/impersonation.md")
	if err != nil {
		t.Fatal(err)
	}
	prelude, n := "", 0
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		if m[1] != "" {
			prelude = m[2]
			continue
		}
		n++
		for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
			var out strings.Builder
			r := script.New(script.Config{Output: &out, Profile: profile})
			if err := r.Run("impersonation.md", []byte(prelude+m[2])); err != nil {
				t.Errorf("piece %d, %s: %v\n%s", n, profile, err, out.String())
			}
			if err := r.Close(); err != nil {
				t.Errorf("piece %d, %s: %v", n, profile, err)
			}
		}
	}
	if n < 7 {
		t.Errorf("found %d pieces of code on the page", n)
	}
}

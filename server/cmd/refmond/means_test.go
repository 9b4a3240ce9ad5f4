package main

import "testing"

// TestNamesThatAreMeant: a file is meant by any part of its name, in whatever case, and each by no part.
func TestNamesThatAreMeant(t *testing.T) {
	for _, c := range []struct {
		part, name string
		want       bool
	}{
		{"", "", true}, {"", `\??\share\Plan`, true}, {"plan", `\??\share\Plan`, true}, {"PLAN", `\??\share\plan`, true},
		{`E\p`, `\??\share\Plan`, true}, {`\??\share\Plan`, `\??\share\Plan`, true}, {"plan2", `\??\share\Plan`, false},
		{"plan", "", false}, {"nalp", `\??\share\Plan`, false},
	} {
		if got := (&openFilesCmd{Name: c.part}).means(c.name); got != c.want {
			t.Errorf("%q means %q: %t, want %t", c.part, c.name, got, c.want)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A version text cannot break the table, nor can a long one.
func TestCleanKeepsOneShortCell(t *testing.T) {
	for in, want := range map[string]string{"4.17": "4.17", "a|b\n<i>\x1b[0m": "a-b -i- -0m", "": "", "é": ""} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if n := len(clean(strings.Repeat("x", 1000))); n != 120 {
		t.Errorf("a long text has %d bytes, want 120", n)
	}
}

// The table has the number of correct and of attempted answers, or the reason why a row has none. Text outside of the
// marks stays.
func TestTableReplacesOnlyItself(t *testing.T) {
	rows := []row{
		{implementation: implementation{title: "one"}, got: "1", result: &result{Suites: []count{
			{Suite: "sddl", Known: "recorded", Asked: 5, Right: 2, Wrong: 1, Unsupported: 2},
			{Suite: "sddl", Known: "decided", Asked: 3, Right: 1, Differs: 2}, {Suite: "bytes", Asked: 3, Unsupported: 3}}}},
		{implementation: implementation{title: "two"}, missing: "absent"},
	}
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("head\n"+begin+"\nold\n"+end+"\ntail\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	if err := replaceTable(path, table(rows, at)); err != nil {
		t.Fatal(err)
	}
	want := "head\n" + begin + "\nMade on 2026-11-23. Questions: sddl 8, bytes 3.\n\n" +
		"| implementation | version | sddl | bytes |\n" +
		"|---|---|---|---|\n| one | 1 | 3 of 4, 2 differ | - |\n| two |  | not run: absent | |\n" + end + "\ntail\n"
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("page is\n%s\n%v, want\n%s", got, err, want)
	}
	if err := replaceTable(path+".none", "x"); err == nil {
		t.Error("a page that is missing was written, want an error")
	}
}

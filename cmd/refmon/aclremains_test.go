package main

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// A descendant keeps what was revoked by an own entry, a protected DACL or no DACL, but not by an inherited entry or by
// one of somebody else (B-112).
func TestKeepsCountsGrantsOfDescendants(t *testing.T) {
	for text, want := range map[string]int{"D:(A;;FR;;;BU)": 1, "D:P(A;ID;FR;;;BU)": 1, "O:BA": 1,
		"D:AI(A;ID;FR;;;BU)": 0, "D:(A;;FR;;;BA)": 0, "D:(D;;FR;;;BU)": 0} {
		var r aclRun
		r.keeps("f", sddl.MustParse(text), []acltree.Step{{Verb: acltree.Revoke, Trustee: sid.Users}})
		check.That(t, r.kept == want, "B-112: %s: %d files keep the grant, want %d", text, r.kept, want)
	}
}

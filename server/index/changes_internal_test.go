package index

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestChangeHasEvidenceOfItsRight checks that a change names the directory version that decided its own right, which
// can be newer than that of the other rights.
func TestChangeHasEvidenceOfItsRight(t *testing.T) {
	rights, err := words.Parse("read+modify")
	check.NoError(t, err)
	w, err := (Question{Rights: rights}).Worker(nil)
	check.NoError(t, err)
	check.NoError(t, w.Directory(firm(t), "v1", 1))
	sees(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)(A;;FA;;;" + night + ")")})
	check.NoError(t, w.Directory(firm(t, func(string) string { return "Staff" }), "v2", 2)) // bob and carol leave Night
	s, found := newState(), map[string]string{}
	for _, e := range w.Take() {
		list, err := s.changed(&e, true)
		check.NoError(t, err)
		for _, c := range list {
			found[c.Right] += c.Directory + " "
		}
	}
	check.That(t, found["read"] == "v1 " && found["modify"] == "v1 v2 ", "directory versions of the changes: %q", found)
}

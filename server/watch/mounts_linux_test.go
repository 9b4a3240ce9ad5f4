package watch

import (
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestMountPointsCoverTheirDescendants checks which paths a mount hides.
func TestMountPointsCoverTheirDescendants(t *testing.T) {
	m := &mountTable{points: map[string]struct{}{"/t/m": {}}}
	for path, want := range map[string][2]bool{"/t/m": {true, true}, "/t/m/a": {true, false}, "/t/m/a/b": {true, false},
		"/t/mm": {}, "/t": {}} {
		covered, point := m.covers(path)
		check.Equal(t, [2]bool{covered, point}, want, "%s is covered, is a mount point", path)
	}
	w := &watch{mounts: m, links: newLinkTable()}
	for path, want := range map[string]error{"/t/m": errForeign, "/t/mm": nil} {
		s, ours := w.newSeen(&objects.Item{Path: path, Descriptor: sddl.MustParse("O:SYG:SYD:")})
		check.That(t, ours && s.Err == want && (s.Descriptor == nil) == (want != nil), "%s: %+v, want %v", path, s, want)
	}
}

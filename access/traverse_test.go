package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// SeFastTraverseCheck grants only what the full check grants (A-36, AC-121).
func TestFastTraverseNeverExceedsFullCheck(t *testing.T) {
	const traverse = winnt.FILE_TRAVERSE
	noEveryone := func(s *token.Spec) { s.Groups = nil }
	for _, c := range []struct {
		id, sd string
		change func(*token.Spec)
		want   bool
	}{
		{"AC-121a", "D:NO_ACCESS_CONTROL", nil, true},
		{"AC-121b", "D:NO_ACCESS_CONTROL", appContainer, false},
		{"AC-121c", "D:NO_ACCESS_CONTROL", level(winnt.SecurityIdentification), false},
		{"AC-121d", "…(A;;0x20;;;WD)", noEveryone, false},
		{"Everyone", "…(A;;0x20;;;WD)", nil, true},
		{"Everyone, generic", "…(A;;GX;;;WD)", nil, true},
		{"empty", "…", nil, false},
		{"a denial for another SID", "…(D;;0x20;;;BG)(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for OWNER RIGHTS", "…(D;;0x20;;;OW)(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for SELF", "…(D;;0x20;;;PS)(A;;0x20;;;WD)", nil, false},
	} {
		spec := baseSpec()
		if c.change != nil {
			c.change(&spec)
		}
		s := access.SubjectOf(mustToken(t, spec))
		d := mustSD(t, c.sd)
		check.Equal(t, access.SeFastTraverseCheck(d, &s, traverse, winnt.DirectoryFileObject), c.want,
			"%s: SeFastTraverseCheck", c.id)
		if full, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: s, Desired: traverse,
			Type: winnt.DirectoryFileObject}); err != nil || c.want && !full.Allowed() {
			t.Errorf("%s: SeAccessCheck = %v, %v; want no error, and access if the shortcut grants it", c.id, full, err)
		}
	}
	spec := baseSpec()
	s := access.SubjectOf(mustToken(t, spec))
	for text, want := range map[string]bool{"…(A;;0x20;;;WD)(A;;1;;;WD)": false, "…(A;;0x21;;;WD)": true} {
		check.Equal(t, access.SeFastTraverseCheck(mustSD(t, text), &s, traverse|winnt.FILE_READ_DATA,
			winnt.DirectoryFileObject), want, "A-36: %s: two rights of one entry", text)
	}
	// No entry grants these, so the shortcut does not, even without a DACL.
	for _, wanted := range []winnt.AccessMask{0, winnt.ACCESS_SYSTEM_SECURITY, winnt.ACCESS_SYSTEM_SECURITY | traverse,
		winnt.MAXIMUM_ALLOWED, winnt.MAXIMUM_ALLOWED | traverse, winnt.GENERIC_EXECUTE} {
		check.That(t, !access.SeFastTraverseCheck(mustSD(t, "D:NO_ACCESS_CONTROL"), &s, wanted, winnt.DirectoryFileObject),
			"SeFastTraverseCheck of %v = true, want false", wanted)
	}
	low(&spec)
	s = access.SubjectOf(mustToken(t, spec))
	check.That(t, !access.SeFastTraverseCheck(mustSD(t, "D:NO_ACCESS_CONTROL"), &s, 2, winnt.DirectoryFileObject),
		"SeFastTraverseCheck of FILE_WRITE_DATA for a token at Low = true, want false")
}

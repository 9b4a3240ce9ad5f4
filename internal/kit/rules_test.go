package kit_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/test/check"
)

// TestSourceDeterminesEvidenceLevel checks the evidence level of each source (B-37). A named choice is never
// more than agreement.
func TestSourceDeterminesEvidenceLevel(t *testing.T) {
	for source, want := range map[string]string{
		"MS-DTYP 2.5.3.2.":                            kit.Documented,
		"Windows recordings.":                         kit.Recorded,
		"MS-DTYP 2.5.1.1, recorded Windows outcomes.": kit.Recorded,
		"AccessCheckByTypeResultList; Windows recordings; reaching up is this project's choice.": kit.Agree,
		"J. Forshaw, Windows Security Internals, chapter 7.":                                     kit.Agree,
		"NtDuplicateToken, TokenType; the reading is decided.":                                   kit.Agree,
		"event 4656; decided for MAXIMUM_ALLOWED alone.":                                         kit.Agree,
		"own choice.": kit.Decided, "Own choice, after J. Forshaw, Windows Security Internals, chapter 7.": kit.Decided,
		"project decision.": kit.Decided, "": kit.Documented,
	} {
		check.Equal(t, kit.KnownOf(source), want, "%s: got", source)
	}
	if r := kit.RuleOf("A-42"); r.Source != "Windows recordings." || r.Sentence == "" {
		t.Errorf("A-42: got %+v, want its sentence and source", r)
	}
	if r := kit.RuleOf("A-9999"); r != (kit.Rule{}) {
		t.Errorf("an unknown rule: got %+v, want none", r)
	}
}

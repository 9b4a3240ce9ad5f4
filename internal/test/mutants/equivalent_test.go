package mutants

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

func TestMutantRecordsAreParsed(t *testing.T) {
	for text, want := range map[string]int{
		"# a comment\n": 0,
		"mutant access check bound\nold a < b\nnew a <= b\nsurvives a reason": 1,
		"mutant a f forgotten cleanup\nold f()\nnew\nsurvives r\n":            1, // the statement is dropped
		"mutant access check\nold a < b\nnew a <= b\nsurvives a reason":       -1,
		"mutant access check bound\nold a < b\nnew a <= b":                    -1,
		"mutant access check bound\nnew a <= b\nold a < b\nsurvives":          -1,
	} {
		got, err := records(text)
		if err == nil && len(got) != want || (err != nil) != (want < 0) {
			t.Errorf("%q: got %d records, %v, want %d", text, len(got), err, want)
		}
	}
}

// A recorded mutant that its operator no longer generates has no effect: remove the record, or write its new text.
func TestRecordedMutantsAreStillMade(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it compiles programs")
	all, err := records(equivalentText)
	check.NoError(t, err)
	r := Runner{Root: root}
	sources := map[string]*source{}
	for _, x := range all {
		if sources[x.folder] == nil {
			if sources[x.folder], err = r.load(x.folder); err != nil {
				t.Fatal(err)
			}
		}
		check.That(t, sources[x.folder].find(x.function, x.operator, x.old, x.changed),
			"%s: %s makes no %q from %q in %s", x.folder, x.operator, x.changed, x.old, x.function)
	}
}

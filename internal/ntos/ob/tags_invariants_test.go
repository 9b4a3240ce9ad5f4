//go:build invariants

package ob_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
)

func TestLeakReportNamesHolders(t *testing.T) {
	var census ob.Census
	table := ob.NewTable(0)
	o := newObject(eventType, nil)
	census.Track(o)
	o.Ref(ob.TagImpersonation)
	o.Retag(ob.TagCall, ob.TagContext)
	table.Insert(o, 1, 0)
	want := []string{"Event: handles 1, references 3 (handle 1, impersonation 1, context 1)"}
	if got := census.Report(); !slices.Equal(got, want) {
		t.Errorf("report %q, want %q", got, want)
	}
}

func TestReleaseByTheWrongHolderPanics(t *testing.T) {
	o := newObject(eventType, nil)
	defer func() {
		if recover() == nil {
			t.Error("releasing another holder's reference did not panic, want a panic")
		}
	}()
	o.Deref(ob.TagHandle)
}

//go:build invariants

package ob_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
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
	check.SlicesEqual(t, census.Report(), want, "report")
}

func TestReleaseByTheWrongHolderPanics(t *testing.T) {
	o := newObject(eventType, nil)
	defer func() {
		check.That(t, recover() != nil, "releasing another holder's reference did not panic, want a panic")
	}()
	o.Deref(ob.TagHandle)
}

package access_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A record has the type's name and mapping, and the results of a list. checkRecord compares the rest for random
// requests. Explanation drops an entry that is too short.
func TestExplanationRecordHasTypeAndResults(t *testing.T) {
	r := newRequest(t, guids("…(A;;0x1;;;U)(OA;;0x2;{P1};;U)"), 3)
	r.Type, r.ObjectTypes = winnt.DirectoryFileObject, list(0, nodeC, 1, nodeP1, 1, nodeP2)
	_, _, x, err := access.ExplainResultList(r)
	check.NoError(t, err)
	record := x.Record()
	denied := access.ResultRecord{Status: ntstatus.AccessDenied, Granted: 1}
	want := []access.ResultRecord{denied, {Granted: 3}, denied}
	if record.Type != "directory" || !slices.Equal(record.Results, want) {
		t.Errorf(`record: type %q, results %v; want "directory", %v`, record.Type, record.Results, want)
	}
	check.DeepEqual(t, record.Mapping, &winnt.FileObject.Mapping, "mapping of the record")
	whole := *record
	whole.Steps = []access.StepRecord{{Entry: []byte{0x7F, 0, 4, 0}}}
	check.Equal(t, string(whole.Explanation().Record().Steps[0].Entry), "\x7f\x00\x04\x00",
		"shortest entry after Explanation")
	for n := range 4 {
		short := *record
		short.Steps = slices.Clone(record.Steps)
		short.Steps[0].Entry = make([]byte, n)
		got := short.Explanation().Record().Steps[0].Entry
		check.That(t, len(got) == 0, "entry of %d bytes after Explanation: % x, want none", n, got)
	}
}

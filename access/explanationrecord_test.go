package access_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A record has everything that an explanation prints, including the type, the results of a list and the entry of each
// step. Explanation drops an entry that is too short.
func TestExplanationRecordKeepsEverything(t *testing.T) {
	r := ask(t, "…(A;;0x1;;;U)(D;;0x2;;;WD)", 3)
	r.Type = winnt.DirectoryFileObject
	r.ObjectTypes = []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}}
	_, _, x, err := access.ExplainResultList(r)
	if err != nil {
		t.Fatal(err)
	}
	record := x.Record()
	if record.Type != "directory" || len(record.Results) != 2 || len(record.Steps) == 0 {
		t.Errorf(`record: type %q, %d results, %d steps; want "directory", 2, at least 1`, record.Type,
			len(record.Results), len(record.Steps))
	}
	if record.Mapping == nil || *record.Mapping != r.Type.Mapping {
		t.Errorf("mapping of the record: %+v, want %+v", record.Mapping, r.Type.Mapping)
	}
	for _, n := range record.Results {
		if n.Status != ntstatus.AccessDenied || n.Granted != 1 {
			t.Errorf("result %+v, want %v and granted 1", n, ntstatus.AccessDenied)
		}
	}
	again := record.Explanation()
	if got, want := again.String(), x.String(); got != want {
		t.Errorf("explanation made from its record:\n%s\nwant\n%s", got, want)
	}
	if !reflect.DeepEqual(again.Record(), record) {
		t.Errorf("second record: %+v, want %+v", again.Record(), record)
	}
	for n := range 4 {
		short := *record
		short.Steps = append([]access.StepRecord(nil), record.Steps...)
		short.Steps[0].Entry = make([]byte, n)
		if got := short.Explanation().Record().Steps[0].Entry; len(got) != 0 {
			t.Errorf("entry of %d bytes after Explanation: % x, want none", n, got)
		}
	}
}

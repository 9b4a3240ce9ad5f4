package trail

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
)

// A query passes on the records that the filter selects, up to the end or to the first error.
func TestQueryUsesSelectedRecords(t *testing.T) {
	dir := t.TempDir()
	l := check.Must(auditlog.Open(auditlog.Config{Dir: dir, Mode: auditlog.Relaxed}))
	for _, name := range []string{"a", "b", "a"} {
		check.NoError(t, l.Write(requested(t, audit.Object{Type: "File", Name: name}, audit.Success, 1)))
	}
	check.NoError(t, l.Close())
	var used []uint64
	var enough error
	query := func() error {
		r := check.Must(auditlog.NewReader(dir, 0))
		defer r.Close()
		return Query(r, check.Must(Parse("object=a")), func(e *audit.Event) error {
			used = append(used, e.RecordID)
			return enough
		})
	}
	check.NoError(t, query())
	check.SlicesEqual(t, used, []uint64{2, 4}, "records after that of the start")
	enough = errors.New("enough")
	check.ErrorIs(t, query(), enough, "query")
	check.SlicesEqual(t, used, []uint64{2, 4, 2}, "records after an error")
	name := check.Must(filepath.Glob(filepath.Join(dir, "*.log")))[0]
	b := check.Must(os.ReadFile(name))
	b[bytes.LastIndex(b, []byte("ReadData"))] ^= 1
	check.NoError(t, os.WriteFile(name, b, 0o600))
	enough = nil
	check.That(t, query() != nil, "query of an altered log: no error")
}

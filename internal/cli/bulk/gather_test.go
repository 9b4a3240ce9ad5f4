package bulk

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// resumed resumes a report from a state and an aggregate file, and reads all of it.
func resumed(t *testing.T, state, gathered []byte) error {
	t.Helper()
	dir := check.Must(dirfile.Read([]byte(`{"users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"}]}`)))
	name := filepath.Join(t.TempDir(), "state")
	check.NoError(t, os.WriteFile(name, gathered, 0o600))
	f := check.Must(os.OpenFile(name, os.O_RDWR, 0))
	defer func() { _ = f.Close() }()
	r := &Report{Directory: dir, State: f}
	if err := r.Resume(Position{}, state); err != nil {
		return err
	}
	return r.found.each(func(string, *found) error { return nil })
}

// Wrong lengths in an aggregate file are errors, and so are more errors than a report lists.
func TestResumeRejectsWrongLengths(t *testing.T) {
	most := `{"runs":[],"reach":[[0,0,0]],"errors":[` + strings.Repeat(`"",`, 19) + `""]}`
	check.NoError(t, resumed(t, []byte(most), nil))
	record := binary.LittleEndian.AppendUint32(nil, 0xFFFFFFFF)
	record = binary.LittleEndian.AppendUint32(record, 0xFFFFFFFF)
	for state, want := range map[string]string{
		`{"runs":[8],"reach":[[0,0,0]],"errors":null}`:                                  "longer than its run",
		`{"runs":[8,8],"reach":[[0,0,0]],"errors":null}`:                                "longer than its run",
		`{"runs":[9],"reach":[[0,0,0]],"errors":null}`:                                  "has 8 bytes",
		`{"runs":[8,9],"reach":[[0,0,0]],"errors":null}`:                                "has 8 bytes",
		`{"runs":[8,4],"reach":[[0,0,0]],"errors":null}`:                                "follow one another",
		`{"runs":[-1],"reach":[[0,0,0]],"errors":null}`:                                 "follow one another",
		`{"runs":[8],"reach":[[0,0,0]],"errors":null,"runs":[]}`:                        "runs: given twice",
		`{"runs":[8],"reach":[[0,0,0]],"errors":[` + strings.Repeat(`"",`, 20) + `""]}`: "21 errors, and a report lists 20",
		`{"runs":[8],"reach":[],"errors":null}`:                                         "begun with 0 principals",
		`{"runs":` + strings.Repeat("[", 100_000):                                       "nested more than 64 deep",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := resumed(t, []byte(state), record)
		runtime.ReadMemStats(&after)
		check.That(t, err != nil && strings.Contains(err.Error(), want) && after.TotalAlloc-before.TotalAlloc <= 64<<20,
			"%.60s: %v with %d bytes, want %s", state, err, after.TotalAlloc-before.TotalAlloc, want)
	}
}

// The samples of two batches are at most maxSamples, the first ones.
func TestSamplesAreLimited(t *testing.T) {
	all := found{Objects: 4, Samples: []string{"a", "b", "c", "d"}}
	addFound(&all, &found{Objects: 3, Samples: []string{"e", "f", "g"}})
	addFound(&all, &found{Objects: 1, Samples: []string{"h"}})
	check.Equal(t, fmt.Sprint(all.Objects, all.Samples), "8 [a b c d e]", "objects and samples")
}

// FuzzResume checks that no checkpoint and aggregate file cause a panic or excessive memory use.
func FuzzResume(f *testing.F) {
	f.Add([]byte(`{"runs":[8],"reach":[[0,0,0]],"errors":null}`), []byte("\x01\x00\x00\x00\x02\x00\x00\x00a{}"))
	f.Add([]byte(`{"runs":[11,22],"reach":[[0,0,0]],"errors":["x"]}`),
		[]byte("\x01\x00\x00\x00\x02\x00\x00\x00a{}\x01\x00\x00\x00\x02\x00\x00\x00a{}"))
	f.Fuzz(func(t *testing.T, state, gathered []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = resumed(t, state, gathered)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 4096*uint64(len(state)+len(gathered))+128<<20 {
			t.Errorf("%d bytes of memory for %d, want at most %d", used, len(state)+len(gathered),
				4096*uint64(len(state)+len(gathered))+128<<20)
		}
	})
}

package replay

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

const oneHeader = `{"recording":1,"system":{"product":"Windows","build":1,"revision":0,"architecture":"amd64"},` +
	`"date":"2026-01-02",` +
	`"recorder":"x","token":{"user":"SY"},"tokens":"made"}` + "\n"

// TestUnwritableLineIsRejected checks that a line that this package would not write is rejected.
func TestUnwritableLineIsRejected(t *testing.T) {
	line := `{"case":"c","call":"x","status":"STATUS_SUCCESS"}`
	for text, want := range map[string]string{
		strings.Replace(oneHeader, `"date"`, `"Date"`,
			1): "line 1: want a header",
		strings.Replace(oneHeader, `"recording":1`, `"recording":1,"recording":1`,
			1): "recording: given twice",
		oneHeader + `{"case":"c","call":"x","status":"STATUS_ACCESS_DENIED","Status":"STATUS_SUCCESS"}`: "line 2: ",
		oneHeader + line + line: "something follows",
		oneHeader + `{"case":"c","call":"x","status":"y","out":{"a":1,"a":2}}`:  "out.a: given twice",
		oneHeader + `{"case":"c","in":` + strings.Repeat("[", 200_000):          "nested more than 64 deep",
		oneHeader + `{"case":"c","in":{"a":` + strings.Repeat(`{"a":`, 200_000): "nested more than 64 deep",
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrMalformed) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

// FuzzRead checks that no recording makes the reader panic, and that time and memory are proportional to its size.
func FuzzRead(f *testing.F) {
	f.Add([]byte(oneHeader +
		`{"case":"c","call":"TextToSID","in":{"sid":"BA"},"status":"ERROR_SUCCESS","out":{"hex":"01"}}`))
	f.Add([]byte(oneHeader + `{"case":"p","program":"x = 1","prelude":"y = 2","rules":["A-1"]}`))
	f.Add([]byte("\xff\xfe{\x00\"\x00"))
	f.Add([]byte(oneHeader + strings.Repeat(`{"case":`, 50)))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		rec, err := Read(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1024*uint64(len(file))+16<<20 ||
			time.Since(start) > 10*time.Second {
			t.Errorf("%d bytes of memory and %v for a file of %d bytes, want less",
				used, time.Since(start), len(file))
		}
		check.That(t, (err == nil) == (rec != nil) && (err == nil || errors.Is(err, ErrMalformed)),
			"recording %v, error %v, want exactly one, and a malformed file", rec, err)
	})
}

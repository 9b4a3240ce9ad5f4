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

// FuzzRead checks that no recording makes the reader panic, and that time and memory are proportional to its size.
func FuzzRead(f *testing.F) {
	f.Add([]byte(oneHeader +
		`{"case":"c","call":"TextToSID","in":{"sid":"BA"},"status":"ERROR_SUCCESS","out":{"hex":"01"}}` + "\n" + `{"end":1}`))
	f.Add([]byte(oneHeader + `{"case":"p","program":"x = 1","prelude":"y = 2","rules":["A-1"]}`))
	f.Add([]byte("\xff\xfe{\x00\"\x00"))
	f.Add([]byte(oneHeader + strings.Repeat(`{"case":`, 50)))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		rec, err := Read(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		check.That(t, used <= 1024*uint64(len(file))+16<<20 && time.Since(start) <= 10*time.Second,
			"%d bytes of memory and %v for a file of %d bytes, want less", used, time.Since(start), len(file))
		check.That(t, (err == nil) == (rec != nil) && (err == nil || errors.Is(err, ErrMalformed)),
			"recording %v, error %v, want exactly one, and a malformed file", rec, err)
	})
}

package main

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// TestCheckpointRefused: only what this program wrote is a checkpoint.
func TestCheckpointRefused(t *testing.T) {
	good := `{"question":"q","inputSize":9,"position":{},"out":1,"sets":0,"done":false}`
	if c, err := parseCheckpoint([]byte(good)); err != nil || c.InputSize != 9 {
		t.Errorf("%+v, %v", c, err)
	}
	for text, want := range map[string]string{
		strings.Replace(good, `"out":1`, `"out":1,"out":2`, 1): "out: given twice",
		strings.Replace(good, `"out":1`, `"Out":1`, 1):         "Out: unknown field, write it out",
		strings.Replace(good, `"out":1`, `"out":-1`, 1):        "out of range",
		good + good: "something follows",
		strings.Replace(good, `"sets":0`, `"state":`+strings.Repeat("[", 200_000), 1): "nested more than 64 deep",
	} {
		if _, err := parseCheckpoint([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

// FuzzCheckpoint: no checkpoint panics its reader, which takes memory in proportion, and what is read is written again.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"question":"q","inputSize":9,"position":{},"out":1,"sets":0,"state":{"runs":[1]},"done":false}`))
	f.Add([]byte(`{"position":{"Offset":1e3}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := parseCheckpoint(text)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1024*uint64(len(text))+16<<20 {
			t.Errorf("%d bytes of memory for %d of the file", used, len(text))
		}
		if err != nil {
			return
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseCheckpoint(b); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	})
}

package vectors

import (
	"bytes"
	_ "embed" // the files are part of the program
	"encoding/json"
	"fmt"
	"iter"
)

// Kinds of Provenance.
const (
	Documented = "documented" // by the source of its first rule
	Recorded   = "recorded"   // and also seen in a run of another implementation, which Run names
	Decided    = "decided"    // by refmon, where documents are silent
)

// Provenance is the source of a vector's answer. The zero value is not a source.
type Provenance struct {
	Kind   string   `json:"kind"`
	Rules  []string `json:"rules"`  // ids of docs/rules, the deciding one first
	Source string   `json:"source"` // of the first rule
	Run    string   `json:"run"`    // implementation, version, and the test or calls; of a recorded vector
}

// format is the format of the vectors.
const format = 1

// Vector is one question and its answer. The zero value asks nothing.
type Vector struct {
	Format     int             `json:"format,omitempty"` // absent in format 1
	About      string          `json:"about"`            // its purpose, in a sentence
	Provenance Provenance      `json:"provenance"`
	In         json.RawMessage `json:"in"`
	Out        json.RawMessage `json:"out"`
}

//go:embed access.jsonl
var access []byte

//go:embed open.jsonl
var open []byte

// Access yields the access checks: In is a line of `refmon check --batch` and Out
// the line that answers it. The error is that of encoding/json and stays nil
// for the files as released.
func Access() iter.Seq2[Vector, error] { return read("access.jsonl", access) }

// Open yields the opens of files: In is a request with what the server found, as
// README.md describes it, and Out the status and the rights granted. The error
// is as in [Access].
func Open() iter.Seq2[Vector, error] { return read("open.jsonl", open) }

// read yields each line of data as a vector. A malformed line, or one of a later format, is yielded with an error
// that has name and line number; the next lines follow.
func read(name string, data []byte) iter.Seq2[Vector, error] {
	return func(yield func(Vector, error) bool) {
		number := 0
		for line := range bytes.Lines(data) {
			number++
			var v Vector
			err := json.Unmarshal(line, &v)
			if err == nil && v.Format > format {
				err = fmt.Errorf("format %d, this program knows %d: use the release that wrote it", v.Format, format)
			}
			if err != nil {
				err = fmt.Errorf("%s:%d: %w", name, number, err)
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

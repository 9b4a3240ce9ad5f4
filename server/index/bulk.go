package index

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Bulk writes what Elasticsearch and OpenSearch take as _bulk: a sink beside the log. Each
// document has the array that their connectors' query reads, and the number of its event
// as an external version, so that lines may be sent twice and out of order. Owned by the
// goroutine of the run.
type Bulk struct {
	file  *os.File
	index string
	state *State
	buf   []byte
}

// NewBulk appends to a file. state is the folder of the index: all documents that it has or
// had are written again, as of its last event, since the run before may have ended between
// the log and these lines.
func NewBulk(name, index, state string) (*Bulk, error) {
	b := &Bulk{index: index, state: newState()}
	known := map[string]uint64{}
	events, err := os.Open(filepath.Join(state, eventsName))
	if err == nil {
		_, err = replay(events, b.state, func(e *Event) {
			if e.Row != nil {
				known[e.Row.Path] = 0
			}
		})
		_ = events.Close() // only read
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for path := range known {
		known[path] = b.state.seq
	}
	if b.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	if err := b.documents(known); err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	return b, nil
}

// never is the term that no user has. An empty list would be found by everybody (B-6).
const never = "sid:S-1-0-0"

// Write writes the documents of events: one for a row, and one for each document of a class
// whose people have changed. A document that is gone stays, with the term that no user has,
// since a deleted one is brought back by a line that comes late.
func (b *Bulk) Write(events []Event) error {
	changed := map[string]uint64{}
	for i := range events {
		e := &events[i]
		if e.Class != nil && b.state.classes[e.Class.ID] != nil {
			for path, r := range b.state.rows {
				if slices.Contains(r.Classes, e.Class.ID) {
					changed[path] = e.Seq
				}
			}
		}
		if err := b.state.Apply(e); err != nil {
			return err
		}
		if e.Row != nil {
			changed[e.Row.Path] = e.Seq
		}
		if e.Gone != "" {
			changed[e.Gone] = e.Seq
		}
	}
	return b.documents(changed)
}

// documents writes some documents, each as of an event.
func (b *Bulk) documents(changed map[string]uint64) error {
	paths := make([]string, 0, len(changed))
	for p := range changed {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	b.buf = b.buf[:0]
	for _, p := range paths {
		if err := b.document(p, changed[p]); err != nil {
			return err
		}
	}
	_, err := b.file.Write(b.buf)
	return err
}

// maxID is the longest id of a document, in bytes.
const maxID = 512

// accessField has who has the first right; each further right has a field of its own, with an
// underscore and its word behind that name.
const accessField = "_allow_access_control"

// field returns the name of the field of a right.
func field(rights []string, i int) string {
	if i == 0 {
		return accessField
	}
	return accessField + "_" + rights[i]
}

// terms returns who has a right on a document, the term that no user has if no one has it.
func (b *Bulk) terms(r *RowEvent, right int) []string {
	if r == nil || right >= len(r.Classes) {
		return []string{never}
	}
	out := []string{}
	e := b.state.classes[r.Classes[right]].event
	for _, s := range slices.Concat(e.Allow, e.Expand) {
		out = append(out, "sid:"+s)
	}
	if len(out) == 0 {
		return []string{never}
	}
	return out
}

// document appends the two lines of a document: who has each right, and what that was decided by.
func (b *Bulk) document(path string, version uint64) error {
	id := path
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(path))
		id = hex.EncodeToString(sum[:])
	}
	action := map[string]any{"index": map[string]any{"_index": b.index, "_id": id, "version": version,
		"version_type": "external"}}
	r := b.state.rows[path]
	evidence := map[string]any{"seq": version, "directory": b.state.version}
	source := map[string]any{"path": path, "refmon": evidence}
	for i := range b.state.start.Rights {
		source[field(b.state.start.Rights, i)] = b.terms(r, i)
	}
	if r != nil {
		evidence["descriptor"], evidence["directory"] = b.state.evidence(path, 0)
		evidence["time"] = time.Unix(0, r.time).UTC()
	}
	if r == nil {
		source["gone"] = true
	}
	for _, line := range []map[string]any{action, source} {
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		b.buf = append(append(b.buf, text...), '\n')
	}
	return nil
}

// Fence does nothing: a search engine has no place that its query compares with the time.
func (b *Bulk) Fence(*Fence) error { return nil }

// Close closes the file.
func (b *Bulk) Close() error { return b.file.Close() }

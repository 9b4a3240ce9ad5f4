package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

// checkpoint is the file from which an interrupted run goes on: the rows up to
// the offsets are complete, and they were made by the same question.
type checkpoint struct {
	Question  string          `json:"question"` // rights, format and principals
	InputSize int64           `json:"inputSize"`
	Position  bulk.Position   `json:"position"`
	Out       int64           `json:"out"`             // bytes of the output
	Sets      int64           `json:"sets"`            // bytes of the table of sets
	State     json.RawMessage `json:"state,omitempty"` // what was added up; the rest is in FILE.state
	Done      bool            `json:"done"`
}

// counter counts what passes.
type counter struct {
	f *os.File
	n int64
}

// Write writes and counts.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}

// resumption is a run that keeps a checkpoint, and goes on from one if there is.
type resumption struct {
	name    string
	at      checkpoint
	before  bulk.Position // where this run started
	resumed bool
	out     *counter
	sets    *counter // the table of sets; nil: none
	state   *os.File // what was added up; nil: nothing is
}

// resume reads the checkpoint, opens what belongs to it, and moves the input to
// where it stood. It is nil if the checkpoint says that all is done.
func (o *output) resume(question string, adds bool) (*resumption, error) {
	// What is told to be CSV or LDIF has no place that a later run could go on from.
	if o.out == "" && o.rows || o.in.file == nil || !objects.IsLines(o.in.source) {
		return nil, errors.New("--checkpoint needs --out FILE, and objects in a file of JSON lines")
	}
	r := &resumption{name: o.checkpoint, at: checkpoint{Question: question, InputSize: o.in.size}}
	old, err := readCheckpoint(o.checkpoint)
	switch {
	case err != nil:
		return nil, err
	case old == nil:
	case old.Question != r.at.Question || old.InputSize != r.at.InputSize:
		return nil, fmt.Errorf("%s belongs to another question, directory or objects file: remove it to start anew",
			o.checkpoint)
	case old.Done:
		fmt.Fprintln(o.std.err, "refmon: the checkpoint says that all is done")
		return nil, nil
	default:
		r.at, r.before, r.resumed = *old, old.Position, true
	}
	if r.out = (&counter{}); o.rows {
		if r.out, err = o.reopen(o.out, r.at.Out); err != nil {
			return nil, err
		}
	}
	if o.sets != "" {
		if r.sets, err = o.reopen(o.sets, r.at.Sets); err != nil {
			return nil, err
		}
	}
	if adds {
		if r.state, err = o.open(o.checkpoint+".state", true); err != nil {
			return nil, err
		}
	}
	if _, err := o.in.file.Seek(r.before.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	o.in.source = objects.Lines(o.in.file, r.before.Offset, r.before.Lines)
	return r, nil
}

// save notes that all up to a position of this run has been written.
func (r *resumption) save(p bulk.Position, state json.RawMessage) error {
	r.at.Position, r.at.Out, r.at.State = r.before.Plus(p), r.out.n, state
	if r.sets != nil {
		r.at.Sets = r.sets.n
	}
	return writeCheckpoint(r.name, &r.at)
}

// finish notes that all is done, if it is.
func (r *resumption) finish(err error) error {
	if err != nil || r.at.Position.Offset != r.at.InputSize {
		return nil
	}
	r.at.Done = true
	if r.state != nil {
		_ = os.Remove(r.state.Name()) // of no more use
	}
	return writeCheckpoint(r.name, &r.at)
}

// reopen opens an output and cuts off what was written after the checkpoint.
func (o *output) reopen(name string, size int64) (*counter, error) {
	f, err := o.open(name, true)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Size() < size:
		return nil, fmt.Errorf("%s has %d bytes, the checkpoint says %d: it is not the output of that run", name,
			info.Size(), size)
	}
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	_, err = f.Seek(size, io.SeekStart)
	return &counter{f: f, n: size}, err
}

// readCheckpoint reads a checkpoint, nil if the file does not exist.
func readCheckpoint(name string) (*checkpoint, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("%s is no checkpoint: %w", name, err)
	}
	return c, nil
}

// parseCheckpoint reads what writeCheckpoint wrote, and nothing else.
func parseCheckpoint(b []byte) (*checkpoint, error) {
	var c checkpoint
	if err := strict.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if p := c.Position; c.InputSize < 0 || c.Out < 0 || c.Sets < 0 || p.Offset < 0 || p.Lines < 0 ||
		p.Offset > c.InputSize {
		return nil, errors.New("a size or a position is out of range")
	}
	return &c, nil
}

// writeCheckpoint replaces a checkpoint as a whole.
func writeCheckpoint(name string, c *checkpoint) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

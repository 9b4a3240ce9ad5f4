package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/bulk"
)

// checkpoint is the file from which an interrupted run goes on: the rows up to
// the offsets are complete, and they were made by the same question.
type checkpoint struct {
	Question  string        `json:"question"` // rights, format and principals
	InputSize int64         `json:"inputSize"`
	Position  bulk.Position `json:"position"`
	Out       int64         `json:"out"`  // bytes of the output
	Sets      int64         `json:"sets"` // bytes of the table of sets
	Done      bool          `json:"done"`
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

// resumable sets a run up to start where its checkpoint says, and to keep the
// checkpoint; then it calls do.
func (o *output) resumable(r *bulk.Run, open func(string) (*os.File, error), do func() error) error {
	if o.out == "" || o.in.file == nil {
		return errors.New("--checkpoint needs --out FILE, and --objects with a file of JSON lines")
	}
	if r.Ask == bulk.Index && o.sets == "" {
		return errors.New("--checkpoint with --for-index needs --sets FILE")
	}
	at := checkpoint{Question: r.Fingerprint(), InputSize: o.in.size}
	if old, err := readCheckpoint(o.checkpoint); err != nil {
		return err
	} else if old != nil {
		if old.Question != at.Question || old.InputSize != at.InputSize {
			return fmt.Errorf("%s belongs to another question, directory or objects file: remove it to start anew", o.checkpoint)
		}
		if old.Done {
			fmt.Fprintln(o.std.err, "refmon: the checkpoint says that all is done")
			return nil
		}
		at, r.Resumed = *old, true
	}
	out, err := o.reopen(open, o.out, at.Out)
	if err != nil {
		return err
	}
	r.Out = out
	sets := &counter{}
	if o.sets != "" {
		if sets, err = o.reopen(open, o.sets, at.Sets); err != nil {
			return err
		}
		r.Sets = sets
	}
	if _, err := o.in.file.Seek(at.Position.Offset, io.SeekStart); err != nil {
		return err
	}
	r.Source = bulk.Lines(o.in.file, at.Position.Offset, at.Position.Lines)
	before := at.Position
	r.Save = func(p bulk.Position) error {
		at.Position, at.Out, at.Sets = before.Plus(p), out.n, sets.n
		return writeCheckpoint(o.checkpoint, &at)
	}
	err = do()
	at.Done = at.Position.Offset == at.InputSize
	return errors.Join(err, writeCheckpoint(o.checkpoint, &at))
}

// reopen opens an output and cuts off what was written after the checkpoint.
func (o *output) reopen(open func(string) (*os.File, error), name string, size int64) (*counter, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Size() < size:
		return nil, fmt.Errorf("%s has %d bytes, the checkpoint says %d: it is not the output of that run", name, info.Size(), size)
	}
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	_, err = f.Seek(size, io.SeekStart)
	return &counter{f: f, n: size}, err
}

// readCheckpoint reads a checkpoint, nil if there is none.
func readCheckpoint(name string) (*checkpoint, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c checkpoint
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is no checkpoint: %w", name, err)
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

package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/internal/strict"
)

// checkpoint is the file that lets an interrupted run continue. The rows before the offsets are complete and answer
// the same question.
type checkpoint struct {
	Question  string          `json:"question"` // rights, format and principals
	InputSize int64           `json:"inputSize"`
	Modified  int64           `json:"inputModified"` // nanoseconds since 1970
	Position  bulk.Position   `json:"position"`
	Out       int64           `json:"out"`             // bytes of the output
	OutSum    string          `json:"outSum"`          // counter.sum of the output
	Sets      int64           `json:"sets"`            // bytes of the table of sets
	SetsSum   string          `json:"setsSum"`         // counter.sum of the table of sets
	State     json.RawMessage `json:"state,omitempty"` // sums; the rest is in FILE.state
	Done      bool            `json:"done"`
}

// counter is an output file that counts the bytes written, for the checkpoint.
type counter struct {
	f *os.File
	n int64
}

// Write writes b to the file and counts the bytes that were written, also with an error.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}

// sum returns a hash of the last 64 KiB before the end of the counted bytes, which identifies the file as the output of
// one run. It returns "" without a file.
func (c *counter) sum() (string, error) {
	if c == nil || c.f == nil {
		return "", nil
	}
	end := make([]byte, min(c.n, 64<<10))
	_, err := c.f.ReadAt(end, c.n-int64(len(end)))
	return fmt.Sprintf("%x", sha256.Sum256(end)), err
}

// resumption is a run that writes a checkpoint and continues from an existing one.
type resumption struct {
	name    string
	at      checkpoint
	before  bulk.Position // where this run started
	resumed bool
	out     *counter
	sets    *counter // the table of sets; nil: none
	state   *os.File // sums; nil: none
}

// resume opens the files of a checkpoint and seeks the input to its offset. It needs --out and JSON lines as input.
//   - no checkpoint: the run starts at the beginning, and an existing output needs --force
//   - a complete run: nil and no error
//   - another question or directory, an objects file that changed, or a checkpoint without its time: an error
func (o *output) resume(question string, adds bool) (*resumption, error) {
	// CSV and LDIF have no position from which a later run could continue.
	if o.out == "" && o.rows || o.in.file == nil || !jsonl.IsLines(o.in.source) {
		return nil, errors.New("--checkpoint needs --out FILE, and objects in a file of JSON lines")
	}
	if err := apart(o.checkpoint, o.taken...); err != nil {
		return nil, err
	}
	o.taken = append(o.taken, o.checkpoint)
	r := &resumption{name: o.checkpoint, at: checkpoint{Question: question, InputSize: o.in.size,
		Modified: o.in.modified}}
	old, err := readCheckpoint(o.checkpoint)
	switch {
	case err != nil:
		return nil, err
	case old == nil:
		if state := o.checkpoint + ".state"; adds && o.spare(state) != nil {
			return nil, fmt.Errorf("%s is from another run: remove it, or give --force", state)
		}
	case old.Modified == 0 && r.at.Modified != 0:
		return nil, fmt.Errorf("%s was written by an earlier version of refmon: remove it and give --force to start again",
			o.checkpoint)
	case old.Question != r.at.Question || old.InputSize != r.at.InputSize || old.Modified != r.at.Modified:
		// An objects file with another size or modification time is another file (B-131).
		return nil, fmt.Errorf("%s belongs to another question, directory or objects file: remove it and give --force "+
			"to start again", o.checkpoint)
	case old.Done:
		fmt.Fprintln(o.std.err, "refmon: the checkpoint is complete: there is nothing left to do")
		return nil, nil
	default:
		r.at, r.before, r.resumed = *old, old.Position, true
	}
	if r.out = (&counter{}); o.rows {
		if r.out, err = o.reopen(o.out, r.at.Out, r.at.OutSum); err != nil {
			return nil, err
		}
	}
	if o.sets != "" {
		if r.sets, err = o.reopen(o.sets, r.at.Sets, r.at.SetsSum); err != nil {
			return nil, err
		}
	}
	if adds {
		if r.state, err = o.open(o.checkpoint + ".state"); err != nil {
			return nil, err
		}
	}
	if _, err := o.in.file.Seek(r.before.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	o.in.source = jsonl.Lines(o.in.file, r.before.Offset, r.before.Lines)
	return r, nil
}

// save makes the outputs durable and then writes the checkpoint of an incomplete run: all rows up to the position p of
// this run are written. state is the run's own state.
func (r *resumption) save(p bulk.Position, state json.RawMessage) error {
	// After a power failure the outputs then have all bytes that the checkpoint names.
	if err := r.sync(); err != nil {
		return err
	}
	r.at.Position, r.at.Out, r.at.State = r.before.Plus(p), r.out.n, state
	if r.sets != nil {
		r.at.Sets = r.sets.n
	}
	var errs [2]error
	r.at.OutSum, errs[0] = r.out.sum()
	r.at.SetsSum, errs[1] = r.sets.sum()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	return writeCheckpoint(r.name, &r.at)
}

// sync makes the outputs and the state file durable.
func (r *resumption) sync() error {
	files := []*os.File{r.out.f, r.state}
	if r.sets != nil {
		files = append(files, r.sets.f)
	}
	for _, f := range files {
		if f == nil { // a report has no output of rows
			continue
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the outputs durable, marks the run as complete in the checkpoint and then removes the state file. It
// does nothing if the run failed with err or did not reach the end of the input.
func (r *resumption) finish(err error) error {
	if err != nil || r.at.Position.Offset != r.at.InputSize {
		return nil
	}
	if err := r.sync(); err != nil {
		return err
	}
	r.at.Done = true
	if err := writeCheckpoint(r.name, &r.at); err != nil {
		return err
	}
	if r.state != nil {
		_ = os.Remove(r.state.Name()) // the finished run does not need it
	}
	return nil
}

// reopen opens an output and truncates it to its size at the checkpoint, so that a run continues there. It is an error
// if the bytes before the end do not have that sum (B-131). So is a size of 0 if the file has contents
// and --force is not given. The file stays open after an error, for the caller's clean-up.
func (o *output) reopen(name string, size int64, sum string) (*counter, error) {
	if size == 0 {
		if err := o.spare(name); err != nil {
			return nil, err
		}
	}
	f, err := o.open(name)
	if err != nil {
		return nil, err
	}
	c := &counter{f: f, n: size}
	if size > 0 {
		is, err := c.sum()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil || is != sum {
			return nil, fmt.Errorf("%s does not have the %d bytes that the checkpoint names: give the output of that run, or "+
				"remove %s to start again", name, size, o.checkpoint)
		}
	}
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	_, err = f.Seek(size, io.SeekStart)
	return c, err
}

// readCheckpoint reads a checkpoint. It returns nil if the file does not exist, and an error if it is malformed. An
// error about malformed contents names the file.
func readCheckpoint(name string) (*checkpoint, error) {
	b, err := readBounded(openFile, name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("%s is not a checkpoint: %w", name, err)
	}
	return c, nil
}

// parseCheckpoint parses the output of writeCheckpoint. Unknown fields, and sizes or positions out of range, are
// errors. The offset must be within the input. Malformed JSON is an error.
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

// writeCheckpoint replaces a checkpoint, so that a crash or a power failure leaves the old or the new one.
func writeCheckpoint(name string, c *checkpoint) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return outfile.WriteFile(name, append(b, '\n'), 0o600)
}

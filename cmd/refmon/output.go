package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/outfile"
)

// outputFlags name the output of a long run.
type outputFlags struct {
	Out        string `help:"Write to FILE instead of standard output." placeholder:"FILE"`
	Force      bool   `help:"Overwrite an existing file."`
	Checkpoint string `help:"${checkpoint}" placeholder:"FILE"`
	Quiet      bool   `help:"No progress bar." short:"q"`
}

// output manages the output of a long run: its files, checkpoint and progress display.
type output struct {
	std                   *streams
	out, sets, checkpoint string
	quiet, force          bool
	rows                  bool // the output is rows, which a resumed run adds to
	in                    *input
	none                  func() error // why a run has no objects; nil: there are none
	files                 []*os.File
	news                  []*outfile.File // new versions, in the order in which they replace the earlier files
	taken                 []string        // the inputs and the outputs that are open, which no output may replace
}

// output returns the output that the flags describe, for a run over in that writes rows, so that a resumed run adds
// to them. inputs are the names of the files that the run reads. It opens no file.
func (c *outputFlags) output(std *streams, in *input, inputs ...string) *output {
	return &output{std: std, out: c.Out, checkpoint: c.Checkpoint, quiet: c.Quiet, force: c.Force, rows: true, in: in,
		taken: inputs}
}

// open opens an output file for reading and writing, and creates it if it is missing. The end of the run closes it. A
// file that the run reads, or already writes, is an error.
func (o *output) open(name string) (*os.File, error) {
	if err := apart(name, o.taken...); err != nil {
		return nil, err
	}
	o.taken = append(o.taken, name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err == nil {
		o.files = append(o.files, f)
	}
	return f, err
}

// create begins a new version of an output file, which replaces the file when the run has ended. A file that the run
// reads, or already writes, is an error.
func (o *output) create(name string) (*outfile.File, error) {
	if err := apart(name, o.taken...); err != nil {
		return nil, err
	}
	o.taken = append(o.taken, name)
	f, err := outfile.Create(name, 0o644)
	if err == nil {
		o.news = append([]*outfile.File{f}, o.news...) // the output itself, which is the first, is the last to be replaced
	}
	return f, err
}

// inputs returns the files of the flags, and more, as the inputs of a run.
func (c *directoryFlags) inputs(more ...string) []string {
	return slices.Concat(c.Directory, c.Token, more)
}

// apart returns an error if name is the same file as one of others, or will be. Truncated for the output, an input
// would be lost, and two outputs would overwrite each other. Pipes and devices such as /dev/null may be used twice.
// Empty names of others count as none.
func apart(name string, others ...string) error {
	for _, other := range others {
		if other != "" && sameFile(name, other) {
			return fmt.Errorf("%s is used twice: an output needs a file of its own", name)
		}
	}
	return nil
}

// sameFile reports whether two names are one regular file. If neither exists yet, they are one if they have the same
// last element in the same directory. It returns false if a name cannot be looked up: its open reports the error.
func sameFile(a, b string) bool {
	at, errA := os.Stat(a)
	is, errB := os.Stat(b)
	switch {
	case errA == nil && errB == nil:
		return at.Mode().IsRegular() && os.SameFile(at, is)
	case !errors.Is(errA, fs.ErrNotExist) || !errors.Is(errB, fs.ErrNotExist) || filepath.Base(a) != filepath.Base(b):
		return false
	}
	at, errA = os.Stat(filepath.Dir(a))
	is, errB = os.Stat(filepath.Dir(b))
	return errA == nil && errB == nil && os.SameFile(at, is)
}

// begin prepares a long run and shows a progress bar. size is the input's bytes, 0 if unknown. An interrupt cancels
// ctx. The caller must call end, which closes the output files and clears the bar. A failed close becomes *err if
// that is nil. begin also relaxes the garbage collector.
func (o *output) begin(size int64) (ctx context.Context, b *bar, end func(err *error)) {
	// A run is short and its memory bounded: the collector may take its time,
	// as long as there is room.
	if limited() == 0 {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(5 << 28)
		ballast()
	}
	ctx, cancel := interrupted()
	b = newBar(o.std, size, o.quiet || o.out == "" && o.std.width > 0)
	return ctx, b, func(err *error) {
		cancel()
		b.clear()
		o.close(err)
	}
}

// close closes the files of the output. New versions replace the earlier files if *err is nil, errDenied or
// errReported: the output of an interrupted run has its first objects. After another error the earlier files stay. A
// failed close becomes *err if that is nil.
func (o *output) close(err *error) {
	if *err == nil || errors.Is(*err, errDenied) || errors.Is(*err, errReported) {
		*err = errors.Join(*err, outfile.Commit(o.news...))
	}
	o.discard()
	for _, f := range o.files {
		if lost := f.Close(); lost != nil && *err == nil {
			*err = lost // data may be lost, so the run has failed
		}
	}
}

// discard removes the new versions that did not replace their files.
func (o *output) discard() {
	for _, f := range o.news {
		_ = f.Close() // Close removes the uncommitted file
	}
	o.news = nil
}

// ballast allocates memory whose pages are never touched. It keeps the collector from running again and again while the
// heap is small. It allocates once per process, because the runtime would clear a reused block.
var ballast = sync.OnceValue(func() []byte { return make([]byte, 64<<20) })

// limited returns the memory limit in GOMEMLIMIT, in bytes; 0 if there is none.
func limited() int64 {
	if n := debug.SetMemoryLimit(-1); os.Getenv("GOMEMLIMIT") != "" && n < math.MaxInt64 {
		return n
	}
	return 0
}

// cacheBytes returns the memory for the caches of a run, an eighth of GOMEMLIMIT; 0, the default, without a limit.
func cacheBytes() int { return int(limited() / 8) }

// table returns the options for tables on this output: the terminal's width and colours, and none for a file.
func (o *output) table() columns.Options {
	if o.out != "" {
		return columns.Options{}
	}
	return columns.Options{Width: o.std.width, Colour: o.std.colour}
}

// to returns the writer for rows without a checkpoint: the file name, or otherwise if name is "". A file with
// contents is an error unless --force is given.
func (o *output) to(name string, otherwise io.Writer) (io.Writer, error) {
	if name == "" {
		return otherwise, nil
	}
	if err := o.spare(name); err != nil {
		return nil, err
	}
	return o.create(name)
}

// spare protects an existing file: it returns an error for a file with contents, unless --force is given (B-19).
func (o *output) spare(name string) error {
	if at, err := os.Stat(name); !o.force && err == nil && at.Mode().IsRegular() && at.Size() > 0 {
		return fmt.Errorf("%s exists already: give another name, or --force to overwrite it", name)
	}
	return nil
}

// run executes r with output, checkpoint and progress bar, and prints the summary. With a checkpoint it continues an
// earlier run, and does nothing if that was complete. Invalid options, an interrupt and a failed write are errors. A
// run without objects fails with o.none if set.
func (o *output) run(r *bulk.Run) (err error) {
	// If the output cannot be written, the existing file stays.
	if err := r.Check(o.sets != ""); err != nil {
		return err
	}
	ctx, bar, end := o.begin(o.in.size)
	defer end(&err)
	r.Progress, r.CacheBytes, r.Table = bar.show, cacheBytes(), o.table()
	if o.checkpoint != "" {
		if r.Changes || o.in.chosen {
			return errors.New("--changes, --only and --exclude need the whole input: " +
				"omit --checkpoint")
		}
		if r.Ask == bulk.Index && o.sets == "" {
			return errors.New("--checkpoint with --for-index needs --sets FILE")
		}
		at, err := o.resume(r.Fingerprint(), false)
		if at == nil {
			return err
		}
		r.Source, r.Out, r.Resumed = o.in.source, at.out, at.resumed
		if at.sets != nil {
			r.Sets = at.sets
		}
		r.Save = func(p bulk.Position) error { return at.save(p, nil) }
		sum, err := r.Do(ctx)
		bar.clear()
		sum.Position = at.before.Plus(sum.Position) // count all runs of this checkpoint
		return errors.Join(conclude(o.std, sum, err), at.finish(err))
	}
	gone, err := o.earlier(r)
	if err != nil {
		return err
	}
	if gone != nil {
		r.Out = gone
	} else if r.Out, err = o.to(o.out, o.std.out); err != nil { // a run writes each batch at once: no buffer
		return err
	}
	if gone != nil && gone.sets != nil {
		r.Sets = gone.sets
	} else if r.Sets, err = o.to(o.sets, nil); err != nil {
		return err
	}
	sum, err := r.Do(ctx)
	bar.clear()
	if err == nil && sum.Objects == 0 && o.none != nil {
		err = o.none()
	}
	if gone != nil && errors.Is(err, context.Canceled) {
		// Hide the cancellation: conclude would print that the output has the first objects.
		err = errors.New("interrupted")
	}
	concluded := conclude(o.std, sum, err)
	if gone == nil {
		return concluded
	}
	return errors.Join(concluded, gone.conclude(o, &sum, err))
}

// diff executes a comparison with output, checkpoint and progress bar. The argument before is the first state. If
// either size is 0, no percentage is shown. It returns errDenied for changes and errReported for an
// incomplete comparison. With a complete checkpoint it does nothing.
func (o *output) diff(d *bulk.Diff, before *input) (err error) {
	size := o.in.size + before.size
	if o.in.size == 0 || before.size == 0 {
		size = 0 // not known
	}
	ctx, bar, end := o.begin(size)
	defer end(&err)
	d.Progress, d.CacheBytes, d.Table = bar.show, cacheBytes(), o.table()
	if o.checkpoint == "" {
		if d.Out, err = o.to(o.out, o.std.out); err != nil {
			return err
		}
		out, err := d.Do(ctx)
		bar.clear()
		return concludeDiff(o.std, &out, err)
	}
	at, err := o.resume(fmt.Sprintf("%s %d %d", d.Fingerprint(), before.size, before.modified), true)
	if at == nil {
		return err
	}
	d.After, d.Out, d.Save, d.State = o.in.source, at.out, at.save, at.state
	if at.resumed {
		if err := d.Resume(at.before, at.at.State); err != nil {
			return err
		}
		d.Skip = jsonl.Lines(io.NewSectionReader(o.in.file, 0, at.before.Offset), 0, 0)
	}
	out, err := d.Do(ctx)
	bar.clear()
	return errors.Join(concludeDiff(o.std, &out, err), at.finish(err))
}

// report collects a report with checkpoint and progress bar, writes it and then calls written. A failed or interrupted
// collection is written too. A write error and an error of written take precedence. A checkpoint with --only or
// --exclude is an error. With a complete checkpoint report does nothing.
func (o *output) report(r *bulk.Report, written func() error) (err error) {
	ctx, bar, end := o.begin(o.in.size)
	defer end(&err)
	r.Progress, r.CacheBytes = bar.show, cacheBytes()
	var at *resumption
	if o.checkpoint != "" {
		if o.in.chosen {
			return errors.New("--only and --exclude need the whole input: omit --checkpoint")
		}
		if at, err = o.resume(r.Fingerprint(), true); at == nil {
			return err
		}
		r.Source, r.Save, r.State = o.in.source, at.save, at.state
		if at.resumed {
			if err := r.Resume(at.before, at.at.State); err != nil {
				return err
			}
		}
	}
	stopped := r.Collect(ctx)
	bar.clear()
	if stopped != nil && ctx.Err() == nil && r.Objects == 0 {
		return stopped // the input is not one of objects, and a report of none would look like an empty tree
	}
	if err := outfile.Write(o.out, 0o644, r.Write); err != nil {
		return err
	}
	if err := written(); err != nil {
		return err
	}
	err = conclude(o.std, r.Summary, stopped)
	if at != nil {
		err = errors.Join(err, at.finish(stopped))
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/columns"
)

// outputFlags say where the rows of a long run go.
type outputFlags struct {
	Out        string `help:"Write to FILE instead of standard output." placeholder:"FILE"`
	Checkpoint string `help:"${checkpoint}" placeholder:"FILE"`
	Quiet      bool   `help:"No progress bar." short:"q"`
}

// output is where the rows of a run go, and how far they have come.
type output struct {
	std                   *streams
	out, sets, checkpoint string
	quiet                 bool
	rows                  bool // the output is rows, which a resumed run adds to
	in                    *input
	files                 []*os.File
}

func (c *outputFlags) output(std *streams, in *input) *output {
	return &output{std: std, out: c.Out, checkpoint: c.Checkpoint, quiet: c.Quiet, rows: true, in: in}
}

// open opens a file to write to, empty unless it is to be gone on with.
func (o *output) open(name string, keep bool) (*os.File, error) {
	flag := os.O_CREATE | os.O_RDWR
	if !keep {
		flag |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, flag, 0o644)
	if err == nil {
		o.files = append(o.files, f)
	}
	return f, err
}

// begin prepares for a long run: its context, its progress bar, and what is to
// be done at its end, which may change its error.
func (o *output) begin(size int64) (ctx context.Context, b *bar, end func(err *error)) {
	// A run is short and its memory bounded: the collector may take its time,
	// as long as there is room. The ballast, whose pages are never touched, keeps
	// it from running again and again while the heap is small.
	var ballast []byte
	if limited() == 0 {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(5 << 28)
		ballast = make([]byte, 64<<20)
	}
	ctx, cancel := interrupted()
	b = newBar(o.std, size, o.quiet || o.out == "" && o.std.width > 0)
	return ctx, b, func(err *error) {
		cancel()
		b.clear()
		for _, f := range o.files {
			if lost := f.Close(); lost != nil && *err == nil {
				*err = lost // what was not written is not done
			}
		}
		runtime.KeepAlive(ballast)
	}
}

// limited returns the memory that the user allows by GOMEMLIMIT, in bytes; 0: no
// limit was given.
func limited() int64 {
	if n := debug.SetMemoryLimit(-1); os.Getenv("GOMEMLIMIT") != "" && n < math.MaxInt64 {
		return n
	}
	return 0
}

// cacheBytes returns how much of it a run may use for what it remembers; 0: as much
// as it likes.
func cacheBytes() int { return int(limited() / 8) }

// table says how a table is shown: a file has no width and no colours.
func (o *output) table() columns.Options {
	if o.out != "" {
		return columns.Options{}
	}
	return columns.Options{Width: o.std.width, Colour: o.std.colour}
}

// to returns where rows go without a checkpoint: the file, or standard output.
func (o *output) to(name string, otherwise io.Writer) (io.Writer, error) {
	if name == "" {
		return otherwise, nil
	}
	return o.open(name, false)
}

// run does the run with its output, its checkpoint and its progress bar.
func (o *output) run(r *bulk.Run) (err error) {
	// What stands in the output file is kept where nothing can be written.
	if err := r.Check(o.sets != ""); err != nil {
		return err
	}
	ctx, bar, end := o.begin(o.in.size)
	defer end(&err)
	r.Progress, r.CacheBytes, r.Table = bar.show, cacheBytes(), o.table()
	if o.checkpoint != "" {
		if r.Changes || o.in.chosen {
			return errors.New("--changes, --only and --exclude compare or choose from the beginning: " +
				"leave --checkpoint out")
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
		sum.Position = at.before.Plus(sum.Position) // the output is that of all runs
		return errors.Join(conclude(o.std, sum, err), at.finish(err))
	}
	if r.Out, err = o.to(o.out, o.std.out); err != nil { // a run writes each batch at once: no buffer
		return err
	}
	if r.Sets, err = o.to(o.sets, nil); err != nil {
		return err
	}
	sum, err := r.Do(ctx)
	bar.clear()
	return conclude(o.std, sum, err)
}

// diff does a comparison with the same; before is the size of the first state.
func (o *output) diff(d *bulk.Diff, before int64) (err error) {
	size := o.in.size + before
	if o.in.size == 0 || before == 0 {
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
	at, err := o.resume(fmt.Sprintf("%s %d", d.Fingerprint(), before), true)
	if at == nil {
		return err
	}
	d.After, d.Out, d.Save, d.State = o.in.source, at.out, at.save, at.state
	if at.resumed {
		if err := d.Resume(at.before, at.at.State); err != nil {
			return err
		}
		d.Skip = objects.Lines(io.NewSectionReader(o.in.file, 0, at.before.Offset), 0, 0)
	}
	out, err := d.Do(ctx)
	bar.clear()
	return errors.Join(concludeDiff(o.std, &out, err), at.finish(err))
}

// report collects a report with the same, and then has it written.
func (o *output) report(r *bulk.Report, write func() error) (err error) {

	ctx, bar, end := o.begin(o.in.size)
	defer end(&err)
	r.Progress, r.CacheBytes = bar.show, cacheBytes()
	var at *resumption
	if o.checkpoint != "" {
		if o.in.chosen {
			return errors.New("--only and --exclude choose from the beginning: leave --checkpoint out")
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
	if err := write(); err != nil {
		return err
	}
	err = conclude(o.std, r.Summary, stopped)
	if at != nil {
		err = errors.Join(err, at.finish(stopped))
	}
	return err
}

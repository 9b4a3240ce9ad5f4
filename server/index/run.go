package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Config says what an index on one machine is about. Trees, Directory or Roster, Rights and State
// are needed.
type Config struct {
	Trees     []string
	Directory string // a directory file
	Roster    Roster // in the place of Directory; nil: that file is read
	Rights    string // "read" or "read+write"
	Share     string // SDDL of the share's own descriptor; "": none
	Traverse  Traverse
	State     string // the folder of the index
	Sinks     []Sink // beside the log; closed at the end

	// From returns the source of a tree; nil: a [Watcher] of this process.
	From func(tree string) Source
	// Compact is how large the log is at least, in bytes, when it is put together; 0: 64 MiB.
	Compact  int64
	NoEvents bool // walks only: see [Watcher]
	Every    time.Duration
	Beat     time.Duration
	Warn     func(error) // told what may pass, such as a directory that is malformed; nil: they are dropped
	Ready    func()      // called once, when all trees have been walked; nil: it is told to no one
}

// Run keeps an index until the context ends or a stage fails. The error is the first
// stage's; who asks notices by the fence, which nothing moves any more.
func Run(ctx context.Context, c Config) (err error) {
	for _, tree := range c.Trees {
		if !filepath.IsAbs(tree) {
			return fmt.Errorf("tree %s: want an absolute path, by which documents are named", tree)
		}
	}
	rights, err := bulk.ParseRights(c.Rights)
	if err != nil {
		return err
	}
	var share *sd.Descriptor
	if c.Share != "" {
		if share, err = sddl.Parse(c.Share, sddl.Options{}); err != nil {
			return fmt.Errorf("share: %w", err)
		}
	}
	log, state, err := OpenLog(c.State)
	if err != nil {
		return err
	}
	r := &running{log: log, sinks: append([]Sink{log}, c.Sinks...), config: c,
		fence: Fence{Boot: bootID(), Sources: map[string]Moment{}}}
	defer func() {
		for _, s := range r.sinks {
			err = errors.Join(err, s.Close())
		}
	}()
	q := Question{Rights: rights, Share: share, ShareText: c.Share, Traverse: c.Traverse}
	if r.worker, err = q.Worker(state); err != nil {
		return err
	}
	r.fence.Index = r.worker.state.start.Index
	return r.stages(ctx)
}

// stages runs all stages until one fails or the context ends.
func (r *running) stages(ctx context.Context) error {
	c, told := &r.config, ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	stage := func(run func() error) {
		all.Go(func() {
			if err := run(); err != nil {
				stop(err)
			}
		})
	}
	batches, versions := make(chan Batch, 16), make(chan Version, 1)
	roster := c.Roster
	if roster == nil {
		roster = &Directory{File: c.Directory, Beat: c.Beat}
	}
	stage(func() error { return roster.Run(ctx, versions) })
	stage(func() error { return r.work(ctx, batches, versions) })
	for _, tree := range c.Trees {
		var w Source = &Watcher{Root: filepath.Clean(tree), NoEvents: c.NoEvents, Every: c.Every, Beat: c.Beat}
		if c.From != nil {
			w = c.From(filepath.Clean(tree))
		}
		stage(func() error { return w.Run(ctx, batches) })
	}
	all.Wait()
	if told.Err() != nil { // it was asked to end
		return nil
	}
	return context.Cause(ctx)
}

// eventsPerWrite is how many events are gathered at most before they are kept.
const eventsPerWrite = 1 << 14

// running is the worker's goroutine and what it owns.
type running struct {
	config Config
	worker *Worker
	log    *Log
	sinks  []Sink // the log, then the others
	fence  Fence
	walked map[string]bool
}

// work takes what the sources say, the directory first.
func (r *running) work(ctx context.Context, batches <-chan Batch, versions <-chan Version) error {
	waiting := batches
	batches = nil // until there are people to decide for
	for {
		var err error
		select {
		case v := <-versions:
			if err = r.version(&v); v.People != nil {
				batches = waiting
			}
		case b := <-batches:
			err = r.batch(&b, len(batches) > 0)
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *running) version(v *Version) error {
	if v.Err != nil {
		if r.config.Warn != nil && !errors.Is(v.Err, errChanging) {
			r.config.Warn(v.Err)
		}
		return nil
	}
	if v.People != nil {
		if err := r.worker.Directory(v.People, v.Name, at(v.Beat.Time)); err != nil {
			return err
		}
	}
	return r.vouch(directorySource, v.Beat)
}

// batch takes what a source has seen. What vouches for nothing is kept with what comes behind it, if
// more is there: disks are waited for less often.
func (r *running) batch(b *Batch, more bool) error {
	if err := r.worker.Batch(b); err != nil {
		return err
	}
	if more && b.Beat.Time.IsZero() && !b.End && len(r.worker.events) < eventsPerWrite {
		return nil
	}
	if err := r.vouch(b.Tree, b.Beat); err != nil {
		return err
	}
	if b.End {
		r.ready(b.Tree)
	}
	return nil
}

// vouch hands the events to the sinks, and behind them the fence.
func (r *running) vouch(source string, beat Beat) error {
	if events := r.worker.Take(); len(events) > 0 {
		for _, s := range r.sinks {
			if err := s.Write(events); err != nil {
				return fmt.Errorf("keep events: %w", err)
			}
		}
	}
	if err := r.log.compact(r.worker, r.config.Compact, false); err != nil { // all sinks have what it loses
		return err
	}
	if beat.Time.IsZero() {
		return nil
	}
	r.fence.Seq, r.fence.Unnamed = r.worker.state.seq, len(r.worker.unnamed)
	r.fence.Sources[source] = Moment(beat)
	for _, s := range r.sinks {
		if err := s.Fence(&r.fence); err != nil {
			return fmt.Errorf("keep the fence: %w", err)
		}
	}
	return nil
}

// ready tells once that all trees have been walked.
func (r *running) ready(tree string) {
	if r.walked == nil {
		r.walked = map[string]bool{}
	}
	if r.walked[tree] = true; len(r.walked) == len(r.config.Trees) && r.config.Ready != nil {
		r.config.Ready()
		r.config.Ready = nil
	}
}

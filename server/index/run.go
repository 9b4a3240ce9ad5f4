package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/watch"
)

// LeastEvery is the least interval of full walks that a user can set. The walks of a shorter one would leave no pause.
const LeastEvery = 100 * time.Millisecond

// Config configures an index on one machine. Trees, Rights, State, and Directory or Roster are required.
type Config struct {
	Trees     []string
	Directory string // a directory file
	Roster    Roster // used instead of Directory; nil: read that file
	Rights    string // "read" or "read+write"
	Share     string // SDDL of the share's own descriptor; "": none
	// Guard is the configuration of a share, which decides in addition. It excludes Share. nil: none.
	Guard    *Guard
	Traverse Traverse
	State    string // the folder of the index
	Sinks    []Sink // in addition to the log; Run closes them, also if it fails

	// From returns the source of a tree; nil: a [watch.Watcher] in this process.
	From func(tree string) watch.Source
	// Compact is the minimum size of the log before it is compacted, in bytes; 0: 64 MiB.
	Compact  int64
	NoEvents bool          // walks only: see [watch.Watcher]
	Every    time.Duration // the interval of full walks; 0: the default of [watch.Watcher]
	Beat     time.Duration // the interval of heartbeats; 0: the default of [watch.Watcher]
	Warn     func(error)   // receives transient errors, such as a malformed directory; nil: they are dropped
	Ready    func()        // called once, when all trees have been walked; may be nil
	// Query is called once before the stages start, with an index over the state of this run. It answers from the first
	// heartbeats until Run returns. Run waits for the function that Query returns. May be nil.
	Query func(x *Index) (end func(), err error)
	// Faults is called before each operation on the files of State, see [diskio.Faults]. Only tests set it.
	Faults diskio.Faults
}

// Guard is the configuration of a share of a Samba server. All fields are required, except the last two.
type Guard struct {
	Name string // names the configuration in the log
	// Apply returns the directory with the decisions of the share about each principal.
	Apply            func(*directory.Directory) (*directory.Directory, error)
	Attribute        string // has the descriptors of files; "": the default
	IgnoreSystemACLs bool
}

// Run maintains an index until ctx ends or a stage fails, and blocks until all stages have ended. It returns nil after
// ctx has ended, unless closing a sink failed. Otherwise it returns the error of the first stage that failed; queries
// then see no new heartbeats. It returns an error at once if the configuration is malformed, if another run uses State,
// or if State has the index of another configuration. It always closes c.Sinks. An empty Share is no share.
func Run(ctx context.Context, c Config) (err error) {
	sinks := c.Sinks
	defer func() {
		for _, s := range sinks {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := c.checkTrees(); err != nil {
		return err
	}
	rights, err := words.Parse(c.Rights)
	if err != nil {
		return err
	}
	var share *sd.Descriptor
	if c.Share != "" {
		if share, err = shares.ParseDescriptor(c.Share); err != nil {
			return fmt.Errorf("share: %w", err)
		}
	}
	q := Question{Rights: rights, Share: share, ShareText: c.Share, Traverse: c.Traverse}
	if c.Guard != nil {
		if q.Guard = c.Guard.Name; c.Share != "" || c.From != nil {
			return errors.New("the configuration of a share excludes a share's descriptor and other sources")
		}
	}
	log, state, err := openLog(c.State, c.Faults)
	if err != nil {
		return err
	}
	sinks = append([]Sink{log}, c.Sinks...)
	r := &running{log: log, sinks: sinks, config: c,
		watermark: Watermark{Boot: watch.BootID(), Sources: map[string]Moment{}}}
	if r.worker, err = q.Worker(state); err != nil {
		return err
	}
	r.watermark.Index = r.worker.state.start.Index
	var trees []string
	for _, t := range c.Trees {
		trees = append(trees, filepath.Clean(t))
		r.watermark.Sources[filepath.Clean(t)] = Moment{} // no heartbeat yet: a missing document is unknown (N-78)
	}
	if err := r.worker.keepTrees(trees, c.Warn); err != nil {
		return err
	}
	if c.Query != nil {
		r.index = newLive(r.worker, c.State)
		defer func() { _ = r.index.Close() }() // cannot fail: a live index has no open file
		end, err := c.Query(r.index)
		if err != nil {
			return err
		}
		defer end()
	}
	return r.stages(ctx)
}

// stages runs the directory, the worker and the trees' watchers, until all have returned. The first error stops the
// others and is returned; later errors are dropped. If the caller's context ends, stages returns nil.
func (r *running) stages(ctx context.Context) error {
	c, caller := &r.config, ctx
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
	batches, versions := make(chan watch.Batch, 16), make(chan Version, 1)
	roster := c.Roster
	if roster == nil {
		roster = &Directory{File: c.Directory, Beat: c.Beat}
	}
	stage(func() error { return roster.Run(ctx, versions) })
	stage(func() error { return r.work(ctx, batches, versions) })
	for _, root := range c.Trees {
		var w watch.Source = &watch.Watcher{Root: filepath.Clean(root), NoEvents: c.NoEvents, Every: c.Every, Beat: c.Beat,
			Options: c.options()}
		if c.From != nil {
			w = c.From(filepath.Clean(root))
		}
		stage(func() error { return w.Run(ctx, batches) })
	}
	all.Wait()
	if caller.Err() != nil { // the caller ended the run
		return nil
	}
	return context.Cause(ctx)
}

// options returns the options for reading files and their descriptors in the trees.
func (c *Config) options() tree.Options {
	o := tree.Options{Search: c.Traverse == TraverseHost}
	if c.Guard != nil {
		o.Attribute, o.IgnoreSystemACLs = c.Guard.Attribute, c.Guard.IgnoreSystemACLs
	}
	return o
}

// eventsPerWrite is the maximum number of events that are collected before a write.
const eventsPerWrite = 1 << 14

// running is the state of an index's run: the worker and what its goroutine owns.
type running struct {
	config    Config
	worker    *Worker
	log       *Log
	sinks     []Sink // the log, then those of the configuration
	watermark Watermark
	walked    map[string]bool
	index     *Index // nil: this process does not query

	unnameable int     // changes in folders whose path is too long for the kernel
	reports    Reports // decides which errors of the directory go to Warn
}

// work applies directory versions and batches until ctx ends, which is not an error, or a stage fails. It receives no
// batch before the first version, because no class can be decided without one.
func (r *running) work(ctx context.Context, batches <-chan watch.Batch, versions <-chan Version) error {
	waiting := batches
	batches = nil // a nil channel blocks until there is a directory
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

// version applies a report of the directory. A report without people is only a heartbeat. For a report with an error,
// version calls Warn and returns nil. It drops the error of a file that is being written, and an error that repeats the
// last. It returns an error for a share's configuration or a directory that cannot be applied, and for an event that
// cannot be stored.
func (r *running) version(v *Version) error {
	if r.reports.IsNew(v) && r.config.Warn != nil {
		r.config.Warn(v.Err)
	}
	if v.Err != nil {
		return nil
	}
	if v.People != nil {
		if err := v.People.LeftOut(); err != nil && r.config.Warn != nil {
			r.config.Warn(fmt.Errorf("directory: %w", err))
		}
		effective := v.People
		if g := r.config.Guard; g != nil {
			var err error
			if effective, err = g.Apply(v.People); err != nil {
				return fmt.Errorf("share %s: %w", g.Name, err)
			}
		}
		if err := r.worker.Directory(effective, v.Name, at(v.Heartbeat.Time)); err != nil {
			return err
		}
		if r.index != nil {
			r.index.setPeople(v.People, effective)
		}
	}
	return r.flush(directorySource, v.Heartbeat)
}

// batch applies a source's batch. If more batches wait, it postpones the write of one that has no heartbeat and ends no
// walk, to sync less often. It counts unnameable files even if the batch then fails.
func (r *running) batch(b *watch.Batch, more bool) error {
	r.unnameable += b.Unnameable
	if err := r.worker.Batch(b); err != nil {
		return err
	}
	if more && b.Heartbeat.Time.IsZero() && !b.End && len(r.worker.events) < eventsPerWrite {
		return nil
	}
	if err := r.flush(b.Tree, b.Heartbeat); err != nil {
		return err
	}
	if b.End {
		r.ready(b.Tree)
	}
	return nil
}

// flush passes the events to the sinks, and then the watermark if there is a heartbeat, and compacts a large log. A
// sink's error ends it, and sinks before it have the events. Without a heartbeat the watermark stays.
func (r *running) flush(source string, beat watch.Heartbeat) error {
	if events := r.worker.Take(); len(events) > 0 {
		for _, s := range r.sinks {
			if err := s.Write(events); err != nil {
				return fmt.Errorf("keep events: %w", err)
			}
		}
	}
	if beat.Time.IsZero() {
		return nil
	}
	r.watermark.Unnameable = r.unnameable
	r.watermark.Seq, r.watermark.Unnamed = r.worker.state.seq, len(r.worker.unnamed)
	r.watermark.Sources[source] = Moment(beat)
	for _, s := range r.sinks {
		if err := s.SetWatermark(&r.watermark); err != nil {
			return fmt.Errorf("write the watermark: %w", err)
		}
	}
	// The compaction drops only events that all sinks have, and that their cursors cover (N-104).
	if err := r.log.compact(r.worker, r.config.Compact, r.sinks); err != nil {
		return err
	}
	if r.index != nil {
		r.index.publish(r.worker, &r.watermark)
	}
	return nil
}

// ready records that the first walk of a tree is complete. After the last tree it calls the configured Ready function,
// once; nil means none.
func (r *running) ready(tree string) {
	if r.walked == nil {
		r.walked = map[string]bool{}
	}
	if r.walked[tree] = true; len(r.walked) == len(r.config.Trees) && r.config.Ready != nil {
		r.config.Ready()
		r.config.Ready = nil
	}
}

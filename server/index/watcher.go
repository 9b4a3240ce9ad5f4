package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Source tells what a tree has and what changes there, as a [Watcher] does: until the context
// ends or something fails.
type Source interface {
	Run(ctx context.Context, out chan<- Batch) error
}

// Watcher tells about the files of a tree: all of them at its beginning, then those that
// change, and all of them again from time to time. Its fields are immutable; [Watcher.Run]
// is called once.
type Watcher struct {
	Root string // absolute, without a slash at its end
	// Every is how often all files are looked at, since a change under another hard link is
	// silent; 0: [Slowly].
	Every time.Duration
	Beat  time.Duration // how often it vouches; 0: [Often]
	// NoEvents leaves the kernel's events out: only walks tell what has changed, and a beat
	// is as old as the walk's beginning.
	NoEvents bool
	Options  objects.TreeOptions // Recurse is set
	clock    func() Beat         // nil: this machine's
	// Again asks for a walk of the whole tree; nil: no one asks.
	Again <-chan struct{}
}

// What is done unless a [Watcher] says otherwise.
const (
	Slowly = time.Hour
	Often  = time.Second
)

// changes come from the kernel, between two looks at a tree.
type changes interface {
	// read adds the paths that have changed to those of a set; overflow says that some were
	// lost. It does not block.
	read(into map[string]struct{}) (overflow bool, err error)
	// wait waits until there is something to read, for so long at most.
	wait(ctx context.Context, most time.Duration) error
	close()
}

// pathsPerBatch is how many documents a batch has at most.
const pathsPerBatch = 1024

// Run watches until the context ends or something fails; then who reads the batches hears
// no beat any more.
func (w *Watcher) Run(ctx context.Context, out chan<- Batch) error {
	var ch changes = silent{}
	if !w.NoEvents {
		var err error
		if ch, err = listen(w.Root); err != nil {
			return fmt.Errorf("watch %s: %w", w.Root, err)
		}
	}
	defer ch.close()
	r := &watch{Watcher: w, ctx: ctx, out: out, changes: ch, pending: map[string]struct{}{}}
	err := r.run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watch is a run of a watcher. Owned by its goroutine.
type watch struct {
	*Watcher
	ctx     context.Context
	out     chan<- Batch
	changes changes
	pending map[string]struct{}
	lost    bool // events were lost: only a walk tells what has changed
	beaten  time.Time
	looked  time.Time // when it last looked at files that have changed
}

func (w *watch) run() error {
	every := w.Every
	if every == 0 {
		every = Slowly
	}
	for {
		if err := w.walk(); err != nil {
			return err
		}
		walked := time.Now()
		for !w.lost && time.Since(walked) < every {
			if err := w.look(); err != nil {
				return err
			}
			if err := w.changes.wait(w.ctx, min(w.often(), every)); err != nil {
				return err
			}
			if err := w.gather(); err != nil {
				return err
			}
		}
		w.lost = false
	}
}

// gathering is how long a look waits at least after the one before: many changes together cost
// little more than one.
const gathering = 50 * time.Millisecond

// gather waits while the last look at changes was a moment ago; the first change after a while is
// looked at at once.
func (w *watch) gather() error {
	if left := gathering - time.Since(w.looked); left > 0 {
		return silent{}.wait(w.ctx, left)
	}
	return nil
}

func (w *Watcher) present() Beat {
	if w.clock != nil {
		return w.clock()
	}
	return now()
}

func (w *watch) often() time.Duration {
	if w.Watcher.Beat == 0 {
		return Often
	}
	return w.Watcher.Beat
}

// look reads what has changed and vouches for it: the moment is taken before the events
// are read, so that what happens meanwhile is not vouched for (N-7).
func (w *watch) look() error {
	moment := w.present()
	select {
	case <-w.Again:
		w.lost = true
	default:
	}
	if err := w.drain(); err != nil || w.lost {
		return err
	}
	news := len(w.pending) > 0
	if err := w.changed(); err != nil {
		return err
	}
	if w.NoEvents || !news && time.Since(w.beaten) < w.often() { // others' files wake it, too
		return nil
	}
	w.beaten = time.Now()
	return w.send(Batch{Tree: w.Root, Beat: moment})
}

// drain takes what the kernel has told. What it lost, a walk finds (N-8).
func (w *watch) drain() error {
	lost, err := w.changes.read(w.pending)
	w.lost = w.lost || lost
	return err
}

func (w *watch) send(b Batch) error {
	select {
	case w.out <- b:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// walk looks at all files. Events are taken meanwhile, so that the kernel's queue does not
// overflow, and what they name is looked at afterwards.
func (w *watch) walk() error {
	moment := w.present()
	opt := w.Options
	opt.Recurse = true
	if err := w.send(Batch{Tree: w.Root, Begin: true}); err != nil {
		return err
	}
	if err := w.all(objects.Files([]string{w.Root}, opt)); err != nil {
		return err
	}
	end := Batch{Tree: w.Root, End: true}
	if w.NoEvents {
		end.Beat = moment
	}
	return w.send(end)
}

// all sends what a source has.
func (w *watch) all(s objects.Source) error {
	var list []Seen
	var failed error
	flush := func() {
		if failed = w.drain(); failed == nil && len(list) > 0 {
			failed = w.send(Batch{Tree: w.Root, Seen: list})
		}
		list = nil
	}
	err := objects.All(w.ctx, s, sid.SID{}, winnt.FileObject, func(x objects.Item) bool {
		list = append(list, Seen{Path: x.Path, Folder: x.Type == winnt.DirectoryFileObject,
			Descriptor: x.Descriptor, Err: x.Err, Gone: errors.Is(x.Err, fs.ErrNotExist)})
		if len(list) == pathsPerBatch {
			flush()
		}
		return failed == nil
	})
	flush()
	return errors.Join(err, failed)
}

// changed looks at the paths that events named: at a folder with all below it, since it
// may have come from elsewhere.
func (w *watch) changed() error {
	if len(w.pending) == 0 {
		return nil
	}
	paths := make([]string, 0, len(w.pending))
	for p := range w.pending {
		paths = append(paths, p)
	}
	clear(w.pending)
	w.looked = time.Now()
	slices.Sort(paths)
	var files, trees []string
	for _, p := range paths {
		path, tree := strings.CutSuffix(p, "/")
		if tree {
			trees = append(trees, path)
		}
		files = append(files, path)
	}
	files = slices.Compact(files)
	s, err := objects.Named(w.Root, files, w.Options)
	if err != nil {
		return fmt.Errorf("look at %s: %w", w.Root, err)
	}
	if err := w.all(s); err != nil {
		return err
	}
	for _, tree := range trees {
		if err := w.arrived(tree); err != nil {
			return err
		}
	}
	return nil
}

// arrived looks at what is below a folder that was made or moved here.
func (w *watch) arrived(tree string) error {
	opt := w.Options
	opt.Recurse = true
	below, err := objects.Named(w.Root, []string{tree}, opt)
	if err != nil {
		return fmt.Errorf("look at %s: %w", tree, err)
	}
	return w.all(below)
}

// silent are no events: walks tell all.
type silent struct{}

func (silent) read(map[string]struct{}) (bool, error) { return false, nil }
func (silent) close()                                 {}

func (silent) wait(ctx context.Context, most time.Duration) error {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

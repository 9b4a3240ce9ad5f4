package watch

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/objects/tree"
)

// Source reports the contents and changes of a tree, as a [Watcher] does. Run sends batches to out and blocks until
// ctx ends or it fails. It returns nil if ctx ends, and otherwise the error that ended it. It does not close out.
type Source interface {
	Run(ctx context.Context, out chan<- Batch) error
}

// Watcher reports the files of a tree: all at the start, then changes, and all again periodically. Its fields are
// immutable. Call [Watcher.Run] once.
type Watcher struct {
	Root string // absolute, without a trailing slash; it must exist when Run starts
	// Every is the interval of full walks, which find changes that the kernel does not report, such
	// as another host's; 0: [DefaultEvery].
	Every time.Duration
	Beat  time.Duration // interval of heartbeats; 0: [DefaultBeat]
	// NoEvents disables the kernel's events. Then only walks find changes, and a heartbeat has the
	// time of the walk's beginning.
	NoEvents bool
	Options  tree.Options     // Run sets Recurse and Identify
	Clock    func() Heartbeat // nil: this machine's
	// Again requests a walk of the whole tree with each value that it receives; nil: only Every does. Do not close it.
	Again <-chan struct{}
}

// Defaults of a [Watcher].
const (
	DefaultEvery = time.Hour
	DefaultBeat  = time.Second
)

// changes is a source of change events for a tree: the kernel, or none for walks only.
type changes interface {
	// read adds new changes to into without blocking. overflow means that some were lost.
	read(into *news) (overflow bool, err error)
	// wait waits for changes, at most for the given time.
	wait(ctx context.Context, most time.Duration) error
	close()
}

// pathsPerBatch is the maximum number of documents in a batch.
const pathsPerBatch = 1024

// Run walks the tree, reports its changes, and blocks until ctx ends, which is not an error, or an error occurs. It
// sends every batch to out, blocks while nobody receives, and does not close out. It fails if the root is missing. With
// events, it also fails without CAP_SYS_ADMIN, and on every system except Linux. Files and folders that it cannot read
// are reported with an error and do not end it.
func (w *Watcher) Run(ctx context.Context, out chan<- Batch) error {
	var ch changes = silent{}
	// A walk of a missing tree would report all its documents as gone (N-141).
	_, err := os.Stat(w.Root)
	if err == nil && !w.NoEvents {
		ch, err = listen(w.Root)
	}
	if err != nil {
		return fmt.Errorf("watch %s: %w", w.Root, err)
	}
	defer ch.close()
	mounts, err := openMounts(w.Root)
	if err != nil {
		return fmt.Errorf("watch %s: %w", w.Root, err)
	}
	defer mounts.close()
	r := &watch{Watcher: w, ctx: ctx, out: out, changes: ch, mounts: mounts, pending: newNews(), links: newLinkTable()}
	err = r.run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watch is one run of a watcher. Its goroutine owns it.
type watch struct {
	*Watcher
	ctx      context.Context
	out      chan<- Batch
	changes  changes
	mounts   *mountTable // nil: no mounts are known
	links    *linkTable
	before   *linkTable // links of the previous walk, during a walk; otherwise nil
	longer   int        // number of bytes by which the kernel's path of a document is longer than its name
	pending  *news
	reported int       // unnameable events that were already reported
	lost     bool      // events were lost; a walk must find the changes
	lastBeat time.Time // time of the last heartbeat
	looked   time.Time // time of the last read of changed files
	crossed  []string  // paths that a mount unknown to mounts hid during the last read
	doubted  int       // number of successive reads during which mounts changed
}

// run walks the tree, then reports changes until Every has passed or a walk is needed, and begins again. It returns
// only with an error. A zero Every means DefaultEvery. An error of any step ends it, that of an ended context, too.
func (w *watch) run() error {
	every := w.Every
	if every == 0 {
		every = DefaultEvery
	}
	for {
		if err := w.walk(); err != nil {
			return err
		}
		walked := time.Now()
		for !w.lost && time.Since(walked) < every {
			if err := w.poll(); err != nil {
				return err
			}
			if err := w.changes.wait(w.ctx, min(w.beatInterval(), every)); err != nil {
				return err
			}
			if err := w.gather(); err != nil {
				return err
			}
		}
		w.lost = false
	}
}

// gathering is the minimum interval between reads of changed files. Many changes read together cost
// little more than one.
const gathering = 50 * time.Millisecond

// gather delays the read of changed files, so that several changes are read at once: it waits until the interval since
// the last read has passed. After a quiet period it does not wait. It returns the context's error if the context ends
// before.
func (w *watch) gather() error {
	if left := gathering - time.Since(w.looked); left > 0 {
		return silent{}.wait(w.ctx, left)
	}
	return nil
}

// present returns the heartbeat of now, by w.Clock if it is set.
func (w *Watcher) present() Heartbeat {
	if w.Clock != nil {
		return w.Clock()
	}
	return Now()
}

// beatInterval returns the time between heartbeats; DefaultBeat if none was set.
func (w *watch) beatInterval() time.Duration {
	if w.Watcher.Beat == 0 {
		return DefaultBeat
	}
	return w.Watcher.Beat
}

// poll reports changes since the last call, and then sends a heartbeat if due. The heartbeat's time is from before the
// events were read, so it covers no later change (N-7). With NoEvents poll sends no heartbeat. If the tree must be
// walked, or Again requests a walk, poll sets lost and sends no heartbeat.
func (w *watch) poll() error {
	moment := w.present()
	select {
	case <-w.Again:
		w.lost = true
	default:
	}
	if err := w.reportMounts(); err != nil {
		return err
	}
	if err := w.drain(); err != nil || w.lost {
		return err
	}
	// A folder that moves takes the mount points below it along. The kernel does not report that (N-90).
	if w.mounts != nil && len(w.pending.left) > 0 {
		if err := w.reloadMounts(); err != nil {
			return err
		}
	}
	news := !w.pending.empty()
	if err := w.sendPending(); err != nil || w.lost {
		return err
	}
	if w.doubted == 1 {
		return nil // the next read decides; mounts of other folders must not end all heartbeats
	}
	if w.NoEvents || !news && time.Since(w.lastBeat) < w.beatInterval() {
		// A change of another tree woke this watcher.
		return nil
	}
	w.lastBeat = time.Now()
	skipped := w.pending.unnameable - w.reported
	w.reported = w.pending.unnameable
	return w.send(Batch{Tree: w.Root, Heartbeat: moment, Unnameable: skipped})
}

// drain moves all events from the kernel's queue to pending, without reading files. If events were lost, it sets lost,
// which requires a walk (N-8). For a changed inode, pending gets each known name of the file (N-88).
func (w *watch) drain() error {
	lost, err := w.changes.read(w.pending)
	w.lost = w.lost || lost
	for inode := range w.pending.inodes {
		w.links.of(inode, w.pending.paths)
		if w.before != nil {
			w.before.of(inode, w.pending.paths)
		}
	}
	clear(w.pending.inodes)
	return err
}

// reportMounts calls reloadMounts if mounts were added or removed in this process's namespace. Without mounts to watch
// it does nothing.
func (w *watch) reportMounts() error {
	if w.mounts == nil {
		return nil
	}
	changed, err := w.mounts.changed()
	if err != nil || !changed {
		return err
	}
	return w.reloadMounts()
}

// readAgain marks paths that were just read to be read again if mounts were added or removed meanwhile. A mount that
// came and went between two reads of the mount table is in neither, and a document that was read then has the mounted
// file's descriptor or an error (N-90).
func (w *watch) readAgain(paths []string) error {
	if w.mounts == nil {
		return nil
	}
	changed, err := w.mounts.changed()
	if err != nil || !changed {
		w.doubted = 0
		return err
	}
	w.doubted++
	for _, p := range paths {
		// Mounts that come and go all the time must not make it read folders for ever.
		if w.doubted == 1 || !strings.HasSuffix(p, "/") {
			w.pending.paths[p] = struct{}{}
		}
	}
	for _, p := range w.crossed {
		w.pending.paths[p] = struct{}{}
	}
	return w.reloadMounts()
}

// reloadMounts handles added, removed and moved mounts below the tree. It reports covered documents as gone and the
// mount point as unreadable, and marks uncovered folders to be read again (N-90).
func (w *watch) reloadMounts() error {
	came, gone, err := w.mounts.reload()
	if err != nil {
		return err
	}
	for _, at := range gone {
		w.pending.paths[at+"/"] = struct{}{}
	}
	var list []Seen
	for _, at := range came {
		list = append(list, Seen{Path: at, Gone: true}, Seen{Path: at, Folder: true, Err: errForeign})
	}
	if len(list) == 0 {
		return nil
	}
	return w.send(Batch{Tree: w.Root, Seen: list})
}

// send passes b to the receiver and waits until it takes it. It returns the context's error if that ends first.
func (w *watch) send(b Batch) error {
	select {
	case w.out <- b:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// silent is a source of change events that has none, for walks only.
type silent struct{}

// read adds no events and reports no lost ones.
func (silent) read(*news) (bool, error) { return false, nil }

// close does nothing.
func (silent) close() {}

// wait waits for the time most and returns nil, or returns the context's error if that ends first.
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

package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// notary stores the tree's hashes and signs checkpoints in its own goroutine, so that no record waits for it. The
// writer owns leaves, signed and busy.
type notary struct {
	log    *Log
	leaves []tlog.Hash // of records that the notary did not get yet
	signed uint64      // size of the newest note that the notary got
	every  uint64

	in    chan toSign
	done  chan error // one result for each note
	busy  bool
	tiles *tiler   // owned by the notary's goroutine while it is busy
	old   []string // partial tiles of the last checkpoint
	stale []string // partial tiles that were not completed
}

// due reports whether it is time for a new checkpoint: enough records were added since the newest one that was
// ordered. last is the RecordId of the last record.
func (n *notary) due(last uint64) bool { return last >= n.signed+n.every }

// idle reports whether the notary can take another job without a wait.
func (n *notary) idle() bool { return !n.busy || len(n.done) > 0 }

// start starts the notary's goroutine, which stop ends. The goroutine signs one job at a time. The caller receives
// each result from n.done.
func (n *notary) start() {
	n.in, n.done = make(chan toSign), make(chan error, 1)
	go func() {
		for job := range n.in {
			n.done <- n.notarize(job)
		}
		close(n.done)
	}()
}

// push passes a job, a checkpoint to sign, to the notary, unless a checkpoint covers all its records. If the notary is
// busy, push waits for it if wait is true. Otherwise it does nothing: the records are then part of the next job.
func (n *notary) push(job toSign, wait bool) {
	if n.busy {
		if !wait {
			select {
			case <-n.done: //nolint:errcheck // an error has ended the log already
			default:
				return
			}
		} else {
			<-n.done //nolint:errcheck // an error has ended the log already
		}
		n.busy = false
	}
	if job.size == n.signed && n.log.Checkpoint().Size == n.signed { // if the checkpoint is older, the last job failed
		return
	}
	n.leaves, n.signed, n.busy = nil, job.size, true
	n.in <- job
}

// wait blocks until the notary is idle and returns the error of its last note. It returns nil if it was idle already,
// even if the last note failed.
func (n *notary) wait() error {
	if !n.busy {
		return nil
	}
	n.busy = false
	return <-n.done
}

// stop ends the notary's goroutine. It blocks until the last note is done and returns its error. No other method may
// be called afterwards.
func (n *notary) stop() error {
	close(n.in)
	var err error
	for e := range n.done {
		err = e
	}
	return err
}

// notarize carries out one job: it makes the tree's new hashes durable, in files called tiles, and then the
// checkpoint that needs them (U-71). An error ends the log. Only after a full disk the next job tries again, and
// [Log.State] reports the error.
func (n *notary) notarize(job toSign) error {
	for _, leaf := range job.leaves {
		n.tiles.add(leaf)
	}
	err := n.store(job)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("make a checkpoint of the audit log: %w", err)
	if !isFull(err) {
		return n.log.fail(err)
	}
	n.log.trouble.Store(&trouble{time.Now(), err})
	return err
}

// store stores the tiles and the checkpoint of a job, publishes the checkpoint, and removes partial tiles that are no
// longer needed. If signing fails, the new partial tiles are marked for removal and the old checkpoint stays.
func (n *notary) store(job toSign) error {
	partial := n.tiles.partial()
	fresh := slices.Clone(n.tiles.done)
	for i := range partial {
		if !n.stored(partial[i].path()) {
			fresh = append(fresh, partial[i])
		}
	}
	c, err := n.sign(job, fresh)
	if err != nil {
		for i := range partial { // no checkpoint uses them
			n.stale = append(n.stale, partial[i].path())
		}
		return err
	}
	n.log.noted.Store(c)
	return n.tidy(partial)
}

// sign stores tiles and then the checkpoint that needs them, both durably, and returns the checkpoint. It returns
// ErrDamaged if the hashes of the tiles do not give the root in the job.
func (n *notary) sign(job toSign, tiles []tile) (*Checkpoint, error) {
	d := n.log.cfg.disk
	if err := storeTiles(d, tiles); err != nil {
		return nil, err
	}
	n.tiles.done = nil
	c := &Checkpoint{Origin: n.log.origin, Size: job.size, Root: job.root}
	if f := n.tiles.frontier(); f.size != c.Size || f.root() != c.Root {
		return nil, fmt.Errorf("%w: the Merkle tree of %d records does not match the stored tiles", ErrDamaged, c.Size)
	}
	signed, err := signCheckpoint(c, n.log.cfg.Signers)
	if err != nil {
		return nil, err
	}
	return c, closed(put(d, checkpointName, bytesOf(signed)))
}

// stored reports whether the last checkpoint needed the partial tile with this path.
func (n *notary) stored(name string) bool { return slices.Contains(n.old, name) }

// tidy removes the partial tiles that the new checkpoint does not need. A tile that is already gone is not an error;
// the first other error ends the removal.
func (n *notary) tidy(partial []tile) error {
	var names []string
	for i := range partial {
		names = append(names, partial[i].path())
	}
	d := n.log.cfg.disk
	for _, name := range append(n.stale, n.old...) {
		if slices.Contains(names, name) {
			continue
		}
		if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_ = d.Remove(path.Dir(name)) // the folder stays while it has others
	}
	n.old, n.stale = names, nil
	return nil
}

// findStale removes partial tiles of an earlier run that ended before its checkpoint. They are at the right edge of
// the tree, between the sizes from and to. After an error the rest stays for the next start.
func (n *notary) findStale(from, to uint64) error {
	for l := 0; to>>(tileHeight*l) > 0; l++ {
		for number := from >> (tileHeight * (l + 1)); number <= to>>(tileHeight*(l+1)); number++ {
			dir := path.Dir(tilePath(l, number, 1))
			names, err := n.log.cfg.disk.List(dir)
			if err != nil {
				return err
			}
			for _, name := range names {
				if name = path.Join(dir, name); n.stored(name) {
					continue
				}
				if err := n.log.cfg.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
	}
	return nil
}

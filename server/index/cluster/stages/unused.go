package stages

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// searched is the number of batches of the parts' logs that dropUnused reads in one turn, so that the share's
// heartbeats go on.
const searched = 16

// dropUnused drops the classes that no part knows, if the log or the members of new classes are large. It reads the
// logs of the parts over several turns.
//
// A class may be announced and not yet be in the log of its part. So dropUnused waits until each log is at the place of
// the part's last announcement that this share has read. Then the log defines each class that was announced so far, or
// never will. A class that is announced later has a message that this share has not read, and is decided again (N-148).
//
// A log that cannot be read, and an announcement of a part that the site does not have, end the search without a drop.
func (d *deciding) dropUnused(ctx context.Context) error {
	if done, err := d.searchUnused(ctx); err != nil || !done {
		return err
	}
	used := map[string]bool{}
	for _, k := range d.known {
		for id := range k.classes {
			used[id] = true
		}
	}
	err := guarded(func() error { return d.worker.DropClasses(func(id string) bool { return used[id] }) })
	if err != nil {
		return err
	}
	d.known = nil
	if events := d.worker.Take(); len(events) > 0 {
		if err := d.write(ctx, d.last, events); err != nil {
			return err
		}
	}
	d.kept = d.records.size.Bytes
	return nil
}

// searchUnused reads further in the logs of the parts. done means that d.known has every class that a part knows or has
// announced. An error is that of a search that must not go on.
func (d *deciding) searchUnused(ctx context.Context) (done bool, err error) {
	d.kept = min(d.kept, d.records.size.Bytes)
	if d.known == nil {
		if d.rest--; d.version == "" || d.rest > 0 || !d.records.size.Grown(d.shift.compact, d.kept, d.worker) {
			return false, nil
		}
		d.known = newKnownClasses(d.c, d.number, true)
	}
	left := searched
	for _, k := range d.known {
		for d.unfinished(k) {
			first, head := k.more, k.records.follower.head
			if first && left == 0 {
				return false, nil
			}
			err := k.read(ctx)
			switch {
			case errors.Is(err, errRecord) || errors.Is(err, errLost):
				d.endSearch(err)
				return false, nil
			case err != nil:
				d.c.warn(fmt.Errorf("%s: %w", k.name(), err))
				return false, nil
			case !k.more && k.records.follower.head == head && d.unfinished(k):
				return false, nil // the worker of the part has not written yet
			case first:
				left--
			}
		}
	}
	for part := range d.announced {
		if !slices.ContainsFunc(d.known, func(k *knownClasses) bool { return k.name() == part }) {
			d.endSearch(fmt.Errorf("%s announces classes, but the site file has no such part", part))
			return false, nil
		}
	}
	return d.purgeAll(ctx)
}

// purgeAll deletes all messages of processed classes. Otherwise recover would take one about a dropped class for one of
// a new stream. done is false if the next turn must try again.
func (d *deciding) purgeAll(ctx context.Context) (done bool, err error) {
	if d.left == 0 {
		return true, nil
	}
	next := d.next
	if err := d.recover(ctx); err != nil || d.next != next { // do not delete messages of a new stream unread (N-147)
		return false, err
	}
	d.left = max(d.left, often)
	d.purge(ctx)
	return d.left == 0, nil
}

// unfinished reports whether the log of a part must be read further: to its end once, or to the last announcement.
func (d *deciding) unfinished(k *knownClasses) bool {
	return k.more || k.records.loading || k.at.before(d.announced[k.name()])
}

// endSearch ends a search for unused classes without a result, and passes the reason to Warn.
func (d *deciding) endSearch(why error) {
	d.c.warn(fmt.Errorf("%s: classes without documents are not dropped: %w", d.name, why))
	d.known, d.rest = nil, often
}

package stages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// knownClasses reads which classes of one share the worker of a part knows: those that the part's log defines in its
// last complete snapshot or after it. One goroutine owns it.
type knownClasses struct {
	records *records
	share   int
	names   bool // keep no definitions, only IDs
	// classes has the definitions of the share's classes and of all folders' classes, by ID; nil with names. pieces has
	// those of a snapshot that was not read to its end.
	classes, pieces map[string]*index.ClassEvent
	at              place // the place of the worker after the last record
	more            bool  // the log was never read to its end
}

// newKnownClasses returns a reader for each part of the site.
func newKnownClasses(c *Conn, share int, names bool) (out []*knownClasses) {
	for _, p := range c.site.DocumentParts() {
		out = append(out, &knownClasses{records: newRecords(c, site.StreamRows, "rows."+p.Subject()), share: share,
			names: names, classes: map[string]*index.ClassEvent{}, pieces: map[string]*index.ClassEvent{}, more: true})
	}
	return out
}

// name returns the name of the part's log.
func (k *knownClasses) name() string { return k.records.follower.subject }

// read reads at most one batch of new records. Its errors are those of [records.read].
func (k *knownClasses) read(ctx context.Context) error {
	more, err := k.records.read(ctx, func() { clear(k.classes) }, func(r *record) error {
		to := k.classes
		if r.Piece == 1 {
			clear(k.pieces)
		}
		if r.Piece > 0 {
			to = k.pieces
		}
		for _, list := range [][]index.Event{r.events, r.repeated} {
			for i := range list {
				k.add(to, list[i].Class)
			}
		}
		if r.Final {
			k.classes, k.pieces = k.pieces, map[string]*index.ClassEvent{}
		}
		k.at = place{r.Generation, r.Cursor}
		return nil
	})
	k.more = k.more && (more || err != nil)
	return err
}

// add adds a class to a map unless e is nil or of another share.
func (k *knownClasses) add(to map[string]*index.ClassEvent, e *index.ClassEvent) {
	if e == nil || !e.Passing && k.records.follower.c.site.DeciderOf(e.ID) != k.share {
		return
	}
	to[e.ID] = nil
	if !k.names {
		one := *e // without the rows of the record
		to[e.ID] = &one
	}
}

// definitions returns the classes of share n that the logs of all parts define, each after those of the folders above
// its documents. A log that cannot be used goes to Warn, its classes are missing, and all is false. Other errors are
// those of the servers. The caller owns the result.
func (c *Conn) definitions(ctx context.Context, n int) (out []*index.ClassEvent, all bool, err error) {
	added := map[string]bool{}
	all = true
	for _, k := range newKnownClasses(c, n, false) {
		for k.more && err == nil {
			err = k.read(ctx)
		}
		if err != nil && !errors.Is(err, errRecord) {
			return nil, false, err
		}
		if err != nil {
			c.warn(err)
		}
		all, err = all && err == nil && !k.records.loading, nil
		for _, id := range slices.Sorted(maps.Keys(k.classes)) {
			if k.classes[id].Passing {
				continue
			}
			for _, id := range append(slices.Clone(k.classes[id].Through), id) {
				if e := k.classes[id]; e != nil && !added[id] {
					added[id] = true
					out = append(out, e)
				}
			}
		}
	}
	return out, all, nil
}

// hashOfParts returns a hash of the names of the site's parts. A site file can add and remove trees.
func hashOfParts(s *site.Site) string {
	var names []string
	for _, p := range s.DocumentParts() {
		names = append(names, p.Subject())
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:8])
}

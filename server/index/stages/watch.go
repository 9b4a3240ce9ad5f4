package stages

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// WatchConfig says how the trees of a host are watched. Host is needed; see [index.Watcher]
// for the rest.
type WatchConfig struct {
	Host     string
	NoEvents bool
	Every    time.Duration
	Beat     time.Duration
	// From returns who looks at a tree in place of an [index.Watcher]; nil: this process does.
	From func(tree string) index.Source
}

// Watch tells of the files of a host until the context ends or something fails. A second one
// for the same host fences the first, whose error says so.
func Watch(ctx context.Context, c *Conn, o WatchConfig) error {
	trees := c.site.Hosts[o.Host]
	if len(trees) == 0 {
		return fmt.Errorf("the site has no host %s", o.Host)
	}
	return together(ctx, len(trees), func(ctx context.Context, i int) error {
		return watchTree(ctx, c, &o, trees[i])
	})
}

// together runs some functions until one fails or the context ends; the error is the first's.
func together(ctx context.Context, n int, run func(ctx context.Context, i int) error) error {
	told := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := run(ctx, i); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	if told.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

func watchTree(ctx context.Context, c *Conn, o *WatchConfig, tree string) error {
	t := &teller{c: c, site: c.site, boot: index.Boot()}
	for n := range c.site.Parts {
		p := site.Part{Host: o.Host, Tree: tree, Number: n}
		w := &chain{c: c, stream: site.StreamSeen, subject: "seen." + p.Subject()}
		w.rival = t.rival
		t.chains = append(t.chains, w)
	}
	again := make(chan struct{}, 1)
	sub, err := c.nc.Subscribe("again."+(site.Part{Host: o.Host, Tree: tree}).Subject(), func(*nats.Msg) {
		select {
		case again <- struct{}{}:
		default: // it is asked for already
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails when the connection is closed
	var w index.Source = &index.Watcher{Root: tree, NoEvents: o.NoEvents, Every: o.Every, Beat: o.Beat, Again: again}
	if o.From != nil {
		w = &anew{from: func() index.Source { return o.From(tree) }, again: again}
	}
	batches := make(chan index.Batch)
	return together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return w.Run(ctx, batches)
		}
		return t.tell(ctx, batches)
	})
}

// anew is a source that begins again, with a walk, when one is asked for.
type anew struct {
	from  func() index.Source
	again <-chan struct{}
}

// Run runs one source after another until the context ends or one of them fails.
func (a *anew) Run(ctx context.Context, out chan<- index.Batch) error {
	for ctx.Err() == nil {
		turn, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- a.from().Run(turn, out) }()
		var err error
		select {
		case err = <-done:
			stop()
			return err
		case <-a.again:
		}
		stop()
		if err = <-done; err != nil {
			return err
		}
	}
	return nil
}

// teller sends what a watcher has seen to the parts of its tree. Owned by its goroutine.
type teller struct {
	c       *Conn
	site    *site.Site
	chains  []*chain
	boot    string
	run     string // of the walk
	started int64  // when the watcher began, in nanoseconds since 1970, and one more for each walk
	number  uint64
}

func (t *teller) tell(ctx context.Context, batches <-chan index.Batch) error {
	// Our walks begin later than those of the watcher before, whatever the clock says, and they
	// are counted from when we began, so that none of his is later than ours.
	t.started = time.Now().UnixNano()
	for _, w := range t.chains {
		m, err := w.c.last(ctx, w.stream, w.subject)
		for try := 0; err != nil; try++ {
			if pause(ctx, try) != nil {
				return nil
			}
			m, err = w.c.last(ctx, w.stream, w.subject)
		}
		if m != nil && m.signed == nil {
			_, started := walkOf(m)
			t.started = max(t.started, started+walks)
		}
	}
	for {
		select {
		case b := <-batches:
			if err := t.batch(ctx, &b); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// walks is how many walks a watcher may begin before they are taken for the next watcher's.
const walks = 1 << 30

// rival reports whether a message is of a walk that began later than ours, so that another
// watcher has this tree now (N-49).
func (t *teller) rival(m *message) bool {
	run, started := walkOf(m)
	return run != t.run && started > t.started
}

// walkOf returns of which walk a message of a watcher is; 0 if it is malformed.
func walkOf(m *message) (run string, started int64) {
	var x seen
	if len(m.Body) > maxSeen || strict.Unmarshal(m.Body, &x) != nil {
		return "", 0
	}
	return x.Run, x.Started
}

// batch sends a batch: its documents to the part of each, and the rest to all parts, in the
// order of the batch.
func (t *teller) batch(ctx context.Context, b *index.Batch) error {
	if b.Begin { // a walk is the beginning of everything: what came before it need not be known
		t.run = rand.Text()
		t.started++
	}
	parts := make([][]index.Seen, len(t.chains))
	for _, s := range b.Seen {
		// What lay below a name that is gone may be of any part, and so may what lies behind a folder
		// that is tested (N-75).
		if s.Gone || s.Folder && t.site.Tests() {
			for n := range parts {
				parts[n] = append(parts[n], s)
			}
			continue
		}
		n := t.site.PartOf(s.Path)
		parts[n] = append(parts[n], s)
	}
	for n := range parts {
		if err := t.part(ctx, n, b, parts[n]); err != nil {
			return err
		}
	}
	return nil
}

// part sends what a batch has for a part.
func (t *teller) part(ctx context.Context, n int, b *index.Batch, list []index.Seen) error {
	whole := seen{Run: t.run, Started: t.started, Begin: b.Begin}
	size := 0
	known := map[string]int{}
	flush := func() error {
		if !whole.Begin && !whole.End && whole.Beat == nil && len(whole.Documents) == 0 {
			return nil
		}
		body, err := json.Marshal(&whole)
		if err != nil {
			return err
		}
		t.number++
		id := fmt.Sprintf("%s/%d", t.run, t.number)
		err = t.chains[n].append(ctx, id, body, whole.Begin)
		whole, size = seen{Run: t.run, Started: t.started}, 0
		clear(known)
		return err
	}
	for i := range list {
		size += whole.add(&list[i], known)
		if size > maxSeen/4 || len(whole.Documents) == maxDocuments {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	whole.End, whole.Beat = b.End, beatOf(b.Beat)
	return flush()
}

// add adds a document, and returns by how many bytes the message has grown, about.
func (m *seen) add(s *index.Seen, known map[string]int) int {
	d := document{Path: []byte(s.Path), Folder: s.Folder, Gone: s.Gone}
	size := 2*len(s.Path) + 64
	if s.Err != nil {
		d.Error = strings.ToValidUTF8(s.Err.Error(), "\uFFFD")
		size += len(d.Error)
	}
	if s.Descriptor != nil && s.Err == nil {
		text := string(s.Descriptor.AppendOriginal(nil))
		if known[text] == 0 {
			m.Descriptors = append(m.Descriptors, []byte(text))
			known[text] = len(m.Descriptors)
			size += 2 * len(text)
		}
		d.Descriptor = known[text]
	}
	m.Documents = append(m.Documents, d)
	return size
}

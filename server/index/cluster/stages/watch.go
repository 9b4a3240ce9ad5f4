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

	filetree "github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// WatchConfig configures [Watch]. Host is required; see [watch.Watcher] for the rest.
type WatchConfig struct {
	Host     string
	NoEvents bool
	Every    time.Duration
	Beat     time.Duration
	// From returns the source for a tree; nil: a [watch.Watcher] in this process.
	From func(tree string) watch.Source
}

// Watch reports the files of host o.Host, and blocks until the context ends, which is not an error, or something fails.
// While a part has too many unprocessed messages, Watch waits. If a second one starts for the same host, the first
// fails with an error that says so. It returns an error at once for a host that the site does not have.
func Watch(ctx context.Context, c *Conn, o WatchConfig) error {
	trees := c.site.Hosts[o.Host]
	if len(trees) == 0 {
		return fmt.Errorf("the site has no host %s", o.Host)
	}
	return together(ctx, len(trees), func(ctx context.Context, i int) error {
		return watchTree(ctx, c, &o, trees[i])
	})
}

// together calls run concurrently with i from 0 to n-1, and waits for all calls. The first error cancels the context of
// the others, and is returned. If ctx ends, together returns nil, whatever the calls return.
func together(ctx context.Context, n int, run func(ctx context.Context, i int) error) error {
	outer := ctx
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
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// watchTree runs the watcher of one tree and publishes its reports until ctx ends, which is not an error, or something
// fails. An empty message on the subject of the tree starts a new walk; further ones before it are dropped.
func watchTree(ctx context.Context, c *Conn, o *WatchConfig, tree string) error {
	t := &batchPublisher{c: c, site: c.site, boot: watch.BootID()}
	for n := range c.site.Parts {
		p := site.Part{Host: o.Host, Tree: tree, Number: n}
		w := &chain{c: c, stream: site.StreamSeen, subject: "seen." + p.Subject()}
		w.rival = t.rival
		t.chains = append(t.chains, w)
	}
	again := make(chan struct{}, 1)
	sub, err := c.nc.Subscribe("again."+(site.Part{Host: o.Host, Tree: tree}).Subject(), func(m *nats.Msg) {
		if isAnswer(m) {
			return
		}
		select {
		case again <- struct{}{}:
		default: // a walk is requested already
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // Unsubscribe fails only if the connection is closed
	w := o.source(c.site, tree, again)
	batches := make(chan watch.Batch)
	return together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return w.Run(ctx, batches)
		}
		return t.publish(ctx, batches)
	})
}

// source returns the source of batches for a tree of the site. A message in again starts a new walk.
func (o *WatchConfig) source(s *site.Site, tree string, again <-chan struct{}) watch.Source {
	if o.From != nil {
		return &restartingSource{from: func() watch.Source { return o.From(tree) }, again: again}
	}
	return &watch.Watcher{Root: tree, NoEvents: o.NoEvents, Every: o.Every, Beat: o.Beat, Again: again,
		Options: filetree.Options{Search: s.Traverse == index.TraverseHost}}
}

// restartingSource is a source of batches that can walk its tree again on request, by a restart of the underlying
// source.
type restartingSource struct {
	from  func() watch.Source
	again <-chan struct{}
}

// Run runs one source after another until the context ends, which is not an error. A request starts the next one, and
// with it a new walk. If a source fails or ends by itself, Run returns its result.
func (a *restartingSource) Run(ctx context.Context, out chan<- watch.Batch) error {
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

// batchPublisher publishes a watcher's reports to the parts of its tree. Its goroutine owns it.
type batchPublisher struct {
	c       *Conn
	site    *site.Site
	chains  []*chain
	boot    string
	run     string // random name of the current walk
	started int64  // the watcher's start in nanoseconds since 1970, plus one for each walk
	number  uint64
}

// publish publishes the watcher's batches until ctx ends or a publication fails. The end of ctx is not an error. An
// earlier watcher's chains go on. publish waits for the stream without limit. It ignores a last message without a valid
// signature.
func (t *batchPublisher) publish(ctx context.Context, batches <-chan watch.Batch) error {
	// This watcher's walks must be later than those of an earlier watcher, whatever the clock says. The earlier watcher
	// may still run, so add walks to its last number.
	t.started = time.Now().UnixNano()
	for _, w := range t.chains {
		m, err := w.c.awaitLast(ctx, w.stream, w.subject)
		if err != nil {
			return nil
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

// walks is the number of walks that a watcher may start before they could be confused with the next
// watcher's.
const walks = 1 << 30

// rival reports whether a message belongs to a later walk of another watcher, which has taken over the tree, so that
// this one must stop (N-49).
func (t *batchPublisher) rival(m *message) bool {
	run, started := walkOf(m)
	return run != t.run && started > t.started
}

// walkOf returns the name and number of the walk that a message belongs to; "" and 0 if it is
// malformed.
func walkOf(m *message) (run string, started int64) {
	var x seen
	if len(m.Body) > maxSeen || strict.Unmarshal(m.Body, &x) != nil {
		return "", 0
	}
	return x.Run, x.Started
}

// batch publishes a batch in its order. It sends a document to its part. Deleted names, tested folders, the beginning,
// the end and heartbeats go to all parts. It stops at the first error of a part.
func (t *batchPublisher) batch(ctx context.Context, b *watch.Batch) error {
	if b.Begin { // a walk starts a new chain, so earlier messages are not needed
		t.run = rand.Text()
		t.started++
	}
	parts := make([][]watch.Seen, len(t.chains))
	for _, s := range b.Seen {
		// The descendants of a deleted name may be in any part, and so may the documents behind a
		// folder whose traverse right is checked (N-75).
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

// part publishes the documents of part n, in messages of limited size. The first message has the batch's Begin, and the
// last its End and heartbeat. A single empty message is not sent. part returns the first error of a publication.
func (t *batchPublisher) part(ctx context.Context, n int, b *watch.Batch, list []watch.Seen) error {
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
	whole.End, whole.Beat = b.End, heartbeatOf(b.Heartbeat)
	return flush()
}

// add adds a document to the message and returns the message's approximate growth in bytes. known maps each descriptor
// in the message to its position, from 1, so that equal descriptors are stored once. A document with an error has no
// descriptor.
func (m *seen) add(s *watch.Seen, known map[string]int) int {
	d := document{Path: []byte(s.Path), Folder: s.Folder, Gone: s.Gone}
	size := 2*len(s.Path) + 64
	if s.Err != nil {
		d.Error = strings.ToValidUTF8(s.Err.Error(), "\uFFFD")
		size += len(d.Error)
	}
	place := func(x *sd.Descriptor) int {
		text := string(x.AppendOriginal(nil))
		if known[text] == 0 {
			m.Descriptors = append(m.Descriptors, []byte(text))
			known[text] = len(m.Descriptors)
			size += 2 * len(text)
		}
		return known[text]
	}
	if s.Descriptor != nil && s.Err == nil {
		d.Descriptor = place(s.Descriptor)
	}
	if s.Search != nil {
		d.Search = place(s.Search)
	}
	m.Documents = append(m.Documents, d)
	return size
}

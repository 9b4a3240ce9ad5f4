package stages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// FollowConfig says where what was decided is kept. State is needed.
type FollowConfig struct {
	State string       // the folder of an index, as [index.Open] wants it
	Sinks []index.Sink // beside the folder; closed at the end
	Beat  time.Duration
	Ready func() // called once, when all shares are known and vouched for; nil: it is told to no one
	// Compact is how large the log in the folder is at least, in bytes, when it is put together; 0: 64 MiB.
	Compact int64
}

// Follow keeps an index of the whole site in a folder until the context ends or something
// fails; then nothing vouches for it any more.
func Follow(ctx context.Context, c *Conn, o FollowConfig) (err error) {
	q, err := c.site.Question()
	if err != nil {
		return err
	}
	log, state, err := index.OpenLog(o.State)
	if err != nil {
		return err
	}
	f := &following{c: c, config: o, log: log, sinks: append([]index.Sink{log}, o.Sinks...), fences: map[string]*sight{},
		clock: index.Now}
	defer func() {
		for _, s := range f.sinks {
			err = errors.Join(err, s.Close())
		}
	}()
	if f.merge, err = q.Merge(state, c.site.Deciders); err != nil {
		return err
	}
	f.logs = f.all()
	if f.config.Beat == 0 {
		f.config.Beat = index.Often
	}
	return f.run(ctx)
}

// following reads the logs of all shares. Owned by its goroutine.
type following struct {
	c      *Conn
	config FollowConfig
	merge  *index.Merge
	log    *index.Log
	sinks  []index.Sink // the log, then the others
	logs   []*share
	fences map[string]*sight // by the name of the share, the newest that counts
	since  uint64            // the last fence that there was when this follower began
	began  bool
	clock  func() index.Beat // immutable
}

// share is a log that is read.
type share struct {
	records    *records
	source     string // the tree it tells of, or "directory"
	generation uint64
	own        func(path string) bool
	whole      bool
}

func (f *following) all() (out []*share) {
	for _, p := range f.c.site.DocumentParts() {
		root := p.Root()
		out = append(out, &share{source: root, own: func(at string) bool {
			local, below := strings.CutPrefix(at, "//"+p.Host)
			return below && (at == root || strings.HasPrefix(at, root+"/")) && f.c.site.PartOf(local) == p.Number
		}, records: newRecords(f.c, site.StreamRows, "rows."+p.Subject())})
	}
	for n := range f.c.site.Deciders {
		out = append(out, &share{source: "directory", own: func(string) bool { return false },
			records: newRecords(f.c, site.StreamPeople, fmt.Sprintf("people.%d", n))})
	}
	return out
}

func (f *following) run(ctx context.Context) error {
	woken := make(chan struct{}, 1)
	for _, what := range []string{"rows", "people", "fence"} {
		sub, err := f.c.nc.Subscribe("wake."+what+".>", func(*nats.Msg) {
			select {
			case woken <- struct{}{}:
			default: // it will look in any case
			}
		})
		if err != nil {
			return err
		}
		defer func() { _ = sub.Unsubscribe() }() // it fails when the connection is closed
	}
	s := &shift{beat: f.config.Beat, woken: woken}
	for {
		if err := f.turn(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, errRecord) || errors.Is(err, errSink) {
				return err
			}
			f.c.warn(err)
		}
		if err := s.rest(ctx); err != nil {
			return nil
		}
	}
}

// turn takes the fences that there are, then all that the logs have, so that a fence counts
// when what it stands behind was read (N-7).
func (f *following) turn(ctx context.Context) error {
	list, err := f.c.ask(ctx, site.StreamFence, question{MultiLast: []string{"fence.>"}})
	if err != nil {
		return err
	}
	if !f.began {
		for i := range list {
			f.since = max(f.since, list[i].sequence)
		}
		f.began = true
	}
	for _, s := range f.logs {
		if err := f.read(ctx, s); err != nil {
			return err
		}
	}
	if err := f.write(); err != nil {
		return err
	}
	for i := range list {
		f.fence(&list[i])
	}
	return f.vouch()
}

var errSink = errors.New("keep events")

// write hands the events to the sinks.
func (f *following) write() error {
	events := f.merge.Take()
	if len(events) == 0 {
		return nil
	}
	for _, s := range f.sinks {
		if err := s.Write(events); err != nil {
			return fmt.Errorf("%w: %w", errSink, err)
		}
	}
	if err := f.log.Compact(f.merge, f.config.Compact); err != nil { // all sinks have what it loses
		return fmt.Errorf("%w: %w", errSink, err)
	}
	return nil
}

// read takes what a log has.
func (f *following) read(ctx context.Context, s *share) error {
	name := s.name()
	err := s.records.all(ctx, func() {
		// What stood before it is gone. The share is read anew, and not vouched for meanwhile (N-84).
		f.merge.Anew(name)
		delete(f.fences, name)
		s.whole = false
	}, func(r *record) error {
		s.generation = r.Generation
		for i := range r.events {
			if err := f.merge.Apply(name, &r.events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if n := &s.records.follower.refused; *n > 0 {
		f.c.warn(fmt.Errorf("%s: %d messages do not count", name, *n))
		*n = 0
	}
	if err != nil || s.whole || s.generation == 0 || s.records.loading {
		return err
	}
	s.whole = true
	return f.merge.Whole(name, s.own)
}

func (s *share) name() string { return s.records.follower.subject }

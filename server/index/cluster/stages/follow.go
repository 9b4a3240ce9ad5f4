package stages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// FollowConfig configures [Follow]. State or Rows is required; with Rows, Follow ignores State.
type FollowConfig struct {
	Name  string        // one of the site's followers, whose consumer shows this one's lag; "": no consumer
	State string        // the folder of the index, see [index.Open]
	Sinks []index.Sink  // in addition to the folder; Follow closes them and Rows, also if it fails
	Beat  time.Duration // the interval of polling; 0: [watch.DefaultBeat]
	Ready func()        // called once, when all shares have been read and have a watermark; may be nil
	// Compact is the minimum size of the folder's log before it is compacted, in bytes; 0: 64 MiB.
	Compact int64
	// Rows is used instead of State: the rows are stored there only (N-130). Follow closes it, too.
	Rows index.RowStore
}

// Follow maintains an index of the whole site in the folder o.State, or in o.Rows. It blocks until the context ends,
// which is not an error, until a write fails, until a record of a log is unusable, or until a stream loses messages
// that were read. After that the index receives no more watermarks. It returns an error at once if another process
// writes to the folder, or if the folder has the index of another site's question. It always closes o.Sinks and o.Rows.
func Follow(ctx context.Context, c *Conn, o FollowConfig) (err error) {
	sinks := o.Sinks
	if o.Rows != nil {
		sinks = append([]index.Sink{o.Rows}, o.Sinks...)
	}
	defer func() {
		for _, s := range sinks {
			err = errors.Join(err, s.Close())
		}
	}()
	q, err := c.site.Question()
	if err != nil {
		return err
	}
	var log *index.Log
	var state *index.State
	if o.Rows == nil {
		if log, state, err = index.OpenLog(o.State); err != nil {
			return err
		}
		sinks = append([]index.Sink{log}, o.Sinks...)
	}
	f := &following{c: c, config: o, log: log, sinks: sinks, watermarks: map[string]*seenWatermark{}, clock: watch.Now}
	if f.merge, err = q.Merge(state, c.site.Deciders); err != nil {
		return err
	}
	var trees []string
	for _, p := range c.site.DocumentParts() {
		trees = append(trees, p.Root())
	}
	if err := f.merge.KeepTrees(trees, c.warn); err != nil {
		return err
	}
	f.logs = f.all()
	if err := f.beginRows(); err != nil {
		if ctx.Err() != nil { // the store failed because ctx ended
			return nil
		}
		return err
	}
	if f.config.Beat == 0 {
		f.config.Beat = watch.DefaultBeat
	}
	if slices.Contains(c.site.Followers, o.Name) {
		f.lags = map[string]*lag{}
		for _, stream := range []string{site.StreamRows, site.StreamPeople} {
			f.lags[stream] = &lag{c: c, name: "follow." + o.Name + "." + stream,
				every: lagBeats * f.config.Beat}
		}
	}
	return f.run(ctx)
}

// following merges the logs of all shares into one index. One goroutine owns it.
type following struct {
	c          *Conn
	config     FollowConfig
	merge      *index.Merge
	log        *index.Log   // nil: the rows are in config.Rows
	sinks      []index.Sink // the log or config.Rows, then the others
	logs       []*share
	watermarks map[string]*seenWatermark // newest valid watermark, by share name
	since      uint64                    // the last watermark that existed when this follower started
	newest     uint64                    // the last watermark that this follower saw
	behind     int                       // number of turns in a row whose newest watermark was older than newest
	turns      int
	began      bool
	clock      func() watch.Heartbeat // immutable
	lags       map[string]*lag        // reporters of the lag, by stream of logs; empty without config.Name
}

// share is what a follower has read of one share's log: of a part of a tree, or of a share of the classes.
type share struct {
	records    *records
	source     string // the share's tree, or "directory"
	generation uint64
	own        func(path string) bool
	whole      bool
	recent     []readRecord // the last records that were read, at most maxRecent
	restarted  bool         // recent begins with a snapshot that replaces deleted records

	part  *index.StoredPart // the part in config.Rows; nil without a store, and for a share of the classes
	batch *index.RowBatch   // changes for the store; nil: the cursor is not known yet
}

// readRecord identifies a record that was read. Streams that were recreated give its sequence to another record.
type readRecord struct {
	sequence uint64
	id       string
}

// maxRecent bounds the records of a share that a follower can compare with a watermark.
const maxRecent = 1024

// remember adds a record to those that a watermark may name.
func (s *share) remember(sequence uint64, id string) {
	if len(s.recent) == maxRecent {
		s.recent = append(s.recent[:0], s.recent[maxRecent/2:]...)
	}
	s.recent = append(s.recent, readRecord{sequence, id})
}

// all returns a reader for each log of the site: parts of trees first, then shares of the classes. A share of the
// classes owns no document.
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

// run updates the follower's index until ctx ends, which is not an error. run reads the logs after each notification
// and each Beat. Server errors go to Warn. An unusable record, a stream that lost messages that were read, an error of
// a sink, and a failed subscription end run with an error.
func (f *following) run(ctx context.Context) error {
	woken := make(chan struct{}, 1)
	for _, what := range []string{"rows", "people", "fence"} {
		sub, err := f.c.nc.Subscribe("wake."+what+".>", func(*nats.Msg) {
			select {
			case woken <- struct{}{}:
			default: // a wake-up is pending already
			}
		})
		if err != nil {
			return err
		}
		defer func() { _ = sub.Unsubscribe() }() // Unsubscribe fails only if the connection is closed
	}
	s := &shareWorker{beat: f.config.Beat, woken: woken}
	for {
		if err := f.turn(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, errRecord) || errors.Is(err, errSink) || errors.Is(err, errLost) {
				return err
			}
			f.c.warn(err)
		}
		if err := s.wait(ctx); err != nil {
			return nil
		}
	}
}

// turn applies new log records and then watermarks to the follower's index. A watermark takes effect only after the
// records before it (N-7). Watermarks from before the first turn are ignored. After an error the next turn continues
// where this one ended.
func (f *following) turn(ctx context.Context) error {
	list, err := f.readWatermarks(ctx)
	if err == nil {
		err = f.present(ctx, list)
	}
	if err != nil {
		return err
	}
	if !f.began {
		f.since, f.began = f.newest, true
	}
	for _, s := range f.logs {
		if err := f.read(ctx, s); err != nil {
			return err
		}
	}
	if err := f.write(); err != nil {
		return err
	}
	for _, l := range f.lags {
		l.report(0)
	}
	for i := range list {
		if err := f.addWatermark(&list[i]); err != nil {
			return err
		}
	}
	return f.writeWatermark()
}

// present returns errLost if a log, or the stream of the watermarks in list, lost messages that were read. Each call
// checks one log, because each check is a request.
func (f *following) present(ctx context.Context, list []message) error {
	newest := uint64(0)
	for i := range list {
		newest = max(newest, list[i].sequence)
	}
	if f.behind++; newest == 0 || newest >= f.newest {
		f.newest, f.behind = max(f.newest, newest), 0
	}
	if f.behind == doubts {
		return fmt.Errorf("stream %s: %w", site.StreamFence, errLost)
	}
	s := f.logs[f.turns%len(f.logs)]
	f.turns++
	_, err := f.c.present(ctx, s.records.follower.stream, s.name(), s.records.follower.head)
	return err
}

var errSink = errors.New("keep events")

// write passes the merged events to all sinks. Without events it does nothing. Its errors wrap errSink. A sink's error
// ends it, sinks before it have the events, and the merge does not keep them.
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
	return nil
}

// read applies the new records of a log to the merge. Once the log was read to its end, its state is used. It passes
// the number of invalid messages to Warn. The first error ends it, and events before it stay applied.
func (f *following) read(ctx context.Context, s *share) error {
	if s.part != nil {
		return f.readRows(ctx, s)
	}
	name := s.name()
	err := s.records.all(ctx, func() {
		// A keeper deleted earlier records, so the share starts over and has no watermark until all is read (N-84).
		f.merge.Restart(name)
		delete(f.watermarks, name)
		s.whole = false
		s.recent, s.restarted = nil, true
	}, func(r *record) error {
		if l := f.lags[s.records.follower.stream]; l != nil {
			l.read++
		}
		s.generation = r.Generation
		s.remember(r.at, r.id)
		for i := range r.events {
			if err := f.merge.Apply(name, &r.events[i]); err != nil {
				return err
			}
		}
		// The worker has dropped the classes that its snapshot omits, and this follower must not keep them either (N-83).
		if r.Final && s.records.follower.stream == site.StreamRows {
			f.merge.DropUnused(name)
		}
		return nil
	})
	f.warnRefused(s)
	if err != nil || s.whole || s.generation == 0 || s.records.loading {
		return err
	}
	s.whole = true
	return f.merge.Whole(name, s.own)
}

// warnRefused passes the number of a share's invalid messages to Warn. Without any it does nothing, and each is
// counted once.
func (f *following) warnRefused(s *share) {
	if n := &s.records.follower.refused; *n > 0 {
		f.c.warn(fmt.Errorf("%s: %d messages are ignored", s.name(), *n))
		*n = 0
	}
}

// name returns the subject of the messages from which the share is read, which identifies the share in warnings.
func (s *share) name() string { return s.records.follower.subject }

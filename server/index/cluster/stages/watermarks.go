package stages

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// seenWatermark is a watermark and the time when this machine first saw it.
type seenWatermark struct {
	*watermark
	up time.Duration // this machine's uptime at that moment; 0: unknown
}

// moment returns the time up to which the share is complete, by the clock and by this machine's uptime. The uptime of
// another machine means nothing here, so its watermark ages from the time when this machine saw it, whatever the clocks
// say (N-81).
func (s *seenWatermark) moment() index.Moment {
	m := index.Moment(s.Beat.moment())
	if m.Up == 0 {
		m.Up = s.up
	}
	return m
}

// tolerance is the accepted difference of two machines' clocks.
const tolerance = time.Second

// early reports whether a heartbeat is later than the time at which the servers stored it. Then the
// clock of its source is ahead and its real age is unknown (N-80).
func (b *heartbeat) early(m *message) bool {
	return time.Unix(0, b.Time).Sub(m.stored) > tolerance
}

// readWatermarks returns the last watermark of each share that has one, with the result of its verification.
func (f *following) readWatermarks(ctx context.Context) (out []message, err error) {
	for group := range slices.Chunk(f.logs, 1024) { // the servers refuse a request for more subjects (status 413)
		var q question
		for _, s := range group {
			q.MultiLast = append(q.MultiLast, "fence."+s.name())
		}
		list, err := f.c.get(ctx, site.StreamFence, q)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// addWatermark stores a share's watermark, the time up to which the share is complete. A watermark takes effect only if
// the share's current worker wrote it, the log records before it were read, and it is newer than the last (N-49). A
// watermark from before this follower started is ignored (N-81). A bad signature, a malformed watermark, and a clock
// that is ahead go to Warn. A watermark of another log is errLost.
func (f *following) addWatermark(m *message) error {
	name := strings.TrimPrefix(m.Subject, "fence.")
	if m.signed != nil {
		f.c.warn(m.signed)
		return nil
	}
	if m.sequence <= f.since { // older than this follower's start, so its age is unknown (N-81)
		return nil
	}
	present := f.clock()
	if ahead := m.stored.Sub(present.Time); ahead > tolerance { // one of the two clocks is wrong (N-80)
		f.c.warn(fmt.Errorf("%s: the NATS servers' time is %s ahead", m.Subject, ahead.Round(time.Millisecond)))
		return nil
	}
	x, err := parseWatermark(m.Body)
	if err != nil {
		f.c.warn(fmt.Errorf("%s: %w", m.Subject, err))
		return nil
	}
	for _, s := range f.logs {
		if s.name() != name || s.generation != x.Generation || s.records.follower.head < x.Log || !s.whole {
			continue
		}
		old := f.watermarks[name]
		if old != nil && old.Beat.Time >= x.Beat.Time && !old.Beat.ahead(present) {
			continue
		}
		switch s.compare(x, old) {
		case sameLog:
			f.watermarks[name] = &seenWatermark{x, present.Up}
		case anotherLog:
			return fmt.Errorf("%s: message %d is not the one that was read: %w", name, x.Log, errLost)
		case unknownLog: // the follower has not read so far; a later watermark will match
		}
	}
	return nil
}

// Results of share.compare.
const (
	sameLog = iota
	anotherLog
	unknownLog
)

// compare reports whether the record that a watermark names is the one that was read: then the result is sameLog, also
// for a record that a snapshot has replaced. old is the share's watermark before, nil for none. The result is
// unknownLog if too many records were read since.
func (s *share) compare(x *watermark, old *seenWatermark) int {
	for i := len(s.recent) - 1; i >= 0; i-- {
		switch r := &s.recent[i]; {
		case r.sequence == x.Log && r.id == x.Record:
			return sameLog
		case r.sequence <= x.Log:
			return anotherLog
		}
	}
	switch {
	case old == nil && s.restarted:
		return sameLog
	case old != nil && x.Generation == old.Generation && x.Log < old.Log:
		return anotherLog
	}
	return unknownLog
}

// writeWatermark writes the watermarks of all sources to the sinks. A source is as current as its oldest share. A
// source has the zero moment if one of its shares has no watermark (N-55). If no source has a watermark, nothing is
// written. Then it compacts a large log. Ready is called once, when all sources have one. Errors of sinks wrap errSink.
func (f *following) writeWatermark() error {
	sources, missing, current := map[string]index.Moment{}, false, false
	for _, s := range f.logs {
		var m index.Moment
		if x := f.watermarks[s.name()]; x != nil {
			m = x.moment()
		} else {
			missing = true
		}
		if old, known := sources[s.source]; known {
			if old.Time.Before(m.Time) {
				m.Time = old.Time
			}
			m.Up = min(m.Up, old.Up)
		}
		sources[s.source] = m
	}
	for _, m := range sources {
		current = current || !m.Time.IsZero()
	}
	if !current {
		return nil
	}
	for _, s := range f.sinks {
		if err := s.SetWatermark(f.merge.Watermark(sources)); err != nil {
			return fmt.Errorf("%w: %w", errSink, err)
		}
	}
	if f.log != nil { // the compaction drops only events that all sinks have, and that their cursors cover (N-104)
		if err := f.log.Compact(f.merge, f.config.Compact, f.sinks); err != nil {
			return fmt.Errorf("%w: %w", errSink, err)
		}
	}
	if !missing && f.config.Ready != nil {
		f.config.Ready()
		f.config.Ready = nil
	}
	return nil
}

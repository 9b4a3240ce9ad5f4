package stages

import (
	"fmt"
	"strings"
	"time"

	"github.com/refmon/refmon/server/index"
)

// sight is a fence, and when this machine first saw it.
type sight struct {
	*fence
	up time.Duration // since this machine started; 0: unknown
}

// moment returns up to when the share is true. What another machine counts since its start says nothing
// here, so that a beat of it is as old as the time since it was seen, whatever clocks are set to (N-81).
func (s *sight) moment() index.Moment {
	m := index.Moment(s.Beat.moment())
	if m.Up == 0 {
		m.Up = s.up
	}
	return m
}

// tolerance is by how much the clocks of two machines may differ.
const tolerance = time.Second

// early reports whether a beat is of a later time than that at which the servers stored it: the clock
// of its source is ahead, and no one knows how old it will be when it seems to be young (N-80).
func (b *beat) early(m *message) bool {
	return time.Unix(0, b.Time).Sub(m.stored) > tolerance
}

// fence takes a fence of the worker who has its share now, behind records that were read, and
// newer than the last (N-49).
func (f *following) fence(m *message) {
	name := strings.TrimPrefix(m.Subject, "fence.")
	if m.signed != nil {
		f.c.warn(m.signed)
		return
	}
	if m.sequence <= f.since { // it was there when this follower began, and may be of any age (N-81)
		return
	}
	present := f.clock()
	if ahead := m.stored.Sub(present.Time); ahead > tolerance { // one of the two clocks is wrong (N-80)
		f.c.warn(fmt.Errorf("%s: the message servers stored it %s from now", m.Subject, ahead.Round(time.Millisecond)))
		return
	}
	x, err := parseFence(m.Body)
	if err != nil {
		f.c.warn(fmt.Errorf("%s: %w", m.Subject, err))
		return
	}
	for _, s := range f.logs {
		if s.name() != name || s.generation != x.Generation || s.records.follower.head < x.Log || !s.whole {
			continue
		}
		if old := f.fences[name]; old == nil || old.Beat.Time < x.Beat.Time || old.Beat.ahead(present) {
			f.fences[name] = &sight{x, present.Up}
		}
	}
}

// vouch writes the fence of all: a source is as new as its oldest share, and one with a share
// that nothing vouches for has none (N-55).
func (f *following) vouch() error {
	sources, missing := map[string]index.Moment{}, map[string]bool{}
	for _, s := range f.logs {
		x := f.fences[s.name()]
		if x == nil {
			missing[s.source] = true
			continue
		}
		m := x.moment()
		if old, known := sources[s.source]; known {
			if old.Time.Before(m.Time) {
				m.Time = old.Time
			}
			m.Up = min(m.Up, old.Up)
		}
		sources[s.source] = m
	}
	for source := range missing {
		delete(sources, source)
	}
	if len(sources) == 0 {
		return nil
	}
	for _, s := range f.sinks {
		if err := s.Fence(f.merge.Fence(sources)); err != nil {
			return fmt.Errorf("%w: %w", errSink, err)
		}
	}
	if len(missing) == 0 && f.config.Ready != nil {
		f.config.Ready()
		f.config.Ready = nil
	}
	return nil
}

package stages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// WorkConfig says who works. Name is needed and no other worker's: letters, digits and -.
type WorkConfig struct {
	Name string
	Beat time.Duration // how often it is heard of, and looks where nothing woke it; 0: [index.Often]
	// Compact is how large the log of a share is at least, in bytes, when it is put together; 0: 64 MiB.
	Compact int64
}

var workerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// maxTries is how many workers may begin at a message and write nothing before it is left out:
// then it ends them.
const maxTries = 3

// Work decides until the context ends: of the shares of the work those that are this worker's,
// and those of workers that are not heard of any more.
func Work(ctx context.Context, c *Conn, o WorkConfig) error {
	if o.Beat == 0 {
		o.Beat = index.Often
	}
	if !workerName.MatchString(o.Name) {
		return fmt.Errorf("worker %q: want letters, digits and -", o.Name)
	}
	w, leave, err := join(c.nc, o.Name, o.Beat)
	if err != nil {
		return err
	}
	defer leave()
	type share struct {
		name string
		run  func(ctx context.Context, s *shift) error
	}
	var shares []share
	for _, p := range c.site.DocumentParts() {
		shares = append(shares, share{"rows." + p.Subject(), func(ctx context.Context, s *shift) error {
			return workRows(ctx, s, p)
		}})
	}
	for n := range c.site.Deciders {
		shares = append(shares, share{fmt.Sprintf("people.%d", n), func(ctx context.Context, s *shift) error {
			return workPeople(ctx, s, n)
		}})
	}
	return together(ctx, len(shares)+1, func(ctx context.Context, i int) error {
		if i == len(shares) {
			return w.run(ctx)
		}
		s := &shift{c: c, crew: w, name: shares[i].name, beat: o.Beat, compact: o.Compact,
			woken: make(chan struct{}, 1)}
		return s.again(ctx, shares[i].run)
	})
}

// shift is a share as this worker may or may not have it. Owned by its goroutine, except that
// woken is sent to by others.
type shift struct {
	c     *Conn
	crew  *crew
	name  string
	beat  time.Duration
	woken chan struct{}

	compact int64 // see WorkConfig
}

// again works on a share as often as it is this worker's. A failure ends one turn: the next one
// begins with what the log says.
func (s *shift) again(ctx context.Context, run func(ctx context.Context, s *shift) error) error {
	for {
		if s.crew.mine(s.name) {
			if err := run(ctx, s); err != nil && ctx.Err() == nil {
				s.c.warn(fmt.Errorf("%s: %w", s.name, err))
			}
		}
		if err := s.rest(ctx); err != nil {
			return nil
		}
	}
}

// hear wakes the share when something is published on a subject.
func (s *shift) hear(subject string) (func(), error) {
	sub, err := s.c.nc.Subscribe("wake."+subject, func(*nats.Msg) {
		select {
		case s.woken <- struct{}{}:
		default: // it will look in any case
		}
	})
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, nil // it fails when the connection is closed
}

// rest waits for something to do, a beat at most.
func (s *shift) rest(ctx context.Context) error {
	t := time.NewTimer(s.beat)
	defer t.Stop()
	select {
	case <-s.woken:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// guarded runs what is made of a message. A panic is an error: one message must not end the
// worker's other shares.
func guarded(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return run()
}

var errPanic = errors.New("a message could not be worked on")

// subjectOf returns where a watcher tells of a part.
func subjectOf(p site.Part) string { return "seen." + p.Subject() }

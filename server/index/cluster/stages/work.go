package stages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// WorkConfig configures [Work]. Name is required and must be unique: 1 to 64 letters, digits and -.
type WorkConfig struct {
	Name string
	Beat time.Duration // interval of heartbeats and of polling; 0: [watch.DefaultBeat]
	// Compact is the minimum size of a share's log before it is compacted, in bytes; 0: 64 MiB.
	Compact int64
}

var workerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// maxTries is how many workers may start at a message without writing anything. After that the
// message is skipped, because it crashes them.
const maxTries = 3

// Work processes shares of the site's work and blocks until the context ends, which is not an error. It takes its own
// shares, and those of workers whose heartbeat is missing. Errors of one share go to Warn and do not end Work. A
// malformed name, a closed connection and a worker beyond the 1,024th do. A Beat of 0 is watch.DefaultBeat.
func Work(ctx context.Context, c *Conn, o WorkConfig) error {
	if o.Beat == 0 {
		o.Beat = watch.DefaultBeat
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
		run  func(ctx context.Context, s *shareWorker) error
	}
	var shares []share
	for _, p := range c.site.DocumentParts() {
		shares = append(shares, share{"rows." + p.Subject(), func(ctx context.Context, s *shareWorker) error {
			return workRows(ctx, s, p)
		}})
	}
	for n := range c.site.Deciders {
		shares = append(shares, share{fmt.Sprintf("people.%d", n), func(ctx context.Context, s *shareWorker) error {
			return workPeople(ctx, s, n)
		}})
	}
	return together(ctx, len(shares)+1, func(ctx context.Context, i int) error {
		if i == len(shares) {
			return w.run(ctx)
		}
		s := &shareWorker{c: c, workers: w, name: shares[i].name, beat: o.Beat, compact: o.Compact,
			woken: make(chan struct{}, 1)}
		return s.loop(ctx, shares[i].run)
	})
}

// shareWorker processes one share while this worker owns it. Its goroutine owns the value; other goroutines only send
// to woken.
type shareWorker struct {
	c       *Conn
	workers *workers
	name    string
	beat    time.Duration
	woken   chan struct{}

	compact int64 // see WorkConfig
}

// loop works on a share whenever it belongs to this worker: it calls run then, until the context ends, and returns nil.
// An error of run goes to Warn and ends one attempt; the next one starts from the log.
func (s *shareWorker) loop(ctx context.Context, run func(ctx context.Context, s *shareWorker) error) error {
	for {
		if s.workers.mine(s.name) {
			if err := run(ctx, s); err != nil && ctx.Err() == nil {
				s.c.warn(fmt.Errorf("%s: %w", s.name, err))
			}
		}
		if err := s.wait(ctx); err != nil {
			return nil
		}
	}
}

// lag returns a reporter of how far this worker has read the share's input.
func (s *shareWorker) lag() lag { return lag{c: s.c, name: s.name, every: lagBeats * s.beat} }

// lagBeats is the number of heartbeats between two reports of a lag.
const lagBeats = 2

// subscribe wakes the share when something is published on a subject, until the returned function is called.
// Notifications may be lost. Several notifications may become one.
func (s *shareWorker) subscribe(subject string) (func(), error) {
	sub, err := s.c.nc.Subscribe("wake."+subject, func(*nats.Msg) {
		select {
		case s.woken <- struct{}{}:
		default: // a notification is pending already
		}
	})
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, nil // Unsubscribe fails only if the connection is closed
}

// wait blocks until a notification comes or one heartbeat interval has passed; both return nil. It returns the
// context's error if the context ends.
func (s *shareWorker) wait(ctx context.Context) error {
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

// guarded protects the worker's other shares from one bad message: it calls run and converts a panic to an error.
func guarded(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return run()
}

var errPanic = errors.New("a message could not be worked on")

// subjectOf returns the subject on which a watcher publishes its messages about a part of a tree.
func subjectOf(p site.Part) string { return "seen." + p.Subject() }

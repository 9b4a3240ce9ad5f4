package stages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index/site"
)

// chain appends messages to one subject, each behind the last that counts. Owned by one
// goroutine.
type chain struct {
	c               *Conn
	stream, subject string
	head            uint64 // the last message that counts; 0: none does
	last            uint64 // the last message, whatever it is: what the server expects
	// rival reports whether a message that is not ours ends our turn.
	rival func(m *message) bool
}

// errFenced says that another one has gone on with what was ours.
var errFenced = errors.New("another one writes here now")

// Errors of the servers that have a meaning here.
const (
	wrongLast      = jetstream.ErrorCode(10071) // another message is the last of the subject
	wrongLastToo   = jetstream.ErrorCode(10164) // the same, while one is under way
	maximumReached = jetstream.ErrorCode(10077) // the part is full: its worker is behind (N-48)
	inProcess      = jetstream.ErrorCode(10158) // a message of this id is under way: the answer to the first try is
	noRoom         = jetstream.ErrorCode(10002) // the account has all that it may have
)

// append writes a message, and returns when the servers have it. root makes it the first of a
// chain. It tries again as long as the context allows: the id is the same then, and so is the
// message that it must follow, so that it is stored once and never behind a later one (N-50).
func (w *chain) append(ctx context.Context, id string, body []byte, root bool) error {
	m := &site.Signed{Subject: w.subject, ID: id, After: w.head, Body: body}
	if root {
		m.After = 0
	}
	for try := 0; ; try++ {
		ack, err := w.c.publish(ctx, m, &w.last)
		if err == nil {
			w.head, w.last = ack, ack
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, nats.ErrMaxPayload) {
			return errors.Join(ctx.Err(), err)
		}
		if code := errorCode(err); code == wrongLast || code == wrongLastToo {
			done, err := w.look(ctx, m)
			if done || errors.Is(err, errFenced) {
				return err
			}
		} else if code != 0 && code != maximumReached && !passing(err) {
			return fmt.Errorf("%s: %w", w.subject, err)
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// look finds out why a message was refused: it is there already, another one writes here, or
// something that does not count is in its way.
func (w *chain) look(ctx context.Context, m *site.Signed) (done bool, err error) {
	last, err := w.c.last(ctx, w.stream, w.subject)
	switch {
	case err != nil:
		return false, err
	case last == nil:
		w.last = 0
		return false, nil
	case last.signed == nil && last.ID == m.ID:
		w.head, w.last = last.sequence, last.sequence
		return true, nil
	case last.signed == nil && w.rival(last):
		return false, fmt.Errorf("%s: %w", w.subject, errFenced)
	}
	w.last = last.sequence
	return false, nil
}

// publish sends a signed message once. expected is the sequence that the subject's last message
// must have; nil: any.
func (c *Conn) publish(ctx context.Context, m *site.Signed, expected *uint64) (uint64, error) {
	out, err := c.signed(m)
	if err != nil {
		return 0, err
	}
	options := []jetstream.PublishOpt{jetstream.WithMsgID(m.ID), jetstream.WithRetryAttempts(0)}
	if expected != nil {
		options = append(options, jetstream.WithExpectLastSequencePerSubject(*expected))
	}
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	ack, err := c.js.PublishMsg(ctx, out, options...)
	if err != nil {
		return 0, err
	}
	c.wake(m.Subject)
	return ack.Sequence, nil
}

// signed makes a message that counts.
func (c *Conn) signed(m *site.Signed) (*nats.Msg, error) {
	signature, err := site.Sign(c.key, m)
	if err != nil {
		return nil, err
	}
	out := nats.NewMsg(m.Subject)
	out.Data = m.Body
	out.Header.Set(afterHeader, text(m.After))
	out.Header.Set(signatureHeader, base64.RawStdEncoding.EncodeToString(signature))
	return out, nil
}

// keep sends a message until the servers have it, for subjects whose last message counts.
func (c *Conn) keep(ctx context.Context, subject, id string, body []byte) error {
	for try := 0; ; try++ {
		_, err := c.publish(ctx, &site.Signed{Subject: subject, ID: id, Body: body}, nil)
		if err == nil {
			return nil
		}
		if code := errorCode(err); code != 0 && !passing(err) {
			return fmt.Errorf("%s: %w", subject, err)
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// purge takes away the messages of a subject that stand before one.
func (c *Conn) purge(ctx context.Context, stream, subject string, before uint64) error {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	body := fmt.Appendf(nil, `{"filter":%q,"seq":%d}`, subject, before)
	m, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+stream, body)
	if err != nil {
		return err
	}
	var answer struct {
		Success bool            `json:"success"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil || !answer.Success {
		return fmt.Errorf("the servers answered %.200s: %w", m.Data, errors.Join(err, errPurge))
	}
	return nil
}

var errPurge = errors.New("messages were not taken away")

// wake tells who reads a subject that there is something. A message of this kind may be lost:
// readers look from time to time, too.
func (c *Conn) wake(subject string) { _ = c.nc.Publish("wake."+subject, nil) }

// errorCode returns the number of an error that a stream answered with; 0: it is no such error.
func errorCode(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// passing reports whether an error of a stream is one that may be over soon: the message is sent again (N-50).
func passing(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.Code >= 500 || api.ErrorCode == inProcess || api.ErrorCode == noRoom)
}

// pause waits before the next try: longer each time, up to a bound, and not all at once.
func pause(ctx context.Context, try int) error {
	most := min(10*time.Millisecond<<min(try, 8), time.Second)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

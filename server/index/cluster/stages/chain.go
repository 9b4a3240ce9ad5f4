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

	"github.com/refmon/refmon/server/index/cluster/site"
)

// chain writes a stream's subject so that a second writer cannot interleave: each message names the last valid message
// before it, and the servers reject one that does not follow. One goroutine owns it.
type chain struct {
	c               *Conn
	stream, subject string
	head            uint64 // the last valid message; 0: none
	last            uint64 // the subject's last message, valid or not, which the servers expect an append to name
	// rival reports whether another writer's message means that this writer has lost the subject.
	rival func(m *message) bool
	// kept means that readers never delete the last message of this chain. If it is missing, append returns errLost.
	kept bool
}

// errTakenOver says that another writer has taken over the subject.
var errTakenOver = errors.New("another process has taken this over")

// errLost says that a stream no longer has messages that were stored: it was recreated, or restored from an older copy.
var errLost = errors.New("the stream was recreated or is an older copy: it is read from its start")

// Error codes of the NATS servers.
const (
	wrongLast      = jetstream.ErrorCode(10071) // the subject has another last message
	wrongLastToo   = jetstream.ErrorCode(10164) // another last message is in progress
	maximumReached = jetstream.ErrorCode(10077) // the part is full, because its worker is behind (N-48)
	inProcess      = jetstream.ErrorCode(10158) // a message with this id is in progress, from the first attempt
	noRoom         = jetstream.ErrorCode(10002) // the account has reached its storage limit
)

// append adds a message to the chain, and returns after the servers have stored it. id is the message's ID. With root
// the message starts a new chain and names no predecessor.
//
// Transient errors and a full subject are retried until ctx ends (N-48). Retries never store the message twice, or
// after a later message (N-50). Errors are errTakenOver if another writer has taken over, errLost if the stream lost
// a kept chain, that of ctx if it ends, and permanent errors such as a message that is too large.
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
			done, err := w.diagnose(ctx, m)
			if done || errors.Is(err, errTakenOver) || errors.Is(err, errLost) {
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

// diagnose finds out why the servers rejected an append.
//
//   - done is true: the message is stored already.
//   - errTakenOver: another writer has taken over.
//   - errLost: the chain is kept, and the stream lost its last message.
//   - any other result: append must try again. diagnose has set the sequence that the servers expect, unless it could
//     not read it.
func (w *chain) diagnose(ctx context.Context, m *site.Signed) (done bool, err error) {
	head := uint64(0)
	if w.kept {
		head = w.head
	}
	last, err := w.c.present(ctx, w.stream, w.subject, head)
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
		return false, fmt.Errorf("%s: %w", w.subject, errTakenOver)
	}
	w.last = last.sequence
	return false, nil
}

// doubts is how many answers must report a message as gone, because a NATS server of a cluster may be behind for a
// moment.
const doubts = 12

// present returns the last message of a subject, as last does, or errLost if the stream lost message head of the
// subject: a subject keeps its last valid message, or has a later one. It repeats the request for about five seconds
// before it returns errLost. A head of 0 is never lost.
func (c *Conn) present(ctx context.Context, stream, subject string, head uint64) (*message, error) {
	for try := range doubts {
		m, err := c.last(ctx, stream, subject)
		if err != nil || head == 0 || m != nil && m.sequence >= head {
			return m, err
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", subject, errLost)
}

// publish sends a signed message once, wakes the subject's readers, and returns the message's sequence. expected is the
// required sequence of the subject's last message: 0 for an empty subject, nil for any. publish waits at most
// answerWithin. After an error no reader is woken.
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

// signed signs m with the connection's key and returns the NATS message, with the signature and m.After in headers.
// It sends nothing. It returns an error if the key cannot sign.
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

// keep publishes a message on a subject where only the last message matters. keep returns after the servers have stored
// the message. keep retries transient errors until the context ends, which is an error. Other errors, such as a message
// that is too large, are returned at once.
func (c *Conn) keep(ctx context.Context, subject, id string, body []byte) error {
	for try := 0; ; try++ {
		_, err := c.publish(ctx, &site.Signed{Subject: subject, ID: id, Body: body}, nil)
		if err == nil {
			return nil
		}
		code := errorCode(err)
		if errors.Is(err, nats.ErrMaxPayload) || code != 0 && !passing(err) {
			return fmt.Errorf("%s: %w", subject, err)
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// purge deletes the messages of a subject or pattern with a sequence below before. Deleting none is not an error.
// Errors are those of request. Only the keeper may purge (N-120).
func (c *Conn) purge(ctx context.Context, stream, subject string, before uint64) error {
	return c.request(ctx, "$JS.API.STREAM.PURGE."+stream, fmt.Appendf(nil, `{"filter":%q,"seq":%d}`, subject, before))
}

// request asks the JetStream API to delete messages, and returns an error unless the servers confirm the deletion.
// subject and body are the API's. It waits at most answerWithin and does not retry. A malformed confirmation is an
// error.
func (c *Conn) request(ctx context.Context, subject string, body []byte) error {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	m, err := c.nc.RequestWithContext(ctx, subject, body)
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

// wake notifies the readers of a subject that it has a new message. The notification may be lost, because readers also
// poll.
func (c *Conn) wake(subject string) { _ = c.nc.Publish("wake."+subject, nil) }

// errorCode returns the code by which JetStream names an error, and 0 for any other error.
func errorCode(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// passing reports whether an error of the servers may be transient, so that it makes sense to send the message again
// (N-50). It returns false for an error that has no code, such as a timeout.
func passing(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.Code >= 500 || api.ErrorCode == inProcess || api.ErrorCode == noRoom)
}

// pause waits before attempt number try+1, with exponential backoff up to one second and jitter. It returns the
// context's error if the context ends before. Attempt 0 waits 5 to 10 ms.
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

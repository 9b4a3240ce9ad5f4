package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// request is a message to a keeper: a worker's request to delete messages of its share that nobody needs, or the report
// of a lag. Exactly one of Input, Log, Drop and Read must be set.
type request struct {
	Input uint64 `json:"input,omitempty"` // delete the share's input before this sequence
	Log   uint64 `json:"log,omitempty"`   // delete the share's log before this first piece of a snapshot
	Final uint64 `json:"final,omitempty"` // with Log: the last piece of the snapshot
	Drop  uint64 `json:"drop,omitempty"`  // delete this message of a part's input
	Read  int    `json:"read,omitempty"`  // the number of messages that a stage has read
	At    uint64 `json:"at,omitempty"`    // with Read: all messages up to this one were read; 0: unknown
}

// outcome is the keeper's reply to a request: an error text, or nothing for success.
type outcome struct {
	Error string `json:"error,omitempty"`
}

const (
	keepSubject = "keep."   // followed by the name of the share, or by follow.NAME.STREAM
	maxRequest  = 1 << 10   // bytes
	keepers     = "keepers" // queue group: one keeper gets each request
	mostWaiting = 64 << 10  // requests that wait for a keeper
)

// Keep creates the streams and consumers of a site and calls ready. Then it deletes messages at the workers' request
// and moves consumers until ctx ends, which is not an error. It returns an error if [Prepare] or the subscription
// fails. Failed requests go to Warn. Several keepers may run. Only the keeper's connection may do this, so that a
// worker's key deletes no stream and no message that counts (N-120). ready may be nil.
func Keep(ctx context.Context, c *Conn, ready func()) error {
	if err := Prepare(ctx, c); err != nil {
		return err
	}
	k := &keeper{c: c, shares: map[string]keptShare{}}
	for _, p := range c.site.DocumentParts() {
		k.shares["rows."+p.Subject()] = keptShare{site.StreamRows, site.StreamSeen, subjectOf(p)}
	}
	for n := range c.site.Deciders {
		k.shares[fmt.Sprintf("people.%d", n)] = keptShare{site.StreamPeople, site.StreamClass, classesOf(n)}
	}
	requests := make(chan *nats.Msg, mostWaiting)
	sub, err := c.nc.ChanQueueSubscribe(keepSubject+">", keepers, requests)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // Unsubscribe fails only if the connection is closed
	_ = c.nc.FlushTimeout(answerWithin)      // after a failure the client subscribes once it is connected
	if ready != nil {
		ready()
	}
	for {
		select {
		case m := <-requests:
			k.answer(ctx, m)
		case <-ctx.Done():
			return nil
		}
	}
}

// keeper deletes messages of the streams for workers, whose own keys may not do that. One goroutine owns it.
type keeper struct {
	c      *Conn
	shares map[string]keptShare // by the name of the share; immutable
}

// keptShare tells a keeper where the messages of a share are: the streams of its log and its input, and the subject or
// pattern of the input. Immutable.
type keptShare struct{ log, in, input string }

// answer carries out a worker's request and replies with its outcome. An error also goes to Warn. Because a worker
// chooses the reply subject, answer replies only to workers' inboxes, and to subjects that the servers create for
// answers to another account (N-121).
func (k *keeper) answer(ctx context.Context, m *nats.Msg) {
	var out outcome
	if err := k.carryOut(ctx, m); err != nil {
		out.Error = err.Error()
		k.c.warn(fmt.Errorf("%s: %w", m.Subject, err))
	}
	if !strings.HasPrefix(m.Reply, site.Answers) && !strings.HasPrefix(m.Reply, site.Inbox(site.Work)+".") {
		return
	}
	if body, err := json.Marshal(&out); err == nil { // always: outcome has only a string
		_ = k.c.nc.Publish(m.Reply, body) // after a failure the worker repeats its request
	}
}

// carryOut deletes the messages that a request names, or advances a consumer that shows a lag. Messages that are still
// needed are not deleted; that is an error (N-120).
//
// These requests are errors too:
//   - a malformed request, or one above maxRequest bytes
//   - an unknown share or follower
//   - a zero number, or fields of more than one action
//   - a drop for a share of another stream than the seen stream
func (k *keeper) carryOut(ctx context.Context, m *nats.Msg) error {
	name := strings.TrimPrefix(m.Subject, keepSubject)
	var d request
	if len(m.Data) > maxRequest {
		return fmt.Errorf("the request has %d bytes, want at most %d", len(m.Data), maxRequest)
	}
	if err := strict.Unmarshal(m.Data, &d); err != nil {
		return err
	}
	s, known := k.shares[name]
	follower, stream, follows := k.follower(name)
	switch {
	case !known && !follows:
		return errors.New("the site has no such share or follower")
	case d == request{Read: d.Read, At: d.At} && d.Read > 0:
		if follows {
			return k.move(ctx, stream, follower, d.Read, d.At)
		}
		return k.move(ctx, s.in, consumerName(name), d.Read, d.At)
	case follows: // its other requests are errors
	case d == request{Input: d.Input} && d.Input > 0:
		done, err := k.cursor(ctx, s.log, name)
		if err == nil && d.Input > done+1 {
			err = fmt.Errorf("the log of the share is at %d of its input", done)
		}
		if err != nil {
			return err
		}
		return k.c.purge(ctx, s.in, s.input, d.Input)
	case d == request{Log: d.Log, Final: d.Final} && d.Log > 0:
		if err := k.snapshot(ctx, s.log, name, d.Log, d.Final); err != nil {
			return err
		}
		return k.c.purge(ctx, s.log, name, d.Log)
	case d == request{Drop: d.Drop} && d.Drop > 0 && s.in == site.StreamSeen:
		return k.drop(ctx, s, d.Drop)
	}
	return errors.New("want exactly one of input, log with final, drop, and read")
}

// follower parses the name follow.NAME.STREAM in a lag report, and returns the follower and its stream. found is false
// for another form, an unknown follower and another stream.
func (k *keeper) follower(name string) (follower, stream string, found bool) {
	rest, found := strings.CutPrefix(name, "follow.")
	follower, stream, _ = strings.Cut(rest, ".")
	return follower, stream, found && slices.Contains(k.c.site.Followers, follower) &&
		(stream == site.StreamRows || stream == site.StreamPeople)
}

// cursor returns the share's last input message whose result is stored. log is the log's stream, and name the share's
// subject. The result is the greater cursor of the log's last record and of the same worker's watermark. A missing or
// malformed watermark, or one of another worker, is ignored. A share without a log is an error.
func (k *keeper) cursor(ctx context.Context, log, name string) (done uint64, err error) {
	m, err := k.c.last(ctx, log, name)
	if err != nil {
		return 0, err
	}
	if m == nil || m.signed != nil {
		return 0, errors.New("the share has no log")
	}
	r, err := parseRecord(m.Body)
	if err != nil {
		return 0, err
	}
	w, err := k.c.last(ctx, site.StreamFence, "fence."+name)
	if err != nil || w == nil || w.signed != nil {
		return r.Cursor, err
	}
	if f, err := parseWatermark(w.Body); err == nil && f.Generation == r.Generation {
		return max(r.Cursor, f.Cursor), nil
	}
	return r.Cursor, nil
}

// snapshot verifies that messages first to final are one snapshot of a log. Older messages may then be deleted. first
// and final must be the snapshot's first and last message, by one worker, with final not before first. A missing or
// unsigned message is an error.
func (k *keeper) snapshot(ctx context.Context, log, name string, first, final uint64) error {
	var ends [2]*record
	for i, seq := range []uint64{first, final} {
		m, err := k.c.at(ctx, log, seq)
		if err != nil {
			return err
		}
		if m == nil || m.signed != nil || m.Subject != name {
			return fmt.Errorf("message %d is not of this log", seq)
		}
		if ends[i], err = parseRecord(m.Body); err != nil {
			return err
		}
	}
	if ends[0].Piece != 1 || !ends[1].Final || final < first || ends[0].Generation != ends[1].Generation {
		return fmt.Errorf("messages %d and %d are not the first and last message of one snapshot", first, final)
	}
	return nil
}

// drop deletes one message of a part's input. It does nothing for a message that is gone already, and returns an error
// for a message of another part.
func (k *keeper) drop(ctx context.Context, s keptShare, seq uint64) error {
	m, err := k.c.at(ctx, s.in, seq)
	if err != nil || m == nil {
		return err
	}
	if m.Subject != s.input {
		return fmt.Errorf("message %d is of another part", seq)
	}
	return k.c.request(ctx, "$JS.API.STREAM.MSG.DELETE."+s.in, fmt.Appendf(nil, `{"seq":%d,"no_erase":true}`, seq))
}

// remove asks a keeper to delete messages of a share, and returns its error. It waits at most answerWithin and does not
// retry. An answer that is not JSON is an error. An outcome with an error text is an error.
func (c *Conn) remove(ctx context.Context, share string, d request) error {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	body, err := json.Marshal(&d)
	if err != nil {
		return err
	}
	m, err := c.nc.RequestWithContext(ctx, keepSubject+share, body)
	if err != nil {
		return err
	}
	var out outcome
	if err := json.Unmarshal(m.Data, &out); err != nil {
		return fmt.Errorf("the keeper answered %.200q: %w", m.Data, err)
	}
	if out.Error != "" {
		return errors.New(out.Error)
	}
	return nil
}

package stages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// message is a stored message of a stream.
type message struct {
	site.Signed
	sequence uint64
	stored   time.Time // by the clock of a NATS server
	signed   error     // nil: the role that owns the subject has signed the message
}

// Headers of the messages that stages publish.
const (
	afterHeader     = "Refmon-After"
	signatureHeader = "Refmon-Signature"
)

// Limits of one request.
const (
	batchMessages = 256
	batchBytes    = 16 << 20
	answerWithin  = 5 * time.Second
)

// question is a direct get request. It needs no consumer, so servers store nothing for it.
type question struct {
	Seq       uint64   `json:"seq,omitempty"`
	NextBy    string   `json:"next_by_subj,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	MaxBytes  int      `json:"max_bytes,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
}

// errCut says that responses of a batch are missing.
var errCut = errors.New("answers are missing")

// get sends a request to a stream and returns all responses, nil if none. The field signed of each message has the
// result of its verification. get waits at most answerWithin. An error discards all responses and may be transient. An
// incomplete answer is an error, but fewer than q.Batch messages are not. A gap in a batch is errCut.
func (c *Conn) get(ctx context.Context, stream string, q question) ([]message, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	inbox := c.nc.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // Unsubscribe fails only if the connection is closed
	if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, body); err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	var out []message
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("stream %s: no complete answer: %w", stream, err)
		}
		if header(m, "Nats-Sequence") == "" { // a status: the end of the batch, or an error
			switch status := m.Header.Get("Status"); status {
			case "404", "204":
				return out, nil
			default:
				return nil, fmt.Errorf("stream %s: status %s %s", stream, status, m.Header.Get("Description"))
			}
		}
		x, err := c.read(m)
		if err != nil {
			return nil, err
		}
		if q.Batch > 0 && len(out) > 0 && header(m, "Nats-Last-Sequence") != text(out[len(out)-1].sequence) {
			return nil, errCut
		}
		out = append(out, x)
	}
}

// text returns n in decimal, as in message headers.
func text(n uint64) string { return strconv.FormatUint(n, 10) }

// header returns the last value of a header. The author of a message can set the same header, but the server appends
// its own values.
func header(m *nats.Msg, name string) string {
	all := m.Header.Values(name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// read parses a message and verifies its signature; the result is in signed. An error means that the server's headers
// are malformed. A malformed signature header is in signed, too.
func (c *Conn) read(m *nats.Msg) (message, error) {
	seq, err := strconv.ParseUint(header(m, "Nats-Sequence"), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("an answer without a sequence: %w", err)
	}
	stored, err := time.Parse(time.RFC3339Nano, header(m, "Nats-Time-Stamp"))
	if err != nil {
		return message{}, fmt.Errorf("message %d without a time: %w", seq, err)
	}
	x := message{sequence: seq, stored: stored, Signed: site.Signed{Subject: header(m, "Nats-Subject"),
		ID: m.Header.Get(nats.MsgIdHdr), Body: m.Data}}
	after, err1 := strconv.ParseUint(m.Header.Get(afterHeader), 10, 64)
	signature, err2 := base64.RawStdEncoding.DecodeString(m.Header.Get(signatureHeader))
	x.After = after
	if x.signed = errors.Join(err1, err2); x.signed == nil {
		x.signed = c.site.Verify(&x.Signed, signature)
	}
	return x, nil
}

// last returns the last message of a subject with the result of its verification. It returns nil and no error if the
// subject has none. It waits at most answerWithin.
func (c *Conn) last(ctx context.Context, stream, subject string) (*message, error) {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	m, err := c.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+stream+"."+subject, nil)
	if err != nil {
		return nil, err
	}
	return c.one(m, subject)
}

// awaitLast returns the last message of a subject as last does, but repeats a failed request until ctx ends, and then
// returns an error.
func (c *Conn) awaitLast(ctx context.Context, stream, subject string) (*message, error) {
	for try := 0; ; try++ {
		m, err := c.last(ctx, stream, subject)
		if err == nil {
			return m, nil
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

// next returns the messages of a subject or pattern from a sequence on, at most one batch. It returns none at the end.
// It does not wait for new messages. Invalid messages are included, with the reason in signed.
func (c *Conn) next(ctx context.Context, stream, subject string, from uint64) ([]message, error) {
	return c.get(ctx, stream, question{Seq: max(from, 1), NextBy: subject, Batch: batchMessages, MaxBytes: batchBytes})
}

// at returns the message with a sequence, with the result of its verification. It returns nil and no error if the
// stream does not have it. It waits at most answerWithin.
func (c *Conn) at(ctx context.Context, stream string, seq uint64) (*message, error) {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	m, err := c.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+stream, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return nil, err
	}
	return c.one(m, stream)
}

// one reads the only answer of a direct get. It returns nil if there is no message. where is for errors. A status
// other than 404 is an error. On a malformed answer the message is not nil.
func (c *Conn) one(m *nats.Msg, where string) (*message, error) {
	if header(m, "Nats-Sequence") == "" {
		if status := m.Header.Get("Status"); status != "404" {
			return nil, fmt.Errorf("%s: status %s %s", where, status, m.Header.Get("Description"))
		}
		return nil, nil
	}
	x, err := c.read(m)
	return &x, err
}

package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// consumers returns the durable JetStream consumers that show how far each reader of a stream lags. An unknown stream
// has none. Each part, each share of the classes, and each follower has a consumer for each stream that it reads. No
// stage reads messages through them, so a lost consumer changes no answer.
func consumers(s *site.Site, stream string) (out []jetstream.ConsumerConfig) {
	add := func(name, subject, reader string) {
		out = append(out, jetstream.ConsumerConfig{Durable: name, Description: reader, FilterSubject: subject,
			HeadersOnly: true, AckPolicy: jetstream.AckNonePolicy, Replicas: 1, MemoryStorage: true})
	}
	switch stream {
	case site.StreamSeen:
		for _, p := range s.DocumentParts() {
			add(consumerName("rows."+p.Subject()), subjectOf(p), fmt.Sprintf("worker of part %d of %s", p.Number, p.Root()))
		}
	case site.StreamClass:
		for n := range s.Deciders {
			add(consumerName(fmt.Sprintf("people.%d", n)), classesOf(n), fmt.Sprintf("worker of share %d of the classes", n))
		}
	case site.StreamRows, site.StreamPeople:
		for _, name := range s.Followers {
			add(name, "", "follower "+name)
		}
	}
	return out
}

// consumerName returns the name of a share's JetStream consumer, which must have no dots.
func consumerName(share string) string { return strings.ReplaceAll(share, ".", "_") }

// Lag is the number of messages of a stream that a reader has not read yet, or not reported as read. Its zero value
// names no reader.
type Lag struct {
	Stream, Reader string // such as "SEEN" and "worker of part 0 of //files1/srv"
	Waiting        uint64
}

// Lags returns the lag of each worker and follower of a site, in the order of the stages. Reports of what was read
// arrive every two seconds. Only the keeper's connection may call it. It returns an error if a server does not answer
// or no keeper has created the consumers. The caller owns the result.
func Lags(ctx context.Context, c *Conn) (out []Lag, err error) {
	for _, stream := range site.Streams() {
		for _, config := range consumers(c.site, stream) {
			x, err := c.js.Consumer(ctx, stream, config.Durable)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", stream, config.Description, err)
			}
			out = append(out, Lag{stream, config.Description, x.CachedInfo().NumPending})
		}
	}
	return out, nil
}

// lag reports how far a stage has read a stream, so that a keeper moves the stage's consumer there and [Lags] returns
// the rest. One goroutine owns it.
type lag struct {
	c     *Conn
	name  string        // of the share, or follow.NAME.STREAM
	every time.Duration // the shortest time between two reports
	read  int           // messages that were read since the last report
	last  time.Time
}

// report tells the keeper how many messages this stage has read since the last report. at is the sequence up to which
// all were read, 0 if unknown. report does nothing if no message was read, or if the last report was too recent. After
// a lost report the consumer lags until a report with a sequence arrives.
func (l *lag) report(at uint64) {
	if l.read == 0 || time.Since(l.last) < l.every {
		return
	}
	body, err := json.Marshal(&request{Read: l.read, At: at})
	if err == nil { // always: the request has only numbers
		_ = l.c.nc.Publish(keepSubject+l.name, body)
	}
	l.read, l.last = 0, time.Now()
}

// mostPulled is the most messages of one pull.
const mostPulled = 256

// move advances a consumer to the position that a stage has reported: it takes n messages, and then more, up to the
// sequence at; 0: no more. It stops early if the consumer has no more. The first error ends it.
func (k *keeper) move(ctx context.Context, stream, consumer string, n int, at uint64) error {
	for n > 0 || at > 0 {
		batch := min(max(n, 1), mostPulled)
		got, last, err := k.pull(ctx, stream, consumer, batch)
		if n -= min(got, n); err != nil || got < batch || n == 0 && last >= at {
			return err
		}
	}
	return nil
}

// pull takes up to n available messages from a consumer, and returns their number got. last is the sequence of the last
// message, 0 if there is none. pull waits at most answerWithin. With an error, got and last still count the received
// messages.
func (k *keeper) pull(ctx context.Context, stream, consumer string, n int) (got int, last uint64, err error) {
	inbox := k.c.nc.NewInbox()
	sub, err := k.c.nc.SubscribeSync(inbox)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = sub.Unsubscribe() }() // Unsubscribe fails only if the connection is closed
	err = k.c.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+stream+"."+consumer, inbox,
		fmt.Appendf(nil, `{"batch":%d,"no_wait":true}`, n))
	if err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	for got < n {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return got, last, err
		}
		meta, err := m.Metadata()
		if err != nil { // the message is a status without metadata: the consumer has no more messages
			break
		}
		got, last = got+1, meta.Sequence.Stream
		if meta.NumPending == 0 { // no status follows the last message
			break
		}
	}
	return got, last, nil
}

// prepareConsumers creates the consumers of a stream, or updates existing ones. It stops at the first error and
// returns it with the consumer's name. The consumers before it stay.
func prepareConsumers(ctx context.Context, c *Conn, stream string) error {
	for _, config := range consumers(c.site, stream) {
		_, err := c.js.CreateOrUpdateConsumer(ctx, stream, config)
		if err != nil {
			return fmt.Errorf("consumer %s: %w", config.Durable, err)
		}
	}
	return nil
}

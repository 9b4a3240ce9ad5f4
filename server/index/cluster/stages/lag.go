package stages

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// consumers returns the durable consumers of a stream. They only report lag: no stage reads messages through them, so
// one that is lost or behind changes no answer. Each part and each share of the classes has one, and each follower has
// one for each of its two streams.
func consumers(s *site.Site, stream string) (out []jetstream.ConsumerConfig) {
	add := func(name, subject string) {
		out = append(out, jetstream.ConsumerConfig{Durable: name, FilterSubject: subject, HeadersOnly: true,
			AckPolicy: jetstream.AckNonePolicy, Replicas: 1, MemoryStorage: true})
	}
	switch stream {
	case site.StreamSeen:
		for _, p := range s.DocumentParts() {
			add(consumerName("rows."+p.Subject()), subjectOf(p))
		}
	case site.StreamClass:
		for n := range s.Deciders {
			add(consumerName(fmt.Sprintf("people.%d", n)), classesOf(n))
		}
	case site.StreamRows, site.StreamPeople:
		for _, name := range s.Followers {
			add(name, "")
		}
	}
	return out
}

// consumerName returns the name of a share's consumer. A name of a consumer has no dots.
func consumerName(share string) string { return strings.ReplaceAll(share, ".", "_") }

// mostPulled is the most messages of one pull.
const mostPulled = 256

// lag moves a consumer to the position of its reader, so that `nats consumer report` shows how far that is behind. One
// goroutine owns it.
type lag struct {
	c            *Conn
	stream, name string
	every        time.Duration // the shortest time between two moves
	read         int           // messages that were read since the last move
	last         time.Time
}

// move takes the messages that were read from the consumer, and further ones below the sequence least. It does nothing
// if the last move was too recent. Errors end it, because the next move continues.
func (l *lag) move(ctx context.Context, least uint64) {
	if l.read == 0 && !l.last.IsZero() || time.Since(l.last) < l.every {
		return
	}
	l.last = time.Now()
	for l.read > 0 || least > 0 {
		batch := min(max(l.read, 1), mostPulled)
		got, last := l.pull(ctx, batch)
		if l.read -= min(got, l.read); got < batch || last >= least && l.read == 0 {
			break
		}
	}
	l.read = 0
}

// pull takes up to n messages from the consumer without waiting for new ones. It returns their number and the sequence
// of the last one.
func (l *lag) pull(ctx context.Context, n int) (got int, last uint64) {
	inbox := l.c.nc.NewInbox()
	sub, err := l.c.nc.SubscribeSync(inbox)
	if err != nil {
		return 0, 0
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is closed
	err = l.c.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+l.stream+"."+l.name, inbox,
		fmt.Appendf(nil, `{"batch":%d,"no_wait":true}`, n))
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	for err == nil && got < n {
		var m *nats.Msg
		if m, err = sub.NextMsgWithContext(ctx); err != nil {
			break
		}
		meta, err := m.Metadata()
		if err != nil { // the end: a status
			break
		}
		got, last = got+1, meta.Sequence.Stream
	}
	return got, last
}

// prepareConsumers creates the consumers of a stream and returns the first error.
func prepareConsumers(ctx context.Context, c *Conn, stream string) error {
	for _, config := range consumers(c.site, stream) {
		_, err := c.js.CreateOrUpdateConsumer(ctx, stream, config)
		if err != nil {
			return fmt.Errorf("consumer %s: %w", config.Durable, err)
		}
	}
	return nil
}

package stages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index/site"
)

// waiting is how many messages of a part may wait for a worker: then its watcher waits (N-48).
const waiting = 256

// Prepare makes the streams of a site, or brings them to what the site says: a task of the
// keeper. It tries again until the context ends while the servers have no leader.
func Prepare(ctx context.Context, c *Conn) error {
	for _, name := range site.Streams() {
		for {
			_, err := c.js.CreateOrUpdateStream(ctx, stream(name, c.site.Replicas))
			if err == nil {
				break
			}
			var api *jetstream.APIError
			if errors.As(err, &api) && (api.Code < 500 || api.ErrorCode == invalidConfig) || ctx.Err() != nil {
				return fmt.Errorf("stream %s: %w", name, err)
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("stream %s: %w", name, err)
			}
		}
	}
	return nil
}

// invalidConfig is the servers' word for a stream that was made by another release and cannot be this one.
const invalidConfig = jetstream.ErrorCode(10052)

// stream returns what a stream is. Logs keep all that their workers do not take away (N-83); what is
// waited for is bounded, and a full part refuses (N-48); of other subjects the last message counts.
func stream(name string, replicas int) jetstream.StreamConfig {
	c := jetstream.StreamConfig{Name: name, Subjects: []string{strings.ToLower(name) + ".>"}, Replicas: replicas,
		AllowDirect: true, Storage: jetstream.FileStorage, MaxMsgSize: maxRecord}
	switch name {
	case site.StreamSeen:
		c.MaxMsgsPerSubject, c.Discard, c.DiscardNewPerSubject = waiting, jetstream.DiscardNew, true
	case site.StreamRows, site.StreamPeople:
		c.DenyDelete = true
	default:
		c.MaxMsgsPerSubject = 1
	}
	return c
}

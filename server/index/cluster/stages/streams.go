package stages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// waiting is the number of messages of a part that may wait for a worker. The watcher blocks when
// it is reached (N-48).
const waiting = 256

// Prepare creates the streams and consumers of a site or updates them to its configuration. It may be called again.
// Only the keeper's connection may do that. It blocks and retries transient errors, such as a missing leader or too few
// servers for the replicas, until the context ends, and then returns the last one. The first of each kind goes to Warn
// (N-122). It returns other errors at once, such as that an existing stream cannot be updated.
func Prepare(ctx context.Context, c *Conn) error {
	said := map[jetstream.ErrorCode]bool{}
	for _, name := range site.Streams() {
		for {
			_, err := c.js.CreateOrUpdateStream(ctx, stream(name, c.site.Replicas))
			if err == nil {
				err = prepareConsumers(ctx, c, name)
			}
			if err == nil {
				break
			}
			var api *jetstream.APIError
			if errors.As(err, &api) && (api.Code < 500 && api.ErrorCode != noPeers || api.ErrorCode == invalidConfig) ||
				ctx.Err() != nil {
				return fmt.Errorf("stream %s: %w", name, err)
			}
			if !said[errorCode(err)] {
				said[errorCode(err)] = true
				c.report(fmt.Errorf("%s waits for the NATS servers to create the streams: stream %s: %w", c.role, name, err))
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

const (
	// invalidConfig is the servers' code for an existing stream that cannot be updated to this configuration.
	invalidConfig = jetstream.ErrorCode(10052)
	// noPeers is their code for too few running servers, or too little space on them, for the stream's replicas.
	noPeers = jetstream.ErrorCode(10005)
)

// stream returns a stream's configuration. Logs keep everything until a keeper purges it (N-83, N-120). The watchers'
// stream has a limit for each part and rejects messages beyond it (N-48). The other streams keep only the last message
// of a subject.
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

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/broker"
)

// messages has the flags of a run with an embedded NATS server.
type messages struct {
	Nats  bool   `help:"Connect watchers, workers and followers through a NATS server in this process."`
	Host  string `help:"With --nats: the name of this host, in //HOST/DIR/FILE (default: the host's)." placeholder:"NAME"`
	Parts int    `help:"With --nats: the number of parts of trees and classes." default:"1"`
}

// run maintains the index until ctx ends, with an embedded NATS server if Nats is set. It always closes the sinks of c.
// With Nats it ignores c.Query, c.Guard and c.Compact, and an empty Host is the first label of the computer's name.
func (m *messages) run(ctx context.Context, c index.Config) error {
	if !m.Nats {
		return index.Run(ctx, c)
	}
	host := m.Host
	if host == "" {
		name, err := os.Hostname()
		if err != nil {
			err = fmt.Errorf("give --host: %w", err)
			for _, s := range c.Sinks {
				err = errors.Join(err, s.Close())
			}
			return err
		}
		host, _, _ = strings.Cut(strings.ToLower(name), ".")
	}
	a := broker.Alone{Host: host, Trees: c.Trees, Directory: c.Directory, Roster: c.Roster, Rights: c.Rights,
		Share: c.Share, Traverse: c.Traverse, State: c.State, Sinks: c.Sinks, Parts: m.Parts, NoEvents: c.NoEvents,
		Every: c.Every, Beat: c.Beat, Warn: c.Warn, Ready: c.Ready, From: c.From}
	return a.Run(ctx)
}

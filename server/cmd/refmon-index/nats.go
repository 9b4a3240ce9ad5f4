package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/broker"
)

// messages are the flags of a run whose stages talk through a message server.
type messages struct {
	Nats  bool   `help:"The stages talk through a NATS server inside this process."`
	Host  string `help:"With --nats: the name of this host, in //HOST/DIR/FILE (default: the host's)." placeholder:"NAME"`
	Parts int    `help:"With --nats: in how many parts trees and classes are cut." default:"1"`
}

// run keeps the index of a configuration.
func (m *messages) run(ctx context.Context, c index.Config) error {
	if !m.Nats {
		return index.Run(ctx, c)
	}
	host := m.Host
	if host == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("give --host: %w", err)
		}
		host, _, _ = strings.Cut(strings.ToLower(name), ".")
	}
	a := broker.Alone{Host: host, Trees: c.Trees, Directory: c.Directory, Roster: c.Roster, Rights: c.Rights,
		Share: c.Share, Traverse: c.Traverse, State: c.State, Sinks: c.Sinks, Parts: m.Parts, NoEvents: c.NoEvents,
		Every: c.Every, Beat: c.Beat, Warn: c.Warn, Ready: c.Ready, From: c.From}
	return a.Run(ctx)
}

package main

import (
	"context"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// outputs are the flags for what an index is written to besides its folder.
type outputs struct {
	Bulk     string        `help:"Write Elasticsearch bulk lines to FILE, too." placeholder:"FILE"`
	Index    string        `help:"The name of the search index in bulk lines." default:"documents"`
	Postgres string        `help:"Keep the index in a database, too." placeholder:"DSN"`
	Limit    time.Duration `help:"The database shows nothing last vouched for longer ago." default:"10s"`
}

// open opens them for an index in the folder state.
func (o *outputs) open(ctx context.Context, state string) (sinks []index.Sink, err error) {
	if o.Bulk != "" {
		s, err := index.NewBulk(o.Bulk, o.Index, state)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, s)
	}
	if o.Postgres != "" {
		s, err := postgres.Open(ctx, o.Postgres, state, o.Limit)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, s)
	}
	return sinks, nil
}

package main

import (
	"context"
	"errors"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// outputs has the flags of further outputs of an index.
type outputs struct {
	Bulk     string        `help:"Write lines for a search engine to FILE, too." placeholder:"FILE"`
	BulkForm string        `help:"Their form: ${enum}." enum:"sids,classes,qdrant,sql" default:"sids"`
	Index    string        `help:"The name of the search index, or of the SQL table, in bulk lines." default:"documents"`
	Postgres string        `help:"Write the index to a PostgreSQL database, too." placeholder:"DSN"`
	Limit    time.Duration `help:"The greatest age of a heartbeat in the database." default:"10s"`
}

// open opens the selected outputs for the index in the folder state. open returns nil if none is selected. The caller
// closes the outputs. On an error none stays open. open waits for a database that does not answer, until ctx ends. warn
// receives transient errors.
func (o *outputs) open(ctx context.Context, state string, warn func(error)) (sinks []index.Sink, err error) {
	if o.Bulk != "" {
		s, err := index.NewBulk(o.Bulk, o.Index, state, index.BulkForm(o.BulkForm))
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, s)
	}
	if o.Postgres != "" {
		s, err := postgres.Await(ctx, o.Postgres, state, o.Limit, warn)
		if err != nil {
			for _, s := range sinks {
				err = errors.Join(err, s.Close())
			}
			return nil, err
		}
		sinks = append(sinks, s)
	}
	return sinks, nil
}

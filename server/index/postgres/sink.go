package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/server/index"
)

//go:embed schema.sql
var schema string

// Sink writes an index to a PostgreSQL database. Create it with [Open]. While the database does not
// answer, Write and SetWatermark wait and the run sends no heartbeats. After ten minutes they fail.
type Sink struct {
	// Warn receives the error that starts a wait for the database; nil: it is dropped.
	Warn func(error)

	ctx   context.Context // of the run; the Sink interface has no context
	conn  *pgx.Conn
	view  *index.View
	dsn   string
	limit time.Duration
}

// Open connects, creates missing tables, and replaces their rows by the state of the index in the folder state.
// Rows whose watermark is older than limit are invisible. The role must own the schema refmon, and must not be a role
// that the database's users have. ctx is that of the run: when it ends, Write and SetWatermark fail.
func Open(ctx context.Context, dsn, state string, limit time.Duration) (*Sink, error) {
	view, err := index.NewView(state)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &Sink{ctx: ctx, conn: conn, view: view, dsn: dsn, limit: limit}
	if err := s.begin(); err != nil {
		_ = conn.Close(ctx) // report the first error
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return s, nil
}

// begin creates the tables and fills them again, because the last run may have stopped between its
// log and the database.
func (s *Sink) begin() error {
	return pgx.BeginFunc(s.ctx, s.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.ctx, schema); err != nil {
			return err
		}
		// The run itself may read and write all rows, whatever the readers' policy says.
		for _, sql := range []string{
			`drop policy if exists keeper on refmon.documents`,
			`create policy keeper on refmon.documents to current_user using (true) with check (true)`,
			`drop policy if exists keeper on refmon.members`,
			`create policy keeper on refmon.members to current_user using (true) with check (true)`,
			`truncate refmon.documents, refmon.members, refmon.fence, refmon.state`,
			`alter table refmon.documents no force row level security`, // COPY does not work with it; fill restores it
			`grant usage on schema refmon to public`, `grant select on refmon.documents to public`,
		} {
			if _, err := tx.Exec(s.ctx, sql); err != nil {
				return err
			}
		}
		_, err := tx.Exec(s.ctx, `insert into refmon.state (index, seq, allowance, directory)
			values ('', 0, $1, $2)`, s.limit, s.view.Directory())
		if err != nil {
			return err
		}
		return s.fill(tx)
	})
}

// fill copies the current state to the tables.
func (s *Sink) fill(tx pgx.Tx) error {
	var documents, members [][]any
	for d := range s.view.Documents {
		documents = append(documents, []any{id(d.Path), d.Right, d.Tree, d.Class, d.Descriptor,
			int64(d.Seq), d.Time})
	}
	for m := range s.view.Members {
		members = append(members, []any{m.Class, m.SID})
	}
	for _, t := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{
		{"documents", []string{"id", "right_name", "tree", "class", "descriptor", "seq", "at"}, documents},
		{"members", []string{"class", "sid"}, members},
	} {
		_, err := tx.CopyFrom(s.ctx, pgx.Identifier{"refmon", t.name}, t.columns, pgx.CopyFromRows(t.rows))
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(s.ctx, `alter table refmon.documents force row level security`)
	return err
}

// Write writes events in one transaction. It writes nothing if they change no row and no member.
func (s *Sink) Write(events []index.Event) error {
	b := &pgx.Batch{}
	for i := range events {
		d, err := s.view.Apply(&events[i])
		if err != nil {
			return err
		}
		for _, p := range d.Gone {
			b.Queue(`delete from refmon.documents where id = $1`, id(p))
		}
		for _, x := range d.Documents {
			b.Queue(`insert into refmon.documents (id, right_name, tree, class, descriptor, seq, at)
				values ($1, $2, $3, $4, $5, $6, $7) on conflict (id, right_name) do update set tree = excluded.tree,
				class = excluded.class, descriptor = excluded.descriptor, seq = excluded.seq, at = excluded.at`,
				id(x.Path), x.Right, x.Tree, x.Class, x.Descriptor, int64(x.Seq), x.Time)
		}
		if len(d.Lost) > 0 {
			b.Queue(`delete from refmon.members where class = $1 and sid = any ($2)`, d.Class, d.Lost)
		}
		if len(d.Gained) > 0 {
			b.Queue(`insert into refmon.members (class, sid) select $1, unnest($2::text[]) on conflict do nothing`,
				d.Class, d.Gained)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	b.Queue(`update refmon.state set directory = $1`, s.view.Directory())
	return s.send(b)
}

// SetWatermark writes the watermark of each source.
func (s *Sink) SetWatermark(f *index.Watermark) error {
	b := &pgx.Batch{}
	for source, m := range f.Sources {
		b.Queue(`insert into refmon.fence (source, seq, at) values ($1, $2, $3)
			on conflict (source) do update set seq = excluded.seq, at = excluded.at`, source, int64(f.Seq), m.Time)
	}
	b.Queue(`update refmon.state set index = $1, seq = $2`, f.Index, int64(f.Seq))
	return s.send(b)
}

// Close closes the connection, even after the run's context has ended. It waits at most a second.
func (s *Sink) Close() error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer stop()
	return s.conn.Close(ctx)
}

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

// Sink writes an index to a database. Make one with [Open].
type Sink struct {
	ctx  context.Context // of the run, which has no other way to its sinks
	conn *pgx.Conn
	view *index.View
}

// Open connects, makes the tables that are not there, and brings them to what the folder of
// the index has. Nothing is shown that was last vouched for longer ago than limit. The role
// must own the schema refmon, and must not be one that users of the database have.
func Open(ctx context.Context, dsn, state string, limit time.Duration) (*Sink, error) {
	view, err := index.NewView(state)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &Sink{ctx: ctx, conn: conn, view: view}
	if err := s.begin(limit); err != nil {
		_ = conn.Close(ctx) // the error that counts is the first
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return s, nil
}

// begin makes the tables and fills them anew: the run before may have ended between its log
// and the database.
func (s *Sink) begin(limit time.Duration) error {
	return pgx.BeginFunc(s.ctx, s.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.ctx, schema); err != nil {
			return err
		}
		// The run itself sees and writes all rows, whatever the policy for readers says.
		for _, sql := range []string{
			`drop policy if exists keeper on refmon.documents`,
			`create policy keeper on refmon.documents to current_user using (true) with check (true)`,
			`drop policy if exists keeper on refmon.members`,
			`create policy keeper on refmon.members to current_user using (true) with check (true)`,
			`truncate refmon.documents, refmon.members, refmon.fence, refmon.state`,
			`alter table refmon.documents no force row level security`, // COPY is refused with it; see fill
			`grant usage on schema refmon to public`, `grant select on refmon.documents to public`,
		} {
			if _, err := tx.Exec(s.ctx, sql); err != nil {
				return err
			}
		}
		_, err := tx.Exec(s.ctx, `insert into refmon.state (index, seq, allowance, directory)
			values ('', 0, $1, $2)`, limit, s.view.Directory())
		if err != nil {
			return err
		}
		return s.fill(tx)
	})
}

// fill copies what the index has.
func (s *Sink) fill(tx pgx.Tx) error {
	var documents, members [][]any
	for d := range s.view.Documents {
		documents = append(documents, []any{d.Path, d.Right, d.Tree, d.Class, d.Descriptor,
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

// Write writes events, all of them or none.
func (s *Sink) Write(events []index.Event) error {
	b := &pgx.Batch{}
	for i := range events {
		d, err := s.view.Apply(&events[i])
		if err != nil {
			return err
		}
		for _, p := range d.Gone {
			b.Queue(`delete from refmon.documents where id = $1`, p)
		}
		for _, x := range d.Documents {
			b.Queue(`insert into refmon.documents (id, right_name, tree, class, descriptor, seq, at)
				values ($1, $2, $3, $4, $5, $6, $7) on conflict (id, right_name) do update set tree = excluded.tree,
				class = excluded.class, descriptor = excluded.descriptor, seq = excluded.seq, at = excluded.at`,
				x.Path, x.Right, x.Tree, x.Class, x.Descriptor, int64(x.Seq), x.Time)
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
	return pgx.BeginFunc(s.ctx, s.conn, func(tx pgx.Tx) error { return tx.SendBatch(s.ctx, b).Close() })
}

// Fence moves the fence of each source.
func (s *Sink) Fence(f *index.Fence) error {
	b := &pgx.Batch{}
	for source, m := range f.Sources {
		b.Queue(`insert into refmon.fence (source, seq, at) values ($1, $2, $3)
			on conflict (source) do update set seq = excluded.seq, at = excluded.at`, source, int64(f.Seq), m.Time)
	}
	b.Queue(`update refmon.state set index = $1, seq = $2`, f.Index, int64(f.Seq))
	return pgx.BeginFunc(s.ctx, s.conn, func(tx pgx.Tx) error { return tx.SendBatch(s.ctx, b).Close() })
}

// Close ends the connection, also where the context of the run has ended.
func (s *Sink) Close() error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer stop()
	return s.conn.Close(ctx)
}

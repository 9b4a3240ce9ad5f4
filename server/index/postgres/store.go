package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/server/index"
)

// Store has the rows of a site in a PostgreSQL database, and nowhere else (N-130). A tree is a partition of
// refmon.documents. Create a store with [OpenStore]. While the database does not answer, its methods wait as those of
// [Sink] do. Memory holds people and classes with their numbers and members, and one batch of rows.
type Store struct {
	*Sink

	question string
	filled   bool           // the database has the members of all classes
	session  int            // number of reconnections so far
	loading  map[string]int // session with the temporary table of a part's snapshot, by the part's name
	// The cursors that the database has confirmed, by the part's name. It may also have those in doubt, whose
	// transactions are tried again.
	confirmed, doubt map[string]index.Cursor
}

var _ index.RowStore = (*Store)(nil)

// OpenStore connects to the database in dsn and creates missing tables. limit, ctx and the errors are those of
// [Open]. It also returns an error if a run with a folder has its documents in the database. The caller closes the
// store.
func OpenStore(ctx context.Context, dsn string, limit time.Duration) (*Store, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{loading: map[string]int{}, confirmed: map[string]index.Cursor{}, doubt: map[string]index.Cursor{}}
	s.Sink = &Sink{ctx: ctx, conn: conn, view: index.EmptyView(), dsn: dsn, limit: limit,
		probeAfter: answerLimit, store: s}
	if err := s.begin(); err != nil {
		_ = s.Close() // the error of begin is the cause
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return s, nil
}

// Write stores the members of classes. Until the first watermark of the directory it collects them in memory only. An
// event that does not fit the view is an error; the earlier ones stay applied.
func (s *Store) Write(events []index.Event) error {
	if s.filled {
		return s.Sink.Write(events)
	}
	for i := range events {
		if _, err := s.view.Apply(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

// SetWatermark stores the time of each source. When the directory has its first watermark, all members are known, and
// SetWatermark first writes those that differ (N-103). Before, it stores nothing. After an error the next call tries
// again.
func (s *Store) SetWatermark(f *index.Watermark) error {
	if !s.filled && f.Sources["directory"].Time.IsZero() {
		return nil
	}
	if !s.filled {
		err := s.transact(func(tx pgx.Tx) error {
			stored, err := s.readNumbers(tx)
			if err != nil {
				return err
			}
			return s.fill(tx, stored)
		})
		if err != nil {
			return err
		}
		s.filled = true
	}
	return s.Sink.SetWatermark(f)
}

// partition returns the name of a tree's partition, which has a hash of the tree's name.
func partition(tree string) string {
	sum := sha256.Sum256([]byte(tree))
	return "documents_" + hex.EncodeToString(sum[:8])
}

// quoted returns the name of a tree's partition with its schema, quoted for SQL.
func quoted(tree string) string { return pgx.Identifier{"refmon", partition(tree)}.Sanitize() }

// Begin creates missing partitions of the parts' trees, drops those of other trees, and deletes the cursors of other
// parts. If the rows answer another question, it drops all of them. It is one transaction: an error changes nothing.
// If an open transaction has read the tables, it waits a few seconds and returns errReaders.
func (s *Store) Begin(question string, parts []index.StoredPart) error {
	s.question = question
	err := s.transact(func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.ctx, `set local lock_timeout = '3s'`); err != nil {
			return err
		}
		trees := map[string]string{}
		for _, p := range parts {
			trees[partition(p.Tree)] = p.Tree
		}
		var other bool
		err := tx.QueryRow(s.ctx, `select exists (select from refmon.cursors where question <> $1)`, question).Scan(&other)
		if err != nil {
			return err
		}
		rows, err := tx.Query(s.ctx, `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
			where i.inhparent = 'refmon.documents'::regclass`)
		if err != nil {
			return err
		}
		existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range existing {
			if trees[name] != "" && !other {
				delete(trees, name)
				continue
			}
			if _, err := tx.Exec(s.ctx, `drop table `+pgx.Identifier{"refmon", name}.Sanitize()); err != nil {
				return err
			}
		}
		for name, tree := range trees {
			if err := s.create(tx, name, tree); err != nil {
				return err
			}
		}
		names := []string{}
		for _, p := range parts {
			names = append(names, p.Name)
		}
		_, err = tx.Exec(s.ctx, `delete from refmon.cursors where question <> $1 or part <> all ($2)`, question, names)
		return err
	})
	if hasCode(err, lockNotAvailable) {
		return errReaders
	}
	return err
}

// create creates the table that holds the documents of one tree, as a partition of refmon.documents with a unique index
// of document and right. name is the table's name. It returns an error if the partition exists.
func (s *Store) create(tx pgx.Tx, name, tree string) error {
	var value string
	if err := tx.QueryRow(s.ctx, `select quote_literal($1)`, tree).Scan(&value); err != nil {
		return err
	}
	table := pgx.Identifier{"refmon", name}.Sanitize()
	_, err := tx.Exec(s.ctx, `create table `+table+` partition of refmon.documents for values in (`+value+`);
		create unique index on `+table+` (id, right_name)`)
	return err
}

// Forget deletes the rows and the cursor of a part in one transaction. A part without a cursor is not an error.
func (s *Store) Forget(p index.StoredPart) error {
	return s.move(p, index.Cursor{}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.ctx, `delete from `+quoted(p.Tree)+` where part = $1`, p.Number); err != nil {
			return err
		}
		_, err := tx.Exec(s.ctx, `delete from refmon.cursors where part = $1`, p.Name)
		return err
	})
}

// Apply stores a batch and its cursor in one transaction, so that the database has both or neither after a crash
// (N-130). It collects a snapshot in a temporary table. At the end of the snapshot it writes only the rows that differ.
// A batch without rows stores only its cursor. A piece before the last one stores no cursor.
func (s *Store) Apply(p index.StoredPart, b *index.RowBatch) error {
	c := b.Cursor
	if b.Piece && !b.End {
		c = s.confirmed[p.Name]
	}
	return s.move(p, c, func(tx pgx.Tx) error {
		if err := s.addClasses(tx, b.Classes()); err != nil {
			return err
		}
		rows, err := s.columns(b)
		if err != nil {
			return err
		}
		switch {
		case b.Piece:
			err = s.piece(tx, p, b, rows)
		case b.Len() > 0:
			if gone := b.Gone(); len(gone) > 0 {
				_, err = tx.Exec(s.ctx, `delete from `+quoted(p.Tree)+` where id = any ($1)`, idsOf(gone))
			}
			if err == nil {
				_, err = tx.Exec(s.ctx, `insert into `+quoted(p.Tree)+` as d `+fromArrays+` on conflict (id, right_name) `+
					replaceStored, append([]any{p.Tree, p.Number}, rows...)...)
			}
		}
		if err != nil || b.Piece && !b.End {
			return err
		}
		_, err = tx.Exec(s.ctx, `insert into refmon.cursors (part, question, message, id, generation, seq)
			values ($1, $2, $3, $4, $5, $6) on conflict (part) do update set question = excluded.question,
				message = excluded.message, id = excluded.id, generation = excluded.generation, seq = excluded.seq`,
			p.Name, s.question, int64(c.Message), c.ID, int64(c.Generation), int64(c.Seq))
		return err
	})
}

const fromArrays = `(tree, part, id, right_name, class, descriptor, seq, at)
	select $1, $2, * from unnest($3::text[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::timestamptz[])`

const replaceStored = `do update set part = excluded.part, class = excluded.class, descriptor = excluded.descriptor,
	seq = excluded.seq, at = excluded.at`

// addClasses gives new classes a number and inserts those that the database does not have. Without classes it does
// nothing. It numbers the classes even if the insertion fails.
func (s *Store) addClasses(tx pgx.Tx, classes []string) error {
	var numbers []int32
	for _, name := range classes {
		numbers = append(numbers, s.number(name, func(int32) {}))
	}
	if len(classes) == 0 {
		return nil
	}
	_, err := tx.Exec(s.ctx, `insert into refmon.classes (class, name) select * from unnest($1::int[], $2::text[])
		on conflict do nothing`, numbers, classes)
	return err
}

// columns converts the documents of a batch to arrays, one for each column of the table, as parameters of one
// statement. It returns an error for a class without a number.
func (s *Store) columns(b *index.RowBatch) ([]any, error) {
	var ids, rights, descriptors []string
	var classes []int32
	var seqs []int64
	var times []time.Time
	for d := range b.Documents {
		class, known := s.numbers[d.Class]
		if !known {
			return nil, fmt.Errorf("%s: no class %s", d.Path, d.Class)
		}
		ids, rights, classes = append(ids, documentID(d.Path)), append(rights, d.Right), append(classes, class)
		descriptors, seqs, times = append(descriptors, d.Descriptor), append(seqs, int64(d.Seq)), append(times, d.Time)
	}
	return []any{ids, rights, classes, descriptors, seqs, times}, nil
}

// idsOf returns the database's id of each path, in their order; nil if there are none.
func idsOf(paths []string) (out []string) {
	for _, p := range paths {
		out = append(out, documentID(p))
	}
	return out
}

// piece stores one piece of a snapshot that is too large for one batch. The last piece writes the changed rows, and
// deletes rows of part p that the snapshot does not have. A lost connection loses the snapshot; piece then returns
// ErrReload.
func (s *Store) piece(tx pgx.Tx, p index.StoredPart, b *index.RowBatch, rows []any) error {
	table := pgx.Identifier{fmt.Sprintf("%s_%d", partition(p.Tree), p.Number)}.Sanitize()
	if b.Begin {
		_, err := tx.Exec(s.ctx, `drop table if exists pg_temp.`+table+`;
			create temp table `+table+` (like refmon.documents)`)
		if err != nil {
			return err
		}
		s.loading[p.Name] = s.session
	} else if s.loading[p.Name] != s.session {
		return index.ErrReload
	}
	_, err := tx.Exec(s.ctx, `insert into pg_temp.`+table+` `+fromArrays, append([]any{p.Tree, p.Number}, rows...)...)
	if err != nil || !b.End {
		return err
	}
	own := fmt.Sprintf(`d.part = %d`, p.Number)
	// Without statistics the planner compares two large tables row by row.
	_, err = tx.Exec(s.ctx, `analyze pg_temp.`+table+`;
		delete from `+quoted(p.Tree)+` d where `+own+` and not exists (select from pg_temp.`+table+` n
			where n.id = d.id and n.right_name = d.right_name);
		insert into `+quoted(p.Tree)+` as d (tree, part, id, right_name, class, descriptor, seq, at)
			select n.tree, n.part, n.id, n.right_name, n.class, n.descriptor, n.seq, n.at
			from pg_temp.`+table+` n left join `+quoted(p.Tree)+` d using (id, right_name)
			where d.id is null or (d.part, d.class, d.descriptor) is distinct from (n.part, n.class, n.descriptor)
			on conflict (id, right_name) `+replaceStored+`;
		drop table pg_temp.`+table)
	return err
}

package postgres

import (
	"iter"

	"github.com/jackc/pgx/v5"
)

// filledTable describes a table that fill makes equal to the current state: its columns and rows.
type filledTable struct {
	name    string
	columns []string
	rows    iter.Seq[[]any]
	writes  []string // statements that change the table to the rows, which they read from the temporary table present
}

// fill makes the database equal to the current state. Only the differences are written (N-103). For a store the
// documents are not changed. stored has the class numbers in the database; fill adds the classes that it writes.
func (s *Sink) fill(tx pgx.Tx, stored map[string]int32) error {
	var classes [][]any
	number := func(class string) int32 {
		n := s.number(class, func(int32) {})
		if _, ok := stored[class]; !ok {
			stored[class] = n
			classes = append(classes, []any{n, class})
		}
		return n
	}
	tables := []filledTable{
		{"documents", []string{"id", "right_name", "tree", "class", "descriptor", "seq", "at"}, func(yield func([]any) bool) {
			for d := range s.view.Documents {
				if !yield([]any{documentID(d.Path), d.Right, d.Tree, number(d.Class), d.Descriptor, int64(d.Seq),
					d.Time}) {
					return
				}
			}
		}, []string{
			`delete from refmon.documents d where not exists (select from present n
				where n.id = d.id and n.right_name = d.right_name)`,
			`insert into refmon.documents select n.* from present n left join refmon.documents d using (id, right_name)
				where d.id is null or (d.tree, d.class, d.descriptor, d.at) is distinct from
					(n.tree, n.class, n.descriptor, n.at) ` + replaceDocument, // a compaction gives each event another seq
		}},
		{"members", []string{"class", "sid"}, func(yield func([]any) bool) {
			for m := range s.view.Members {
				if !yield([]any{number(m.Class), m.SID}) {
					return
				}
			}
		}, []string{
			`delete from refmon.members m where not exists (select from present n where n.sid = m.sid and n.class = m.class)`,
			`insert into refmon.members select * from present n where not exists (select from refmon.members m
				where m.sid = n.sid and m.class = n.class)`,
		}},
	}
	if s.store != nil { // the store writes the table of documents itself
		tables = tables[1:]
	}
	for _, t := range tables {
		if err := s.replace(tx, &t); err != nil {
			return err
		}
	}
	_, err := tx.CopyFrom(s.ctx, pgx.Identifier{"refmon", "classes"}, []string{"class", "name"}, pgx.CopyFromRows(classes))
	return err
}

// replace makes a table equal to its rows. It copies the rows to a temporary table and changes only what differs, all
// within tx. The caller rolls back after an error. A table without rows becomes empty.
func (s *Sink) replace(tx pgx.Tx, t *filledTable) error {
	if _, err := tx.Exec(s.ctx, `create temp table present (like refmon.`+t.name+`)`); err != nil {
		return err
	}
	next, stop := iter.Pull(t.rows) // avoids a copy of all rows in memory
	defer stop()
	_, err := tx.CopyFrom(s.ctx, pgx.Identifier{"present"}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, _ := next()
		return row, nil // nil ends the copy
	}))
	if err != nil {
		return err
	}
	// Without statistics the planner compares two large tables row by row.
	for _, sql := range append([]string{`analyze present`}, append(t.writes, `drop table present`)...) {
		if _, err := tx.Exec(s.ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

const replaceDocument = `on conflict (id, right_name) do update set tree = excluded.tree, class = excluded.class,
	descriptor = excluded.descriptor, seq = excluded.seq, at = excluded.at`

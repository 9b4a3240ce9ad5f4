package index

import (
	"fmt"
	"strings"
)

// BulkForm is the form of a [Bulk] file. All forms but BulkSIDs name a document's class by its number, so a changed
// membership changes no line. The numbers mean their classes in one index only. A query must therefore test the name of
// the index, too: see FormNumbers of [Filter] (N-131).
type BulkForm string

// Forms of bulk files.
const (
	// BulkSIDs is _bulk of Elasticsearch and OpenSearch, with the SIDs of the readers in the access array that connectors
	// query. The external version grows with each event, so lines may be sent twice. It is the event number plus the time
	// of the index's creation, in microseconds since 1970 (N-140).
	BulkSIDs BulkForm = "sids"
	// BulkClasses is _bulk with the numbers of classes.
	BulkClasses BulkForm = "classes"
	// BulkQdrant has bodies of Qdrant's POST /collections/NAME/points/batch, one a line. They affect the points whose
	// payload "path" is the document's path. For a changed document they set the payload "refmon", for a deleted document
	// they delete the points. Qdrant compares no versions, so send the lines in order.
	BulkQdrant BulkForm = "qdrant"
	// BulkSQL has statements of PostgreSQL, one a line, for a table that the application has created. Its columns are id
	// (the primary key), index, seq, and class_RIGHT for each right.
	BulkSQL BulkForm = "sql"
)

// starts returns the texts with which the first line of a file of the form can begin.
func (f BulkForm) starts() []string {
	switch f {
	case BulkQdrant:
		return []string{`{"operations":`}
	case BulkSQL:
		return []string{"insert into ", "delete from "}
	}
	return []string{`{"index":`, `{"delete":`}
}

// BulkForms returns all forms. The caller owns the result.
func BulkForms() []BulkForm { return []BulkForm{BulkSIDs, BulkClasses, BulkQdrant, BulkSQL} }

// numbers returns the fields of a document for a search engine that filters by class number. The fields are the
// document's class number for each right, the index's ID as "index", and version as "seq". An unreadable document has
// only "index" and "seq", so no query finds it (N-5).
func (b *Bulk) numbers(r *RowEvent, version uint64) map[string]any {
	out := map[string]any{"index": b.state.start.Index, "seq": version}
	for i, id := range r.Classes {
		out[b.state.start.Rights[i]] = b.state.classes[id].number
	}
	return out
}

// point appends the request that stores a document's access data in Qdrant: it sets the payload "refmon" of the
// document's points, or deletes the points if r is nil.
func (b *Bulk) point(path string, version uint64, r *RowEvent) error {
	points := map[string]any{"must": []any{map[string]any{"key": "path", "match": map[string]any{"value": path}}}}
	operation := map[string]any{"delete": map[string]any{"filter": points}}
	if r != nil { // set_payload replaces the whole value of the key refmon
		payload := map[string]any{"refmon": b.numbers(r, version)}
		operation = map[string]any{"set_payload": map[string]any{"payload": payload, "filter": points}}
	}
	return b.lines(map[string]any{"operations": []any{operation}})
}

// statement appends a statement that inserts or updates the row of a document, or deletes it if r is nil. The
// statement changes nothing if the row has the same or a later event, unless the row is of another index.
func (b *Bulk) statement(id string, version uint64, r *RowEvent) {
	table, key, index := identifier(b.index), literal(id), literal(b.state.start.Index)
	if r == nil {
		b.buf = fmt.Appendf(b.buf, "delete from %s where id = %s and (index <> %s or seq < %d);\n", table, key, index,
			version)
		return
	}
	columns, values, set := []string{"id", "index", "seq"}, []string{key, index, fmt.Sprint(version)}, []string{}
	for i, right := range b.state.start.Rights {
		value := "null" // no query matches null, so nobody finds an unreadable document (N-5)
		if i < len(r.Classes) {
			value = fmt.Sprint(b.state.classes[r.Classes[i]].number)
		}
		columns, values = append(columns, identifier("class_"+right)), append(values, value)
	}
	for _, c := range columns[1:] {
		set = append(set, c+" = excluded."+c)
	}
	b.buf = fmt.Appendf(b.buf, "insert into %s as d (%s) values (%s) on conflict (id) do update set %s "+
		"where d.index <> excluded.index or d.seq < excluded.seq;\n", table, strings.Join(columns, ", "),
		strings.Join(values, ", "), strings.Join(set, ", "))
}

// identifier quotes a name as an SQL identifier, in double quotes.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes text as a PostgreSQL string constant on one line.
func literal(text string) string {
	if !strings.ContainsAny(text, "\\\n\r") {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return "E'" + strings.NewReplacer(`\`, `\\`, "'", "''", "\n", `\n`, "\r", `\r`).Replace(text) + "'"
}

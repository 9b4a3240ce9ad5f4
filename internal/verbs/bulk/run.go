package bulk

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/internal/verbs/columns"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Ask is the question of a run about each object. The zero value is Who.
type Ask uint8

// Questions of a run.
const (
	Who     Ask = iota // which principals have each right: their names
	Count              // how many have it
	Index              // which have it, as the name of a set; the sets are written once each
	What               // which rights one principal has
	Through            // which groups and principals have each right, and through which entry: a Table
)

// Format is how rows are written. The zero value is Table.
type Format uint8

// Formats.
const (
	Table Format = iota
	JSONL
	CSV
	CSVTables // Index: objects × sets and sets × SIDs, as COPY takes them
	ESBulk    // Who of one right: what Elasticsearch and OpenSearch take as _bulk
)

// ParseFormat finds a format by its name.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "table":
		return Table, nil
	case "jsonl":
		return JSONL, nil
	case "csv":
		return CSV, nil
	case "es-bulk":
		return ESBulk, nil
	case "csv-tables":
		return CSVTables, nil
	}
	return 0, fmt.Errorf("--format %q: want table, jsonl, csv, es-bulk or csv-tables", name)
}

// Run is one pass over objects. Source, Directory and Out are needed, and
// Rights except for What; the zero value of the rest is a default. It is used once.
type Run struct {
	Source    objects.Source
	Directory *people.Directory
	Rights    []Right
	Ask       Ask
	Principal int               // What: index of the principal
	Type      *winnt.ObjectType // of objects that do not tell; nil: file
	Types     [][]winnt.GUID    // chains of object types to ask about; nil: the object
	Config    effective.Config  // policies and options of the check
	Share     *sd.Descriptor    // a second gate before all objects: what it does not grant no user has; nil: no gate
	Format    Format
	Out       io.Writer
	Table     columns.Options // of Out, with Format Table
	Sets      io.Writer       // Index: where the table of sets goes; nil: to Out, before the first row that needs it
	// Expressions adds to each set of Index an expression over SIDs that allows
	// exactly its principals, where SIDs alone tell.
	Expressions bool
	Changes     bool    // only rows of objects whose answer differs from that of the directory above
	Want        []Right // What: only objects on which the principal has all of these
	Nothing     bool    // What: a Table has rows of objects without a right, too
	Resumed     bool    // the output is the continuation of another: no heading

	Workers    int // 0: one a core
	CacheBytes int // most memory for descriptors and answers; 0: 256 MiB

	Progress func(Position)       // called now and then by the writer; nil: not
	Save     func(Position) error // called when all rows up to a position have been written; nil: not

	alike bool // equal descriptors are one answer, also where PRINCIPAL SELF is another account in each

	tokens  *effective.Principals
	names   names
	namer   *setNamer // Index
	guarded *guarded
}

// Do runs. Rows are written in the order of the input. When ctx is cancelled it
// ends between two objects, and the error is that of ctx: the output is then
// complete up to the position of the summary. A source that waits for input at
// that moment is left waiting.
func (r *Run) Do(ctx context.Context) (Summary, error) {
	to := peopled(r.Format == Table && r.Ask != Index, r.Table, r.Out)
	if r.Out = to; r.Save != nil {
		save := r.Save
		r.Save = func(p Position) error {
			if err := to.Flush(); err != nil {
				return err
			}
			return save(p)
		}
	}
	sum, err := r.rows(ctx)
	return sum, errors.Join(err, to.Flush())
}

// rows does a run, whose rows may be held back.
func (r *Run) rows(ctx context.Context) (Summary, error) {
	r.prepare()
	if err := r.Check(r.Sets != nil); err != nil {
		return Summary{}, err
	}
	if err := r.heading(); err != nil {
		return Summary{}, err
	}
	switch r.Ask {
	case Count:
		return answer(ctx, r, askCount, (*counted).key)
	case Index:
		w := &setWriter{run: r}
		return pass(ctx, r, askIndex, w.batch)
	case What:
		return answer(ctx, r, askWhat, (*has).key)
	case Through:
		return answer(ctx, r, askThrough, (*reached).key)
	}
	return answer(ctx, r, askWho, (*named).key)
}

// Check tells what a format cannot be asked for, before anything is written; sets says
// whether the table of sets has a place.
func (r *Run) Check(sets bool) error {
	switch {
	case r.Format == ESBulk && (r.Ask != Who || len(r.Rights) != 1):
		return errOneRight
	case r.Ask == Through && r.Format != Table:
		return errors.New("groups and entries are for tables: other formats list names")
	case r.Format == CSVTables && (r.Ask != Index || !sets || r.Expressions):
		return errTables
	case r.Ask == Index && r.Changes:
		return errors.New("an index lists every object: leave --changes out")
	}
	return nil
}

// prepare fills in the defaults and compiles the principals.
func (r *Run) prepare() {
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	if r.CacheBytes <= 0 {
		r.CacheBytes = defaultCache
	}
	if r.tokens == nil {
		tokens := r.Directory.Tokens()
		if r.Ask == What {
			tokens = tokens[r.Principal : r.Principal+1]
		}
		r.tokens = effective.Compile(tokens, r.Config)
	}
	list := r.Directory.Principals
	if r.Ask == What {
		list = list[r.Principal : r.Principal+1]
	}
	r.guarded = guardedOf(list)
	r.names = makeNames(r.Directory, r.Format)
	if r.Ask == Index {
		r.namer = newSetNamer(r.Directory)
	}
}

// defaultCache is how much memory what is remembered takes at most, in bytes.
const defaultCache = 256 << 20

// Fingerprint names the question of a run: runs with equal ones over the same
// input write the same rows.
func (r *Run) Fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %t %v", r.Ask, r.Format, r.Principal, r.Expressions, r.Types)
	for _, right := range r.Want {
		fmt.Fprintf(h, " want %q", right.Name)
	}
	if r.Changes || r.Nothing {
		fmt.Fprintf(h, " %t %t", r.Changes, r.Nothing)
	}
	if r.Type != nil {
		fmt.Fprintf(h, " %s", r.Type.Name)
	}
	for _, right := range r.Rights {
		fmt.Fprintf(h, " %q %s", right.Name, masksOf(right.On(r.Types, winnt.FileObject), winnt.FileObject))
	}
	if r.Share != nil {
		fmt.Fprintf(h, " %x", r.Share.AppendOriginal(nil))
	}
	return fmt.Sprintf("%016x%016x", h.Sum64(), r.Directory.Fingerprint())
}

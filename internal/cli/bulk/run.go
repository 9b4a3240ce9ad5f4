package bulk

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Ask is the kind of question of a run. The zero value is Who.
type Ask uint8

// Questions of a run.
const (
	Who     Ask = iota // which principals have each right: their names
	Count              // how many have it
	Index              // which have it, as the name of a set; the sets are written once each
	What               // which rights one principal has
	Through            // which groups and principals have each right, and through which entry: a Table
)

// Format is the output format. The zero value is Table.
type Format uint8

// Formats.
const (
	Table Format = iota
	JSONL
	CSV
	CSVTables // Index: objects × sets and sets × SIDs, as COPY takes them
	ESBulk    // Who of one right: what Elasticsearch and OpenSearch take as _bulk
)

// ParseFormat returns the format with a name: table, jsonl, csv, es-bulk or csv-tables. Any other name, the empty one
// too, is an error. Names are case-sensitive.
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

// Run is one pass over objects. Source, Directory, Out and, except for What, Rights are required. The zero values of
// the other fields are the defaults. Use it once.
type Run struct {
	Source    objects.Source
	Directory *directory.Directory
	Rights    []words.Right
	Ask       Ask
	Principal int               // What: index of the principal
	Type      *winnt.ObjectType // of objects without a type; nil: file
	Types     [][]winnt.GUID    // chains of object types to ask about; nil: the object
	Config    effective.Config  // policies and options of the check
	Share     *sd.Descriptor    // descriptor of a share, which limits the rights on all objects; nil: no share
	Format    Format
	Out       io.Writer
	Table     columns.Options // of Out, with Format Table
	Sets      io.Writer       // Index: where the table of sets goes; nil: to Out, before the first row that needs it
	// Expressions adds to each set of Index an expression over SIDs that allows exactly its principals, if SIDs alone
	// suffice.
	Expressions bool
	// Unlisted adds a note to the rows of objects that allow an account that no principal has (B-117).
	Unlisted bool
	Changes  bool          // only rows of objects whose answer differs from that of the directory above
	Want     []words.Right // What: only objects on which the principal has all of these
	Nothing  bool          // What: a Table has rows of objects without a right, too
	// Holdings is for What about a directory. Each worker calls it once for a function that returns all rights of the
	// principal on an object, also those on one object type. nil: the rights are those on the object as a whole.
	Holdings func() (func(*objects.Item) ([]string, error), error)
	Resumed  bool // the output is the continuation of another: no heading

	// Logons returns Directory after another kind of logon, with the same principals in the same order. It returns nil
	// for the kind that Directory has. nil: no answer has a note about other kinds.
	Logons func(logon.Kind) (*directory.Directory, error)

	Workers    int // 0: one a core
	CacheBytes int // most memory for descriptors and answers; 0: 256 MiB

	Progress func(Position)       // called at intervals by the writer; may be nil
	Save     func(Position) error // called at intervals, when all rows up to a position have been written; may be nil

	alike bool // equal descriptors share one answer, even if PRINCIPAL SELF differs

	tokens  *effective.Principals
	names   names
	namer   *setNamer // Index
	guarded *guarded
	logons  logons
	kind    logon.Kind // of a run of logons
}

// Do runs the pass, writes rows in input order and returns the counts. An unreadable object gets a row with its error
// and does not end the run. Do returns the error of [Run.Check] before it writes. It also fails if the question is
// invalid, or if the source or the output fails. If ctx is cancelled, it stops between two objects and returns the
// error of ctx. The output is then complete up to the position in the summary. It does not wait for a source that
// blocks in Next.
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

// rows prepares the run, checks it, and writes the header and all rows to r.Out, which may buffer them. An invalid run
// writes nothing. An unknown Ask counts as Who.
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

// Check returns an error if the format does not support the question, nil otherwise. Do calls it before it writes. sets
// means that there is an output for the table of sets. Elasticsearch bulk needs who-can with one right, and csv-tables
// an index with sets. An index has no --changes.
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

// prepare sets the defaults and compiles the principals, their names and the names of sets. A zero Type means files.
func (r *Run) prepare() {
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	if r.CacheBytes <= 0 {
		r.CacheBytes = defaultCache
	}
	r.compile()
	r.logons = newLogons(r)
	r.names = makeNames(r.Directory, r.Format)
	if r.Ask == Index {
		r.namer = newSetNamer(r.Directory)
	}
}

// compile compiles the principals, unless they are compiled, and the effect of the share on them. For What it takes
// only the one principal. The effect of the share is computed again each time.
func (r *Run) compile() {
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
}

// defaultCache is the default limit of the caches, in bytes.
const defaultCache = 256 << 20

// Fingerprint returns a text that identifies the question of a run, its policies and options included. Runs with the
// same fingerprint over the same input write the same rows, unless their callbacks differ. It does not depend on the
// source, the output or the limits.
func (r *Run) Fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %t %v", r.Ask, r.Format, r.Principal, r.Expressions, r.Types)
	for _, right := range r.Want {
		fmt.Fprintf(h, " want %q", right.Name)
	}
	if r.Changes || r.Nothing || r.Unlisted {
		fmt.Fprintf(h, " %t %t %t", r.Changes, r.Nothing, r.Unlisted)
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
	fingerprint(h, &r.Config)
	return fmt.Sprintf("%016x%016x", h.Sum64(), r.Directory.Fingerprint())
}

// fingerprint adds the policies and options that can change a decision to a hash. Of a callback it adds only whether
// there is one.
func fingerprint(h io.Writer, c *effective.Config) {
	o := &c.Options
	fmt.Fprintf(h, " options %t %t %t", o.ADOwnerReadOnly, o.ClaimsDisabled, o.Callback != nil)
	if c.Policies == nil {
		return
	}
	descriptor := func(d *sd.Descriptor) {
		if d != nil {
			fmt.Fprintf(h, " %x", d.AppendOriginal(nil))
		}
	}
	fmt.Fprint(h, " recovery")
	descriptor(c.Policies.Recovery)
	for i := range c.Policies.Policies {
		p := &c.Policies.Policies[i]
		fmt.Fprintf(h, " policy %s %q", p.ID, p.Name) // reasons contain the name
		for j := range p.Rules {
			rule := &p.Rules[j]
			fmt.Fprintf(h, " rule %q", rule.Name)
			if rule.AppliesTo != nil {
				fmt.Fprintf(h, " if %x", rule.AppliesTo.Encode())
			}
			descriptor(rule.Descriptor)
		}
	}
}

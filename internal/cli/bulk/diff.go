package bulk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Diff compares the rights in two states: of the same objects, or with two states of the same principals. Before,
// After, Directory and Out are required. Use it once. It does not check the folders on the way; only the objects'
// descriptors count.
//
// It evaluates only what may have changed: objects with different descriptors for everybody, and the others only for
// principals with different tokens.
type Diff struct {
	Before, After  objects.Source
	Directory      *directory.Directory
	DirectoryAfter *directory.Directory // nil: the same
	Type           *winnt.ObjectType    // of objects without a type; nil: file
	Config         effective.Config
	Share          *sd.Descriptor // descriptor of a share, which limits the rights on all objects; nil: no share
	Format         Format
	Summary        bool // a row for each folder and cause instead of each principal and object
	Out            io.Writer
	Table          columns.Options // of Out, with Format Table

	Workers    int // 0: one a core
	CacheBytes int // limit of the caches in bytes; 0: 256 MiB

	// Progress is called at intervals; it may be nil. Offsets count through Before and then After.
	Progress func(Position)
	// Save is called at intervals, when all rows up to a position of After have been written; it may be nil. To
	// continue from there, use Resume, and set Skip to the part of After before the position.
	Save  func(Position, json.RawMessage) error
	State *os.File       // with Save: receives the rest of the state for Resume
	Skip  objects.Source // part of After that was compared already; nil if there is none

	pairs  []pair            // of principals with one name, in the order of Directory
	all    two               // pairs, all of them
	moved  two               // those pairs whose tokens differ
	tables [2]*table[parsed] // what Before and After are parsed to
	past   *past
	groups *aggregate[tally]
	base   int       // objects compared before the pipeline that writes
	before *Position // of the run that this one continues; nil: none
}

// Outcome holds the results of a comparison. Objects, Changed and so on count objects of either side.
type Outcome struct {
	Summary
	// Compared is false if the run was stopped before the first state had been
	// read: there are no rows then.
	Compared bool
	Gone     bool // what only the first state has is among the rows
}

// Do runs the comparison and returns its counts. Rows have the order of After, followed by the objects that only Before
// has. An unreadable object is counted and does not end the run. Do returns an error if a source or Out fails. If ctx
// is cancelled, the rows up to the Outcome's position are complete and Do returns the error of ctx.
func (d *Diff) Do(ctx context.Context) (out Outcome, err error) {
	if d.Type == nil {
		d.Type = winnt.FileObject
	}
	if d.DirectoryAfter == nil {
		d.DirectoryAfter = d.Directory
	}
	d.CacheBytes = cmp.Or(d.CacheBytes, defaultCache)
	d.match()
	d.tables[1] = newTable[parsed](d.CacheBytes / 4)
	if d.tables[0] = d.tables[1]; d.Directory.Domain != d.DirectoryAfter.Domain {
		d.tables[0] = newTable[parsed](d.CacheBytes / 4)
	}
	if d.groups == nil {
		d.begin()
	}
	defer d.groups.close()
	to := peopled(d.Format == Table, d.Table, d.Out)
	if d.Out = to; d.Save != nil {
		save := d.Save
		d.Save = func(p Position, state json.RawMessage) error {
			if err := to.Flush(); err != nil {
				return err
			}
			return save(p, state)
		}
	}
	defer func() { err = errors.Join(err, to.Flush()) }()
	if err := d.heading(); err != nil {
		return out, err
	}
	d.past = newPast(int64(d.CacheBytes) / 2)
	defer d.past.close()
	if out.Summary, err = d.read(ctx); err != nil {
		return out, err
	}
	out.Compared = true
	before := out.Summary
	if out.Summary, err = d.compare(ctx, before.Offset); err == nil {
		err = d.gone(ctx, &out)
	}
	out.Unreadable += before.Unreadable
	if out.Repeated += before.Repeated; before.Repeated > 0 {
		out.FirstRepeated = before.FirstRepeated
	}
	if before.FirstError != nil {
		out.FirstError = before.FirstError
	}
	if d.before != nil {
		out.Position = d.before.Plus(out.Position)
	}
	if d.Summary && (err == nil || d.Save == nil) {
		err = errors.Join(err, d.summary())
	}
	return out, err
}

// compare sends After through the workers and writes the rows. offset is the length of Before, which progress reports
// include. Positions that Save and Progress get count the objects of Before, too.
func (d *Diff) compare(ctx context.Context, offset int64) (Summary, error) {
	if d.before != nil {
		d.base = d.before.Objects
	}
	p := pipeline[compared]{source: d.After, out: d.Out, workers: d.Workers, write: d.write}
	p.worker = d.worker((*comparer).after)
	if d.Progress != nil {
		p.progress = func(at Position) {
			at.Offset += offset
			d.Progress(at)
		}
	}
	if d.Save != nil {
		p.save = func(at Position) error {
			if err := d.groups.flush(); err != nil {
				return err
			}
			state, err := json.Marshal(d.groups.runs)
			return errors.Join(err, d.Save(at, state))
		}
	}
	return p.do(ctx)
}

// gone writes a row for each object that only Before has, and adds their counts to out. It runs after the objects of
// the second state.
func (d *Diff) gone(ctx context.Context, out *Outcome) error {
	d.base += out.Objects
	p := pipeline[compared]{source: &rest{p: d.past}, out: d.Out, workers: d.Workers, write: d.write}
	p.worker = d.worker((*comparer).missing)
	more, err := p.do(ctx)
	more.Offset, more.Lines = out.Offset, out.Lines // those of the second state
	out.add(&more)
	out.Gone = err == nil
	return err
}

// begin creates the groups of the totals. Their sums spill to d.State, or to a temporary file if it is nil.
func (d *Diff) begin() {
	if d.groups = newAggregate(d.CacheBytes/8, addTally, costTally); d.State != nil {
		d.groups.file, d.groups.keep = d.State, true
	}
}

// Resume prepares d to continue an interrupted comparison from a position of After and the state that it passed to
// Save. d.State must be the file of that run. Call it before Do. It returns an error if the state does not parse or the
// file is shorter than it says; a longer file is no error.
func (d *Diff) Resume(at Position, state json.RawMessage) error {
	d.CacheBytes = cmp.Or(d.CacheBytes, defaultCache)
	d.begin()
	d.before = &at
	if err := strict.Unmarshal(state, &d.groups.runs); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return sizeAtLeast(d.State, d.groups.runs)
}

// Fingerprint returns a text that identifies the question: type, share, both directories, configuration, format and
// Summary. A comparison can resume another with the same fingerprint. It does not depend on the objects compared.
func (d *Diff) Fingerprint() string {
	q := Run{Type: d.Type, Share: d.Share, Directory: d.Directory, Config: d.Config, Format: d.Format,
		Expressions: d.Summary}
	text := "diff " + q.Fingerprint()
	if d.DirectoryAfter != nil {
		q.Directory = d.DirectoryAfter
		text += q.Fingerprint()
	}
	return text
}

// heading writes the header of the output. JSON lines and a resumed run have none. It returns the error of the
// output.
func (d *Diff) heading() error {
	var text []byte
	switch {
	case d.before != nil:
	case d.Format == CSV && d.Summary:
		text = []byte("folder,objects,principals,gained,lost,cause\n")
	case d.Format == CSV:
		text = []byte("principal,path,gained,lost,cause\n")
	case d.Format == Table && d.Summary:
		text = columns.Heading("FOLDER", "OBJECTS", "PRINCIPALS", "GAINED", "LOST", "CAUSE")
	case d.Format == Table:
		text = columns.Heading("PRINCIPAL", "PATH", "GAINED", "LOST", "CAUSE")
	}
	_, err := d.Out.Write(text)
	return err
}

// write writes the rows of a batch, or adds them to the summary. Batches come in order. so has the counts before the
// batch.
func (d *Diff) write(b *box[compared], so *Summary) error {
	if !d.Summary {
		_, err := d.Out.Write(b.out)
		return err
	}
	return d.collect(&b.part, d.base+so.Objects)
}

// row appends the change of one principal's rights on one object in the diff's format. Tables have words for
// rights, the other formats masks.
func (d *Diff) row(dst []byte, name string, typ *winnt.ObjectType, c *change) []byte {
	who := d.pairs[c.who].name
	switch d.Format {
	case JSONL:
		dst = batch.AppendString(append(dst, `{"principal":`...), who)
		dst = batch.AppendString(append(dst, `,"path":`...), name)
		dst = append(dst, `,"gained":"`+c.gained.Padded()+`","lost":"`+c.lost.Padded()+`","cause":`...)
		return append(batch.AppendString(dst, c.cause), "}\n"...)
	case CSV:
		return appendCSV(dst, who, name, c.gained.Padded(), c.lost.Padded(), c.cause)
	}
	return appendRow(dst, plain(who), plain(name), worded(columns.Good, c.gained, c.is, typ),
		worded(columns.Bad, c.lost, c.was, typ), plain(c.cause))
}

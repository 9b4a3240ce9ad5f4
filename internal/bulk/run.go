package bulk

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Ask is what a run asks of each object. The zero value is Who.
type Ask uint8

// Questions of a run.
const (
	Who   Ask = iota // which principals have each right: their names
	Count            // how many have it
	Index            // which have it, as the name of a set; the sets are written once each
	What             // which rights one principal has
)

// Format is how rows are written. The zero value is Table.
type Format uint8

// Formats.
const (
	Table Format = iota
	JSONL
	CSV
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
	}
	return 0, fmt.Errorf("--format %q: want table, jsonl or csv", name)
}

// Run is one pass over objects. Source, Directory, Out, and Rights save for
// What, are needed; the zero value of the rest is a default. It is used once.
type Run struct {
	Source    Source
	Directory *Directory
	Rights    []Right
	Ask       Ask
	Principal int               // What: index of the principal
	Type      *winnt.ObjectType // of objects that do not tell; nil: file
	Config    effective.Config  // policies and options of the check
	Share     *sd.Descriptor    // a second gate before all objects: what it does not grant nobody has; nil: none
	Format    Format
	Out       io.Writer
	Sets      io.Writer // Index: where the table of sets goes; nil: to Out, before the first row that needs it
	// Expressions adds to each set of Index an expression over SIDs that allows
	// exactly its principals, where SIDs alone tell.
	Expressions bool
	Resumed     bool // the output is the continuation of another: no heading

	Workers    int // 0: one a core
	CacheBytes int // most memory for descriptors and answers; 0: 256 MiB

	Progress func(Position)       // called now and then by the writer; nil: not
	Save     func(Position) error // called when all rows up to a position have been written; nil: not

	tokens *effective.Principals
	table  *table
	names  names
}

// Position is how far a run has come.
type Position struct {
	Objects    int   // rows read, unreadable ones included
	Unreadable int   // rows that could not be read
	Stale      int   // rows with NoteStale
	Unverified int   // rows with NoteUnverified
	Offset     int64 // byte of the input after the last row written; 0 where the source has no bytes
	Lines      int   // lines of the input before it
	Allowed    int64 // pairs of principal and object that were allowed, summed over the rights
}

// Summary is what a run did.
type Summary struct {
	Position
	FirstError error  // the first unreadable row
	FirstStale string // path of the first row with NoteStale
}

// portion is a part of the input on its way to the output.
type portion struct {
	data    []byte // lines
	first   int    // number of the line before the first
	lines   int
	objects []Object      // instead of data
	found   []ntacl.Found // instead of data: files that the worker reads
	files   *files        // with found
	reader  fileReader    // with found
	end     int64         // offset of the input after it

	out        []byte
	rows       int
	unreadable int
	allowed    int64
	notes      [3]int    // rows by their Note
	stale      string    // path of the first with NoteStale
	err        error     // of the first unreadable row
	fresh      []*answer // sets that may not have been written yet
	done       chan struct{}
}

func (b *portion) reset() {
	b.data, b.objects, b.found, b.out, b.fresh = b.data[:0], nil, nil, b.out[:0], b.fresh[:0]
	b.first, b.lines, b.rows, b.unreadable, b.allowed, b.end, b.err = 0, 0, 0, 0, 0, 0, nil
	b.notes, b.stale = [3]int{}, ""
}

// Do runs. Rows are written in the order of the input. When ctx is cancelled
// what was read is decided and written, and the error is that of ctx: the
// output is then complete up to the position of the summary. A source that waits
// for input at that moment is left waiting.
func (r *Run) Do(ctx context.Context) (Summary, error) {
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	if r.CacheBytes <= 0 {
		r.CacheBytes = 256 << 20
	}
	if r.tokens == nil {
		tokens := r.Directory.Tokens()
		if r.Ask == What {
			tokens = tokens[r.Principal : r.Principal+1]
		}
		r.tokens = effective.Compile(tokens, r.Config)
	}
	r.table = newTable(r.CacheBytes)
	r.names = makeNames(r.Directory, r.Format)
	w := &writer{run: r}
	if err := w.heading(); err != nil {
		return Summary{}, err
	}
	stop := make(chan struct{}) // closed when the output fails
	free := make(chan *portion, 4*r.Workers)
	for range cap(free) {
		free <- &portion{done: make(chan struct{}, 1)}
	}
	work, order := make(chan *portion, cap(free)), make(chan *portion, cap(free))
	var sourceErr error
	go func() {
		defer close(order)
		defer close(work)
		if f, ok := r.Source.(*files); ok {
			defer f.halt()
		}
		sourceErr = r.read(ctx, stop, free, work, order)
	}()
	for range r.Workers {
		wk, err := newWorker(r)
		if err != nil {
			close(stop)
			for range order {
			}
			return Summary{}, err
		}
		go func() {
			for b := range work {
				wk.batch(b)
				b.done <- struct{}{}
			}
		}()
	}
	err := w.drain(order, free, stop)
	if err == nil {
		err = sourceErr // set before order was closed
	}
	return w.sum, err
}

// read hands out batches until the source ends.
func (r *Run) read(ctx context.Context, stop chan struct{}, free, work, order chan *portion) error {
	for {
		var b *portion
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stop:
			return nil
		case b = <-free:
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b.reset()
		got := make(chan error, 1)
		go func() { got <- r.Source.next(b) }() // it may wait for its input for ever
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-got:
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		order <- b
		work <- b
	}
}

// writer puts batches out in order. Owned by the goroutine of Do.
type writer struct {
	run     *Run
	sum     Summary
	written map[setID]struct{} // Index: sets that are in the table
	buf     []byte
	saved   time.Time
	shown   time.Time
}

// How often a checkpoint is saved and progress shown.
const (
	saveEvery = 2 * time.Second
	showEvery = 200 * time.Millisecond
)

// drain writes batch after batch. After an error of the output it only takes
// what is under way, so that no goroutine is left behind.
func (w *writer) drain(order, free chan *portion, stop chan struct{}) (err error) {
	w.saved = time.Now()
	for b := range order {
		<-b.done
		if err == nil {
			if err = w.batch(b); err != nil {
				err = fmt.Errorf("write: %w", err)
				close(stop)
			}
		}
		select {
		case free <- b:
		default: // cannot be: there are as many places as batches
		}
	}
	if err == nil && w.run.Save != nil {
		err = w.run.Save(w.sum.Position)
	}
	if w.run.Progress != nil {
		w.run.Progress(w.sum.Position)
	}
	return err
}

func (w *writer) batch(b *portion) error {
	if err := w.sets(b.fresh); err != nil {
		return err
	}
	if _, err := w.run.Out.Write(b.out); err != nil {
		return err
	}
	p := &w.sum.Position
	p.Objects += b.rows
	p.Unreadable += b.unreadable
	p.Allowed += b.allowed
	p.Stale += b.notes[NoteStale]
	p.Unverified += b.notes[NoteUnverified]
	if w.sum.FirstStale == "" {
		w.sum.FirstStale = b.stale
	}
	p.Offset, p.Lines = b.end, b.first+b.lines
	if w.sum.FirstError == nil {
		w.sum.FirstError = b.err
	}
	if w.run.Save == nil && w.run.Progress == nil {
		return nil
	}
	now := time.Now()
	if w.run.Progress != nil && now.Sub(w.shown) >= showEvery {
		w.shown = now
		w.run.Progress(*p)
	}
	if w.run.Save != nil && now.Sub(w.saved) >= saveEvery {
		w.saved = now
		return w.run.Save(*p)
	}
	return nil
}

// answer is what a run knows about a descriptor. It is immutable once
// published, save for the sets, which belong to the writer from then on.
type answer struct {
	err    error // the descriptor could not be read
	counts []uint32
	sets   []effective.Set // Who; Index until they have been written
	ids    []setID         // Index
	exprs  [][]byte        // Index with Expressions: as JSON; nil where SIDs alone do not tell
	mask   winnt.AccessMask
	total  int64 // sum of counts
	put    atomic.Bool

	// Where counts and ids of a few rights are kept: a row then reads the answer
	// and nothing else of memory that is far away.
	few struct {
		counts [4]uint32
		ids    [4]setID
	}
}

// Plus is the position of a run that went on from p.
func (p Position) Plus(q Position) Position {
	q.Objects += p.Objects
	q.Unreadable += p.Unreadable
	q.Stale += p.Stale
	q.Unverified += p.Unverified
	q.Allowed += p.Allowed
	if q.Offset == 0 { // nothing was left to do
		q.Offset, q.Lines = p.Offset, p.Lines
	}
	return q
}

// Fingerprint names the question of a run: runs with equal ones over the same
// input write the same rows.
func (r *Run) Fingerprint() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %t", r.Ask, r.Format, r.Principal, r.Expressions)
	if r.Type != nil {
		fmt.Fprintf(h, " %s", r.Type.Name)
	}
	for _, right := range r.Rights {
		fmt.Fprintf(h, " %q %x", right.Name, right.mask)
	}
	if r.Share != nil {
		fmt.Fprintf(h, " %x", r.Share.AppendOriginal(nil))
	}
	return fmt.Sprintf("%016x%016x", h.Sum64(), r.Directory.print())
}

package bulk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// found is the report's statistics about a distinct descriptor: its objects, who has access, and its risk. In a batch
// it covers the batch's objects only. keyOf returns its key in the aggregate.
type found struct {
	First   int // number of the first object that has it, from 0
	Objects int
	Samples []string
	Counts  [3]int // principals that can read, write, control
	Risk    int    // of each object
	Why     string
	Unknown []unknown // accounts without a name
}

// unknown is an account in a descriptor that has no name.
type unknown struct {
	SID     string
	Granted winnt.AccessMask
}

// addFound adds f to into. Of the samples it keeps the first maxSamples.
func addFound(into, f *found) {
	into.Objects += f.Objects
	room := max(maxSamples-len(into.Samples), 0)
	into.Samples = append(into.Samples, f.Samples[:min(room, len(f.Samples))]...)
}

// costFound returns the approximate memory of f in bytes.
func costFound(f *found) int {
	n := 200 + len(f.Why) + 100*len(f.Unknown)
	for _, s := range f.Samples {
		n += 16 + len(s)
	}
	return n
}

// gathered is the part of a report that one batch of objects contributes.
type gathered struct {
	by     map[*judged]*found
	keys   map[*judged]string
	order  []*judged
	reach  [3]tallies
	errors []string
}

// judged is the answer of a report about one descriptor: who has access, and remarks.
type judged struct {
	sets    []effective.Set
	counts  []uint32
	risk    int // of each object
	why     string
	unknown []unknown // accounts without a name
}

// ask returns the implementation of a report's question, for pass: it decides an object and gathers the answer in the
// batch. It records at most maxErrors objects with errors for each batch.
func (r *Report) ask(d *decider) asking[judged, *gathered] {
	return asking[judged, *gathered]{
		decide: func(x place) (a judged, share bool, err error) {
			sets, share, err := d.sets(x)
			if err != nil {
				return a, share, err
			}
			a.sets, a.counts, _ = keep(sets)
			a.risk, a.why = r.risk(x, a.counts)
			a.unknown = r.unknown(x.d, x.typ)
			return a, share, nil
		},
		cost: 8 * ((d.run.tokens.Len() + 63) / 64) * len(d.run.Rights),
		put: func(b *box[*gathered], o *objects.Object, a *judged) {
			gatheredOf(b).put(b.sum.Objects-1, o, a)
		},
		fail: func(b *box[*gathered], o *objects.Object, err error) {
			if g := gatheredOf(b); len(g.errors) < maxErrors {
				g.errors = append(g.errors, objects.AddPath(string(o.Path), err).Error())
			}
		},
	}
}

// gatheredOf returns the box's partial result and creates it if the box has none.
func gatheredOf(b *box[*gathered]) *gathered {
	if b.part == nil {
		b.part = &gathered{by: map[*judged]*found{}, keys: map[*judged]string{}}
	}
	return b.part
}

// put counts an object for its descriptor. a is the answer for that descriptor, and number the object's index in the
// batch. Only the worker of the batch may call it.
func (g *gathered) put(number int, o *objects.Object, a *judged) {
	f := g.by[a]
	if f == nil {
		f = &found{First: number}
		g.by[a], g.keys[a] = f, keyOf(o)
		g.order = append(g.order, a)
	}
	f.Objects++
	if len(f.Samples) < maxSamples {
		f.Samples = append(f.Samples, string(o.Path))
	}
}

// finish completes the statistics of a batch: the access counts of each descriptor and of each principal. The worker
// calls it once, after the last put.
func (g *gathered) finish() {
	for _, a := range g.order {
		f := g.by[a]
		for i, s := range a.sets {
			g.reach[i].add(s, uint64(f.Objects))
			f.Counts[i] = int(a.counts[i])
		}
		f.Risk, f.Why, f.Unknown = a.risk, a.why, a.unknown
	}
}

// write adds a batch to the report. Batches come in order. so has the counts before the batch. A batch without
// answers adds nothing. At most maxErrors errors are kept.
func (r *Report) write(b *box[*gathered], so *Summary) error {
	g := b.part
	if g == nil {
		return nil
	}
	r.Errors = append(r.Errors, g.errors[:min(len(g.errors), maxErrors-len(r.Errors))]...)
	for i := range g.reach {
		g.reach[i].addTo(r.reach, i)
	}
	for _, a := range g.order {
		f := g.by[a]
		f.First += r.before.Objects + so.Objects
		if err := r.found.merge(g.keys[a], f); err != nil {
			return err
		}
	}
	return nil
}

// tallies counts, for each principal, the objects to which it has access. It adds whole sets at once: plane i holds
// bit i of all counts. The zero value is all 0.
type tallies struct{ planes []effective.Set }

// add adds n to the count of each member of s. For an empty set or 0 it changes nothing.
func (t *tallies) add(s effective.Set, n uint64) {
	for at := 0; n != 0; at, n = at+1, n>>1 {
		if n&1 == 0 {
			continue
		}
		for w, carry := range s {
			for p := at; carry != 0; p++ {
				for p >= len(t.planes) {
					t.planes = append(t.planes, make(effective.Set, len(s)))
				}
				was := t.planes[p][w]
				t.planes[p][w] = was ^ carry
				carry &= was
			}
		}
	}
}

// addTo adds the count of each principal to column i of its row in sums. sums needs a row for each principal.
func (t *tallies) addTo(sums [][3]int, i int) {
	for p, s := range t.planes {
		for who := range s.All() {
			sums[who][i] += 1 << p
		}
	}
}

// Collect reads and decides all objects, and blocks until the source ends. An unreadable object is counted in the
// Summary and is not an error. If the source fails or ctx ends, Collect returns that error and sets Partial; the report
// then holds the objects before it. It does not close the source's input or State.
func (r *Report) Collect(ctx context.Context) error {
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	r.run = &Run{Directory: r.Directory, Type: r.Type, Config: r.Config, Share: r.Share, alike: true}
	r.run.Rights, _ = words.Parse(strings.Join(reportRights[:], "+")) // cannot fail: all these words exist
	r.CacheBytes = cmp.Or(r.CacheBytes, defaultCache)
	r.run.CacheBytes = r.CacheBytes / 2
	r.run.prepare()
	if r.found == nil {
		r.begin()
	}
	p := pipeline[*gathered]{source: r.Source, workers: r.Workers, progress: r.Progress, write: r.write}
	worker := workers(r.run, r.ask)
	p.worker = func() (func(*box[*gathered]), error) {
		batch, err := worker()
		return func(b *box[*gathered]) {
			if batch(b); b.part != nil {
				b.part.finish()
			}
		}, err
	}
	if r.Save != nil {
		p.save = func(at Position) error {
			state, err := r.state()
			if err != nil {
				return err
			}
			return r.Save(at, state)
		}
	}
	sum, err := p.do(ctx)
	r.Summary = sum
	r.Position = r.before.Plus(sum.Position)
	r.Partial = err != nil
	return err
}

// begin creates the counters and the aggregate. It spills to r.State, or to a temporary file if that is nil.
func (r *Report) begin() {
	r.reach = make([][3]int, len(r.Directory.Principals))
	r.found = newAggregate(r.CacheBytes/4, addFound, costFound)
	if r.State != nil {
		r.found.file, r.found.keep = r.State, true
	}
}

// reportState is the part of a report that a checkpoint stores as JSON. The rest is in the aggregate's file.
type reportState struct {
	Runs   []int64  `json:"runs"`
	Reach  [][3]int `json:"reach"`
	Errors []string `json:"errors"`
}

// state flushes the aggregate to its file, and returns what a continued report needs as JSON.
func (r *Report) state() (json.RawMessage, error) {
	if err := r.found.flush(); err != nil {
		return nil, err
	}
	return json.Marshal(reportState{r.found.runs, r.reach, r.Errors})
}

// Resume prepares r to continue an interrupted report from its State file and the state that it passed to Save. Call it
// before Collect. It returns an error if the state does not parse, or does not match the Directory or the State file.
// After an error r must not be used. More errors than a report lists are an error, too.
func (r *Report) Resume(at Position, state json.RawMessage) error {
	var s reportState
	if err := strict.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if len(s.Reach) != len(r.Directory.Principals) {
		return fmt.Errorf("the report was begun with %d principals", len(s.Reach))
	}
	if len(s.Errors) > maxErrors {
		return fmt.Errorf("the state has %d errors, and a report lists %d", len(s.Errors), maxErrors)
	}
	r.CacheBytes = cmp.Or(r.CacheBytes, defaultCache)
	r.begin()
	if err := sizeAtLeast(r.State, s.Runs); err != nil {
		return err
	}
	r.before, r.reach, r.Errors, r.found.runs = at, s.Reach, s.Errors, s.Runs
	return nil
}

// Fingerprint returns a text that identifies the question. A report can resume another with the same fingerprint. It
// does not depend on the source.
func (r *Report) Fingerprint() string {
	q := Run{Ask: Who, Type: r.Type, Share: r.Share, Directory: r.Directory, Config: r.Config}
	return "report " + q.Fingerprint()
}

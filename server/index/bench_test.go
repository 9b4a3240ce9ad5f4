package index_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// large is an index of generated documents, in a folder.
type large struct {
	b        *testing.B
	dir      string
	log      *index.Log
	worker   *index.Worker
	list     []byte // the directory file
	docs     int
	distinct int
}

// newLarge loads documents, of which each 100 have one descriptor of their own, and returns how
// long that took. REFMON_DOCS is how many.
func newLarge(b *testing.B, docs, distinct, persons int) (*large, time.Duration) {
	b.Helper()
	l := &large{b: b, dir: filepath.Join(b.TempDir(), "state"), docs: docs, distinct: distinct}
	s := company.Sample{Seed: 24, Principals: persons, Groups: max(10, persons/10), Objects: 1, Descriptors: 1}
	var list bytes.Buffer
	if err := s.Directory(&list); err != nil {
		b.Fatal(err)
	}
	l.list = list.Bytes()
	var state *index.State
	var err error
	if l.log, state, err = index.OpenLog(l.dir); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.log.Close() })
	if l.worker, err = (index.Question{Rights: rightsOf(b, "read")}).Worker(state); err != nil {
		b.Fatal(err)
	}
	l.people(l.list, "1")
	descriptors := make([]*sd.Descriptor, distinct)
	for i := range descriptors {
		descriptors[i] = sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;FR;;;%s-%d)(A;;FR;;;%s-%d)(A;;FR;;;S-1-5-21-7-7-7-%d)",
			company.Domain, 20000+i%3, company.Domain, 100000+i%persons, 1000+i))
	}
	start := time.Now()
	for i := 0; i < docs; i += 1000 {
		batch := index.Batch{Tree: "/srv"}
		for j := i; j < min(i+1000, docs); j++ {
			batch.Seen = append(batch.Seen, index.Seen{Path: fmt.Sprintf("/srv/d%d/f%d", j/1000, j),
				Descriptor: descriptors[j%distinct]})
		}
		if err := l.worker.Batch(&batch); err != nil {
			b.Fatal(err)
		}
		l.keep()
	}
	took := time.Since(start)
	present := index.Now()
	err = l.log.Fence(&index.Fence{Index: l.start(), Sources: map[string]index.Moment{
		"/srv": index.Moment(present), "directory": index.Moment(present)}})
	if err != nil {
		b.Fatal(err)
	}
	return l, took
}

// start returns the name of the index, by its first event.
func (l *large) start() string {
	text, err := os.ReadFile(filepath.Join(l.dir, "events.jsonl"))
	if err != nil {
		l.b.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	e, err := index.ParseEvent(first)
	if err != nil {
		l.b.Fatal(err)
	}
	return e.Start.Index
}

// people makes a directory file the version that counts.
func (l *large) people(list []byte, version string) (classes, rows int) {
	l.b.Helper()
	d, err := people.Read(list)
	if err == nil {
		err = l.worker.Directory(d, version, time.Now().UnixNano())
	}
	if err != nil {
		l.b.Fatal(err)
	}
	return l.keep()
}

// keep writes the events to the log, and counts them.
func (l *large) keep() (classes, rows int) {
	l.b.Helper()
	events := l.worker.Take()
	for i := range events {
		if events[i].Class != nil {
			classes++
		}
		if events[i].Row != nil {
			rows++
		}
	}
	if err := l.log.Write(events); err != nil {
		l.b.Fatal(err)
	}
	return classes, rows
}

// BenchmarkFirstLoad decides documents and writes the log of them, without reading files.
func BenchmarkFirstLoad(b *testing.B) {
	docs := randtest.Count(b, "REFMON_DOCS", 20_000)
	for b.Loop() {
		_, took := newLarge(b, docs, max(1, docs/100), 1000)
		b.ReportMetric(float64(took.Nanoseconds())/float64(docs), "ns/document")
	}
}

// BenchmarkGroupChange moves all people of one group into another and back: it writes the classes
// that either group is in, and no row.
func BenchmarkGroupChange(b *testing.B) {
	docs := randtest.Count(b, "REFMON_DOCS", 20_000)
	l, took := newLarge(b, docs, max(1, docs/100), 1000)
	groups, users, _ := strings.Cut(string(l.list), `"users":`)
	without := groups + `"users":` + strings.ReplaceAll(users, `"group1"`, `"group2"`)
	b.ResetTimer()
	before, changes := used(b), 0
	for n := 0; b.Loop(); n++ {
		changes++
		list := []byte(without)
		if n%2 == 1 {
			list = l.list
		}
		classes, rows := l.people(list, fmt.Sprint(n+2))
		b.ReportMetric(float64(classes), "classes")
		b.ReportMetric(float64(rows), "rows")
		b.ReportMetric(took.Seconds(), "s-load")
	}
	b.ReportMetric((used(b)-before).Seconds()/float64(changes), "cpu-s/op")
}

// BenchmarkFilter makes the filter of a person in all of 5,000 classes.
func BenchmarkFilter(b *testing.B) {
	for _, form := range []index.Form{index.FormList, index.FormBitmap} {
		b.Run(string(form), func(b *testing.B) {
			l, _ := newLarge(b, 5000, 5000, 1)
			x, err := index.Open(l.dir, time.Hour)
			if err != nil {
				b.Fatal(err)
			}
			defer x.Close()
			var took []time.Duration
			before := used(b)
			for b.Loop() {
				start := time.Now()
				f, err := x.Filter("user0", "read", form)
				took = append(took, time.Since(start))
				if err != nil || form == index.FormList && len(f.Classes) != 5000 {
					b.Fatal(len(f.Classes), err)
				}
			}
			b.ReportMetric(float64((used(b)-before).Microseconds())/1e3/float64(len(took)), "cpu-ms")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms-p50")
		})
	}
}

// heard hands on the paths of rows as they are kept.
type heard struct{ to chan string }

func (h heard) Write(events []index.Event) error {
	for i := range events {
		if r := events[i].Row; r != nil {
			h.to <- r.Path
		}
	}
	return nil
}
func (heard) Fence(*index.Fence) error { return nil }
func (heard) Close() error             { return nil }

// BenchmarkChange changes a descriptor and waits until its row is in the log: the distribution.
func BenchmarkChange(b *testing.B) {
	h := heard{make(chan string, 1<<16)}
	l := newLive(b, false)
	l.config.Beat, l.config.Sinks = 0, []index.Sink{h}
	l.start()
	l.settle()
	go func() {
		for range l.fences { // no one waits for them
		}
	}()
	for len(h.to) > 0 {
		<-h.to
	}
	kinds := []string{forStaff, butNotThem, forCarol}
	var took []time.Duration
	for n := 1; b.Loop(); n++ { // plan begins with the first
		start := time.Now()
		l.put("plan", kinds[n%3])
		for path := ""; path != l.path("plan"); path = <-h.to {
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "ms-p99")
}

package index_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// large is an index of generated documents in a folder.
type large struct {
	b        *testing.B
	dir      string
	log      *index.Log
	worker   *index.Worker
	list     []byte // the directory file
	docs     int
	distinct int
}

// newLarge loads documents, each 100 of which share a descriptor, and returns the duration. REFMON_DOCS sets their
// number.
func newLarge(b *testing.B, docs, distinct, persons int) (*large, time.Duration) {
	b.Helper()
	l := &large{b: b, dir: filepath.Join(b.TempDir(), "state"), docs: docs, distinct: distinct}
	s := company.Sample{Seed: 24, Principals: persons, Groups: max(10, persons/10), Objects: 1, Descriptors: 1}
	var list bytes.Buffer
	check.NoError(b, s.Directory(&list))
	l.list = list.Bytes()
	var state *index.State
	var err error
	l.log, state, err = index.OpenLog(l.dir)
	check.NoError(b, err)
	b.Cleanup(func() { _ = l.log.Close() })
	l.worker = check.Must(index.Question{Rights: check.Must(words.Parse("read"))}.Worker(state))
	l.setDirectory(l.list, "1")
	descriptors := make([]*sd.Descriptor, distinct)
	for i := range descriptors {
		descriptors[i] = sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;FR;;;%s-%d)(A;;FR;;;%s-%d)(A;;FR;;;S-1-5-21-7-7-7-%d)",
			company.Domain, 20000+i%3, company.Domain, 100000+i%persons, 1000+i))
	}
	start := time.Now()
	for i := 0; i < docs; i += 1000 {
		batch := watch.Batch{Tree: "/srv"}
		for j := i; j < min(i+1000, docs); j++ {
			batch.Seen = append(batch.Seen, watch.Seen{Path: fmt.Sprintf("/srv/d%d/f%d", j/1000, j),
				Descriptor: descriptors[j%distinct]})
		}
		check.NoError(b, l.worker.Batch(&batch))
		l.keep()
	}
	took := time.Since(start)
	present := watch.Now()
	err = l.log.SetWatermark(&index.Watermark{Index: l.start(), Sources: map[string]index.Moment{
		"/srv": index.Moment(present), "directory": index.Moment(present)}})
	check.NoError(b, err)
	return l, took
}

// start returns the name of the index, by its first event.
func (l *large) start() string {
	text := check.Must(os.ReadFile(filepath.Join(l.dir, "events.jsonl")))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return check.Must(index.ParseEvent(first)).Start.Index
}

// setDirectory makes a directory file the current version.
func (l *large) setDirectory(list []byte, version string) (classes, rows int) {
	l.b.Helper()
	check.NoError(l.b, l.worker.Directory(check.Must(dirfile.Read(list)), version, time.Now().UnixNano()))
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
	check.NoError(l.b, l.log.Write(events))
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

// BenchmarkGroupChange moves all people of one group into another and back. It writes the classes that name either
// group, and no row.
func BenchmarkGroupChange(b *testing.B) {
	docs := randtest.Count(b, "REFMON_DOCS", 20_000)
	l, took := newLarge(b, docs, max(1, docs/100), 1000)
	groups, users, _ := strings.Cut(string(l.list), `"users":`)
	without := groups + `"users":` + strings.ReplaceAll(users, `"group1"`, `"group2"`)
	b.ResetTimer()
	before, changes := cpuTime(b), 0
	for n := 0; b.Loop(); n++ {
		changes++
		list := []byte(without)
		if n%2 == 1 {
			list = l.list
		}
		classes, rows := l.setDirectory(list, fmt.Sprint(n+2))
		b.ReportMetric(float64(classes), "classes")
		b.ReportMetric(float64(rows), "rows")
		b.ReportMetric(took.Seconds(), "s-load")
	}
	b.ReportMetric((cpuTime(b)-before).Seconds()/float64(changes), "cpu-s/op")
}

// BenchmarkFilter computes the filter of a person in all of 5,000 classes.
func BenchmarkFilter(b *testing.B) {
	for _, form := range []index.Form{index.FormList, index.FormBitmap} {
		b.Run(string(form), func(b *testing.B) {
			l, _ := newLarge(b, 5000, 5000, 1)
			x := check.Must(index.Open(l.dir, time.Hour))
			defer x.Close()
			var took []time.Duration
			before := cpuTime(b)
			for b.Loop() {
				start := time.Now()
				f, err := x.Filter("user0", "read", form)
				took = append(took, time.Since(start))
				if err != nil || form == index.FormList && len(f.Classes) != 5000 {
					b.Fatal(len(f.Classes), err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1e3/float64(len(took)), "cpu-ms")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms-p50")
		})
	}
}

// pathSink forwards the paths of rows when they are written.
type pathSink struct{ to chan string }

func (h pathSink) Write(events []index.Event) error {
	for i := range events {
		if r := events[i].Row; r != nil {
			h.to <- r.Path
		}
	}
	return nil
}
func (pathSink) SetWatermark(*index.Watermark) error { return nil }
func (pathSink) Close() error                        { return nil }

// BenchmarkChange changes a descriptor and waits until its row is in the log: the distribution.
func BenchmarkChange(b *testing.B) {
	h := pathSink{make(chan string, 1<<16)}
	l := newLive(b, false)
	l.config.Beat, l.config.Sinks = 0, []index.Sink{h}
	l.start()
	l.awaitBeats()
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

// forest creates files; each 100 share a descriptor. REFMON_TREE names a folder that keeps them for the next run.
func forest(b *testing.B, root string, files int) {
	b.Helper()
	if _, err := os.Stat(filepath.Join(root, "whole")); err == nil {
		return
	}
	distinct := max(1, files/100)
	values := make([][]byte, distinct)
	for i := range values {
		values[i] = attribute(sddl.MustParse(fmt.Sprintf(
			"O:SYG:SYD:(A;;FR;;;%s-%d)(A;;FR;;;%s-%d)(A;;FR;;;S-1-5-21-7-7-7-%d)",
			company.Domain, 20000+i%3, company.Domain, 100000+i%1000, 1000+i)))
	}
	for i := range files {
		dir := filepath.Join(root, fmt.Sprintf("d%d", i/1000))
		if i%1000 == 0 {
			check.NoError(b, os.MkdirAll(dir, 0o755))
		}
		fd := check.Must(unix.Open(fmt.Sprintf("%s/f%d", dir, i), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600))
		check.NoError(b, unix.Fsetxattr(fd, ntacl.Name, values[i%distinct], 0))
		_ = unix.Close(fd)
	}
	check.NoError(b, os.WriteFile(filepath.Join(root, "whole"), nil, 0o600))
}

// cpuTime returns the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	check.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFirstLoadFiles walks real files and indexes them: the first time, and again without changes.
func BenchmarkFirstLoadFiles(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("security.NTACL is set by root only")
	}
	files := randtest.Count(b, "REFMON_DOCS", 20_000)
	root := os.Getenv("REFMON_TREE")
	if root == "" {
		root = b.TempDir()
	}
	forest(b, root, files)
	list := filepath.Join(b.TempDir(), "people.yaml")
	out := check.Must(os.Create(list))
	s := company.Sample{Seed: 24, Principals: 1000, Groups: 100, Objects: 1, Descriptors: 1}
	check.NoError(b, s.Directory(out))
	_ = out.Close()
	for b.Loop() {
		state := filepath.Join(b.TempDir(), "state")
		for _, when := range []string{"first", "again"} {
			ctx, stop := context.WithCancel(b.Context())
			start, before := time.Now(), cpuTime(b)
			err := index.Run(ctx, index.Config{Trees: []string{root}, Directory: list, Rights: "read", State: state,
				Ready: func() {
					b.ReportMetric(time.Since(start).Seconds(), "s-"+when)
					b.ReportMetric((cpuTime(b) - before).Seconds(), "cpu-s-"+when)
					stop()
				}})
			check.NoError(b, err)
		}
	}
}

// asChanger is the environment variable that makes the test binary run change.
const asChanger = "REFMON_TEST_CHANGER"

// change changes descriptors of a folder's files, a thousand per second, until standard input ends.
func change(root string) error {
	var values [2][]byte
	for i, text := range []string{forStaff, forCarol} {
		values[i] = attribute(sddl.MustParse(text))
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	start, n := time.Now(), 0
	for {
		select {
		case err := <-ended:
			fmt.Println(n)
			return err
		case <-tick.C:
		}
		for ; n < int(time.Since(start).Milliseconds()); n++ { // ticks may be lost
			name := fmt.Sprintf("%s/d%d/f%d", root, n/50%20, n%1000)
			if err := unix.Setxattr(name, ntacl.Name, values[n/1000%2], 0); err != nil {
				return err
			}
		}
	}
}

// BenchmarkWatcher watches a tree in which another process changes a thousand descriptors a second, and reports the
// share of a core that the watcher takes. Its events are discarded.
func BenchmarkWatcher(b *testing.B) {
	root := b.TempDir()
	for i := range 1000 {
		name := fmt.Sprintf("%s/d%d/f%d", root, i/50, i)
		check.NoError(b, errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o600)))
	}
	out := make(chan watch.Batch)
	go func() {
		check.NoError(b, (&watch.Watcher{Root: root}).Run(b.Context(), out))
	}()
	for x := range out {
		if x.End {
			break
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChanger+"="+root)
	in := check.Must(cmd.StdinPipe())
	var said bytes.Buffer
	cmd.Stdout = &said
	check.NoError(b, cmd.Start())
	start, before, seen, batches := time.Now(), cpuTime(b), 0, 0
	for b.Loop() {
		for round := time.Now(); time.Since(round) < 5*time.Second; {
			x := <-out
			seen += len(x.Seen)
			batches++
		}
	}
	cpu, took := cpuTime(b)-before, time.Since(start)
	_ = in.Close()
	check.NoError(b, cmd.Wait())
	changes := check.Must(strconv.Atoi(strings.TrimSpace(said.String())))
	b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "%-of-a-core")
	b.ReportMetric(float64(changes)/took.Seconds(), "changes/s")
	b.ReportMetric(float64(seen)/took.Seconds(), "seen/s")
	b.ReportMetric(float64(batches)/took.Seconds(), "batches/s")
}

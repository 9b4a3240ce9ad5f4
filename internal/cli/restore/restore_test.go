package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// tree has files in memory. A test sets its errors.
type tree struct {
	files  map[string]*sd.Descriptor // directories end with /
	errs   map[string]error          // of writes
	writes int
	most   int // writes that succeed; 0: all
	open   int
}

func (t *tree) Open(path string) (File, error) {
	for _, name := range []string{path, path + "/"} {
		if _, ok := t.files[name]; ok {
			t.open++
			return &file{t, name}, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (t *tree) Close() error { return nil }

type file struct {
	t    *tree
	name string
}

func (f *file) Directory() bool                     { return strings.HasSuffix(f.name, "/") }
func (f *file) Descriptor() (*sd.Descriptor, error) { return f.t.files[f.name], nil }
func (f *file) Close() error                        { f.t.open--; return nil }

func (f *file) Write(d *sd.Descriptor) error {
	if err := f.t.errs[f.name]; err != nil {
		return err
	}
	if f.t.writes++; f.t.most > 0 && f.t.writes > f.t.most {
		return syscall.ENOSPC
	}
	f.t.files[f.name] = d
	return nil
}

const (
	one = "O:BAG:SYD:PAI(A;;FA;;;BA)"
	two = "O:S-1-22-1-1G:BAD:AI(A;ID;FR;;;WD)S:(AU;SA;FA;;;WD)"
)

// newTree returns a tree of which every file has a descriptor.
func newTree(names ...string) *tree {
	t := &tree{files: map[string]*sd.Descriptor{}, errs: map[string]error{}}
	for _, n := range names {
		t.files[n] = sddl.MustParse(one)
	}
	return t
}

// run runs an import and returns its counts, its results as text, and its error.
func run(t *testing.T, c Config, text string) (Counts, string, error) {
	t.Helper()
	var b strings.Builder
	c.Each = func(r Result) { fmt.Fprintf(&b, "%d %s %v\n", r.Line, r.Path, r.Err) }
	n, err := Run(context.Background(), c, strings.NewReader(withEnd(text)))
	if f, ok := c.Files.(*tree); ok && f.open != 0 {
		t.Errorf("%d files are still open, want 0", f.open)
	}
	return n, b.String(), err
}

// withEnd returns lines with the last line of their export.
func withEnd(text string) string {
	lines := len(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }))
	return strings.TrimRight(text, "\n") + "\n" + string(jsonl.AppendEnd(nil, int64(lines)))
}

// checkCounts expects counts.
func checkCounts(t *testing.T, what string, got, want Counts) {
	t.Helper()
	check.That(t, got == want, "%s: %+v, want %+v", what, got, want)
}

// B-23: files that differ are written, the others are only read, and a dry run writes nothing.
func TestImportWritesOnlyDifferences(t *testing.T) {
	f := newTree("/", "d/", "d/f", "g")
	text := `{"path":"/srv","sd":"` + one + `","type":"directory"}
{"path":"/srv/d","sd":"` + two + `","type":"directory"}

{"path":"/srv/d/f","sd":"` + two + `","type":"file"}
{"path":"g","sd":"` + one + `"}
`
	f.files[""] = f.files["/"]
	delete(f.files, "/")
	f.files[""] = sddl.MustParse(one)
	c := Config{Files: f, Was: "/srv/"}
	c.DryRun = true
	n, out, err := run(t, c, strings.Replace(text, `"type":"directory"}`, `"type":"file"}`, 1))
	checkCounts(t, "a dry run", n, Counts{Lines: 4, Written: 2, Same: 2})
	check.That(t, err == nil && out == "2 /srv/d <nil>\n4 /srv/d/f <nil>\n" && f.writes == 0,
		"B-23: a dry run prints %q, %v, and writes %d times, want %q, nil, 0", out, err, f.writes,
		"2 /srv/d <nil>\n4 /srv/d/f <nil>\n")
	c.DryRun = false
	text = strings.Replace(text, `"type":"directory"}`, `"type":"file"}`, 1)
	n, _, err = run(t, c, text)
	checkCounts(t, "a run", n, Counts{Lines: 4, Written: 2, Same: 2})
	check.That(t, err == nil && f.writes == 2 && f.files["d/f"].Equal(sddl.MustParse(two)),
		"B-23: %v after %d writes, want 2 writes", err, f.writes)
	n, _, _ = run(t, c, text)
	checkCounts(t, "again", n, Counts{Lines: 4, Same: 4})
}

// B-21, B-22: one malformed line keeps all others from being written. So does SDDL that Windows would repair (S-80).
func TestMalformedLinesChangeNothing(t *testing.T) {
	good := `{"path":"f","sd":"` + two + `"}`
	for line, why := range map[string]string{
		`{"path":"../f","sd":"` + one + `"}`:                   "2 ../f the path has",
		`{"path":"d/../f","sd":"` + one + `"}`:                 "the path has",
		`{"path":"d//f","sd":"` + one + `"}`:                   "the path has",
		`{"path":"./f","sd":"` + one + `"}`:                    "the path has",
		`{"path":"d/","sd":"` + one + `"}`:                     "the path has",
		`{"path":"","sd":"` + one + `"}`:                       "the path has",
		`{"path":"f\u0000g","sd":"` + one + `"}`:               "the path has",
		`{"path":"/etc/passwd","sd":"` + one + `"}`:            "not below /srv",
		`{"path":"/srvf","sd":"` + one + `"}`:                  "not below /srv",
		`{"path":"/srv/../etc","sd":"` + one + `"}`:            "the path has",
		`{"path":"f","path":"g","sd":"` + one + `"}`:           "line 2: ",
		`{"path":"f","sd":"` + one + `","mode":"777"}`:         "line 2: ",
		`{"path":"f","sd":"` + one + `","sdHex":"00"}`:         "line 2: more than one",
		`{"path":"f","sd":"` + one + `"`:                       "line 2: ",
		`{"path":"f","sd":"` + one + `"} x`:                    "line 2: ",
		`{"path":"f"}`:                                         "no descriptor",
		`{"sd":"` + one + `"}`:                                 "the path is missing",
		`{"path":"f","sd":"D:(A;;FA;;;BA)"}`:                   "incomplete",
		`{"path":"f","sd":"O:BAG:SY"}`:                         "incomplete",
		`{"path":"f","sd":"O:BAG:SYD:AR(A;;FA;;;BA)"}`:         "flag AR",
		`{"path":"f","sd":"O:BAG:SYD:(A;;FA;;;S-1-5-5-0-77)"}`: "logon session",
		`{"path":"f","sd":"O:BAG:SYD:(A;;FA;;;bob)"}`:          "SDDL",
		`{"path":"f","sd":"O:BAG:BAD:(A;;0x1f01ff000;;;BA)"}`:  "at most 32 bits",
		`{"path":"f","sdHex":"0100"}`:                          "2 f ",
		`{"path":"f","sd":"` + one + `","type":"key"}`:         "neither file nor directory",
		`[]`:                   "line 2: ",
		`null`:                 "line 2: ",
		strings.Repeat(" ", 3): "line 2: ",
		`{"path":"` + strings.Repeat("a/", 9) + `..","sd":"` + one + `"}`: "the path has",
	} {
		f := newTree("f", "g", "d/")
		n, out, err := run(t, Config{Files: f, Was: "/srv"}, good+"\n"+line+"\n"+good)
		if want := (Counts{Lines: 3, Bad: 1}); n != want || err != nil || f.writes != 0 || !strings.Contains(out, why) {
			t.Errorf("B-22: %s: %+v, %q, %v, %d writes; want %+v and %q", line, n, out, err, f.writes, want, why)
		}
	}
	if n, _, err := run(t, Config{Files: newTree("f")}, ""); !errors.Is(err, ErrEmpty) || n != (Counts{}) {
		t.Errorf("B-22: no line: %+v, %v, want %v", n, err, ErrEmpty)
	}
	f := newTree("f")
	if n, _, err := run(t, Config{Files: f}, `{"path":"/f","sd":"`+two+`"}`); err != nil || n.Bad != 1 || f.writes != 0 {
		t.Errorf("B-21: host path without a tree path: %+v, %v, want one bad line and no write", n, err)
	}
}

// An export that was cut off at the end of a line changes nothing (B-22).
func TestCutInputChangesNothing(t *testing.T) {
	row := func(path string) string { return `{"path":"` + path + `","sd":"` + two + `"}` + "\n" }
	for text, whole := range map[string]bool{
		row("f"): false, row("f") + `{"end":2}`: false, row("f") + `{"end":1`: false, row("f") + `{"end":1}`: true,
		row("f") + "{\"end\":1}\r\n\r\n": true, `{"end":1}` + "\n" + row("f"): false,
	} {
		f := newTree("f")
		n, err := Run(t.Context(), Config{Files: f}, strings.NewReader(text))
		check.That(t, (err == nil && n.Written == 1) == whole && int64(f.writes) == n.Written,
			"%q: %+v, %v, %d writes", text, n, err, f.writes)
	}
}

// B-23: each kind of failing file is reported, the others are written, and the next run does the rest.
func TestErrorsOfFilesDoNotEndTheRun(t *testing.T) {
	f := newTree("a", "b/", "c", "d", "e")
	f.errs["c"] = syscall.EIO
	f.errs["d"] = syscall.EPERM
	var text strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "none", "e"} {
		fmt.Fprintf(&text, `{"path":"%s","sd":"%s","type":"file"}`+"\n", name, two)
	}
	n, out, err := run(t, Config{Files: f}, text.String())
	checkCounts(t, "failing files", n, Counts{Lines: 6, Written: 2, Failed: 4})
	for _, line := range []string{"2 b a file has taken", "3 c input/output error", "4 d operation not permitted",
		"5 none file does not exist"} {
		check.That(t, strings.Contains(out, line), "B-23: output %q, error %v, want text containing %q", out, err, line)
	}
	clear(f.errs)
	n, _, _ = run(t, Config{Files: f}, text.String())
	checkCounts(t, "repeated", n, Counts{Lines: 6, Written: 2, Same: 2, Failed: 2})
}

// TestImportContinuesAfterFullDisk checks that if the disk becomes full, each remaining file fails. A second run writes
// exactly those files (B-23).
func TestImportContinuesAfterFullDisk(t *testing.T) {
	var names []string
	var text strings.Builder
	for i := range 100 {
		names = append(names, fmt.Sprint("f", i))
		fmt.Fprintf(&text, `{"path":"f%d","sd":"%s"}`+"\n", i, two)
	}
	f := newTree(names...)
	f.most = 37
	n, out, err := run(t, Config{Files: f}, text.String())
	checkCounts(t, "a full disk", n, Counts{Lines: 100, Written: 37, Failed: 63})
	check.That(t, strings.Contains(out, "38 f37 no space left on device") && err == nil,
		`%q, %v, want text containing "38 f37 no space left on device", nil`, out, err)
	f.most = 0
	n, _, _ = run(t, Config{Files: f}, text.String())
	checkCounts(t, "afterwards", n, Counts{Lines: 100, Written: 63, Same: 37})
}

// TestInterruptedImportIsResumed checks that a cancelled run returns its counts and context.Canceled. A second run
// writes the rest (B-23).
func TestInterruptedImportIsResumed(t *testing.T) {
	f := newTree("a", "b", "c")
	var text strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&text, `{"path":"%s","sd":"%s"}`+"\n", name, two)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n, err := Run(ctx, Config{Files: f, Each: func(Result) { cancel() }}, strings.NewReader(withEnd(text.String())))
	checkCounts(t, "interrupted", n, Counts{Lines: 3, Written: 1})
	check.That(t, errors.Is(err, context.Canceled), "%v", err)
	n, _, err = run(t, Config{Files: f}, text.String())
	if checkCounts(t, "repeated", n, Counts{Lines: 3, Written: 2, Same: 1}); err != nil {
		t.Error(err)
	}
}

// TestChangedInputWritesNothing checks that if the second reading of the input has other bytes, Run fails with
// errChanged. It writes no malformed or additional line (B-22).
func TestChangedInputWritesNothing(t *testing.T) {
	f := newTree("f", "g")
	in := &swapped{first: withEnd(`{"path":"f","sd":"` + two + `"}`),
		then: `{"path":"f","sd":"` + one + `"}` + "\n" + `{"path":"g","sd":"` + two + `"}` + "\n"}
	if _, err := Run(context.Background(), Config{Files: f}, in); !errors.Is(err, errChanged) || f.writes != 0 {
		t.Errorf("%v, %d writes, want %v, 0", err, f.writes, errChanged)
	}
	in = &swapped{first: withEnd(in.first), then: `{"path":"../g","sd":"` + two + `"}` + "\n"}
	if _, err := Run(context.Background(), Config{Files: f}, in); !errors.Is(err, errChanged) || f.writes != 0 {
		t.Errorf("%v, %d writes, want %v, 0", err, f.writes, errChanged)
	}
	first := withEnd(`{"path":"f","sd":"` + two + `"}`)
	for _, then := range []string{strings.Replace(first, two, one, 1), first + "\n", ""} {
		_, err := Run(context.Background(), Config{Files: f}, &swapped{first: first, then: then})
		check.That(t, errors.Is(err, errChanged) && f.writes == 0, "B-22: second reading %q: %v, %d writes, want %v, 0",
			then, err, f.writes, errChanged)
	}
	// The lines before the first changed block are written, because they are equal to the checked ones.
	first, _, _ = strings.Cut(first, "{\"end")
	block := first + strings.Repeat("\n", blockSize-len(first))
	in = &swapped{first: withEnd(block + first + first), then: withEnd(block+first+first) + "\n"}
	n, err := Run(context.Background(), Config{Files: f}, in)
	checkCounts(t, "second block", n, Counts{Lines: 3, Written: 1})
	check.ErrorIs(t, err, errChanged, "second block")
}

// TestUnreadableInputIsAnError checks that Run reads the input twice and returns the error of a failed read. If the
// first pass fails, Run writes nothing. If the second fails, it writes no line of the incomplete block (B-22).
func TestUnreadableInputIsAnError(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		after int // readings without an error
		want  Counts
	}{{0, Counts{}}, {1, Counts{Lines: 1}}} {
		f := newTree("f")
		in := &breaking{Reader: strings.NewReader(`{"path":"f","sd":"` + two + `"}` + "\n"), after: c.after, err: broken}
		n, err := Run(context.Background(), Config{Files: f}, in)
		checkCounts(t, fmt.Sprintf("%d readings succeed", c.after), n, c.want)
		check.ErrorIs(t, err, broken, "%d readings succeed: error", c.after)
	}
}

// breaking is an input whose read fails after it was read completely a number of times.
type breaking struct {
	*strings.Reader
	after int
	err   error
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if b.after--; b.after < 0 {
			return n, b.err
		}
	}
	return n, err
}

// swapped is an input whose contents differ from the second reading on.
type swapped struct {
	first, then string
	r           *strings.Reader
}

func (s *swapped) Read(p []byte) (int, error) { return s.r.Read(p) }

func (s *swapped) Seek(offset int64, whence int) (int64, error) {
	s.r = strings.NewReader(s.first)
	s.first = s.then
	return s.r.Seek(offset, whence)
}

// TestMemoryOfImportIsFlat checks that 400,000 lines use no more memory than 100,000.
func TestMemoryOfImportIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads much")
	}
	most := func(lines int) uint64 {
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		var peak uint64
		i := 0
		f := newTree("f")
		in := &lineReader{line: `{"path":"f","sd":"` + one + `"}` + "\n", n: lines}
		if _, err := Run(context.Background(), Config{Files: &watched{f, func() {
			if i++; i%20_000 == 0 {
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
		}}}, in); err != nil {
			t.Fatal(err)
		}
		return peak - min(peak, before.HeapInuse)
	}
	small, large := most(100_000), most(400_000)
	check.That(t, large <= 2*small+(16<<20),
		"400,000 lines take %d bytes, 100,000 take %d, want at most %d", large, small, 2*small+(16<<20))
}

// watched calls a function at each open.
type watched struct {
	*tree
	opened func()
}

func (w *watched) Open(path string) (File, error) {
	w.opened()
	return w.tree.Open(path)
}

// lineReader repeats a line.
type lineReader struct {
	line    string
	n, done int
	rest    string
}

func (l *lineReader) Read(p []byte) (int, error) {
	if l.rest == "" {
		if l.done > l.n {
			return 0, io.EOF
		}
		if l.rest = l.line; l.done == l.n {
			l.rest = string(jsonl.AppendEnd(nil, int64(l.n)))
		}
		l.done++
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *lineReader) Seek(int64, int) (int64, error) {
	l.done, l.rest = 0, ""
	return 0, nil
}

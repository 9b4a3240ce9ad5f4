package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var header = Header{System: System{Product: "Windows 10.0 server", Build: 20348, Revision: 1, Architecture: "amd64"},
	Date: "2026-01-02", Tokens: MadeTokens, Token: json.RawMessage(`{"user":"S-1-5-18"}`)}

// recordOurs is a recording of refmon itself: its answers are the recorded ones.
func recordOurs(t *testing.T, profile nt.Profile, files ...string) *Recording {
	t.Helper()
	rec := &Recording{Header: header}
	rec.Header.Recording = Version
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := Programs(name, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			calls, _ := p.Run(profile, nil, nil)
			rec.Lines = append(rec.Lines, Line{Case: p.Case, Program: p.Source, Prelude: p.Prelude, Rules: p.Rules})
			rec.Lines = append(rec.Lines, calls...)
		}
	}
	return throughJSON(t, rec)
}

// throughJSON writes and reads a recording.
func throughJSON(t *testing.T, rec *Recording) *Recording {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, rec.Header)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range rec.Lines {
		if err := w.Write(l); err != nil {
			t.Fatal(err)
		}
	}
	back, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func compare(t *testing.T, rec *Recording) *Report {
	t.Helper()
	notes, err := ReadNotes()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compare(rec, notes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const transcripts = "../../test/ntostest/testdata/"

// TestProgramsAreTheTranscripts: every case of every transcript is a program,
// and those of a file of ours are as many as it has.
func TestProgramsAreTheTranscripts(t *testing.T) {
	files, err := filepath.Glob(transcripts + "*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := Programs(name, b)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, line := range strings.Split(string(b), "\n") {
			if line == "run" || strings.HasPrefix(line, "run profile=") {
				want++
			}
		}
		if len(list) != want {
			t.Errorf("%s: %d programs, want %d", name, len(list), want)
		}
		for _, p := range list {
			if strings.Contains(p.Source, "----") || p.Source == "" {
				t.Errorf("%s: the source is cut wrongly:\n%s", p.Case, p.Source)
			}
		}
	}
}

// TestOursIsTheSame: what refmon answered it answers again, call by call.
func TestOursIsTheSame(t *testing.T) {
	rec := recordOurs(t, nt.Documented, transcripts+"20-duplicate-token.txt", transcripts+"30-pipes.txt",
		transcripts+"10-duplicate.txt", "../../../examples/impersonation.star")
	r := compare(t, rec)
	if len(r.Differences) != 0 || r.Counts.Apart != 0 || r.Counts.Same < 300 {
		t.Errorf("%+v\n%+v", r.Counts, r.Differences)
	}
}

// TestObservedIsKnown: where the profiles differ, the documents say so.
func TestObservedIsKnown(t *testing.T) {
	rec := recordOurs(t, nt.Observed, transcripts+"20-duplicate-token.txt", transcripts+"10-duplicate.txt")
	r := compare(t, rec)
	if r.Counts.Known == 0 || r.Counts.Unexplained != 0 || r.Counts.Apart != 0 {
		t.Errorf("%+v", r.Counts)
	}
	for _, d := range r.Differences {
		if !d.Observed {
			t.Errorf("%s line %d %s: not as the observed profile", d.Case, d.Line, d.Call)
		}
	}
}

// TestDifferenceIsFound: another status, another result, another way.
func TestDifferenceIsFound(t *testing.T) {
	const program = `
p = process("p", token_profile("user")).thread
h = p.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
r = p.NtDuplicateToken(ExistingTokenHandle=h, TokenType=TokenPrimary)
if r.status == STATUS_SUCCESS:
    p.NtClose(Handle=r.NewTokenHandle)
p.NtClose(Handle=h)
`
	p := Program{Case: "x", Source: program, Rules: []string{"T-40"}}
	calls, err := p.Run(nt.Documented, nil, nil)
	if err != nil || len(calls) != 3 {
		t.Fatal(len(calls), err)
	}
	rec := &Recording{Header: header, Lines: append([]Line{{Case: "x", Program: program, Rules: p.Rules}}, calls...)}
	if r := compare(t, throughJSON(t, rec)); r.Counts.Same != 3 {
		t.Fatalf("%+v", r)
	}
	// They granted it, and closed the new handle, too.
	rec.Lines[2].Status, rec.Lines[2].Out = "STATUS_SUCCESS", Fields{"NewTokenHandle": "handle of line 4"}
	last := rec.Lines[3]
	rec.Lines[3].In, rec.Lines[3].Line = Fields{"Handle": "handle of line 4"}, 6
	rec.Lines = append(rec.Lines, last)
	r := compare(t, throughJSON(t, rec))
	if r.Counts != (Counts{Same: 2, Unexplained: 1, Apart: 1}) {
		t.Fatalf("%+v", r.Counts)
	}
	d := r.Differences[0]
	if d.Theirs.Status != "STATUS_SUCCESS" || d.Ours.Status != "STATUS_ACCESS_DENIED" || d.Rule() == "" || d.Line != 4 {
		t.Errorf("%+v", d)
	}
}

// TestSettles: a recording of Windows speaks about rules that were decided
// here; one of Wine never does.
func TestSettles(t *testing.T) {
	system, err := token.Parse(header.Token)
	if err != nil {
		t.Fatal(err)
	}
	rec := &Recording{Header: header}
	questions, err := Questions()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		l := Line{Case: q.Case, Call: q.Call, In: q.In, Rules: q.Rules}
		if l.Status, l.Out, err = answer(&l, system); err != nil {
			t.Fatal(err)
		}
		if q.Case == "AC-102b" {
			l.Out["granted"] = "0x00000010"
		}
		rec.Lines = append(rec.Lines, l)
	}
	rec = throughJSON(t, rec)
	r := compare(t, rec)
	if r.Counts.Same != len(questions)-1 || len(r.Differences) != 1 {
		t.Fatalf("%+v", r.Counts)
	}
	if d := r.Differences[0]; d.Known() || d.Caveat == "" {
		t.Errorf("a choice of ours explains a difference, or is not shown: %+v", d)
	}
	found := map[string]Settled{}
	for _, s := range r.Settles {
		found[s.Rule] = s
	}
	if s := found["A-85"]; s.Contradict != 1 || s.Decided == "" {
		t.Errorf("A-85: %+v", s)
	}
	if s := found["A-25"]; s.Confirmed == 0 || s.Contradict != 0 {
		t.Errorf("A-25: %+v", s)
	}
	rec.Header.System.Wine = "8.0"
	if r := compare(t, rec); len(r.Settles) != 0 {
		t.Errorf("Wine settles %+v", r.Settles)
	}
	var b bytes.Buffer
	if err := WriteVectors(&b, rec); !errors.Is(err, ErrWine) || b.Len() != 0 {
		t.Errorf("vectors of Wine: %v", err)
	}
}

// TestRead refuses what is no recording, and says where.
func TestRead(t *testing.T) {
	const head = `{"recording":1,"system":{"product":"","build":1,"revision":0,"architecture":""},"date":"",` +
		`"recorder":"","token":{},"tokens":"own"}` + "\n"
	for text, want := range map[string]string{
		"":                                     "empty",
		"x":                                    "line 1",
		`{"recording":2}`:                      "format 2",
		head + `{"case":"a"}`:                  "line 2",
		head + `{"case":"a","call":"NtClose"}`: "line 2",
		head + `{"case":"a","skipped":"b","surprise":1}`: "surprise",
	} {
		_, err := Read(strings.NewReader(text))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	text := head + `{"case":"a","skipped":"b ü 𝄞"}`
	wide := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, file := range []string{text, "\xEF\xBB\xBF" + text, string(wide)} {
		rec, err := Read(iotest.OneByteReader(strings.NewReader(file)))
		if err != nil || len(rec.Lines) != 1 || rec.Lines[0].Skipped != "b ü 𝄞" {
			t.Errorf("%q: %v %+v", file[:9], err, rec)
		}
	}
}

// FuzzCompare: whatever a file holds, it is compared or refused. Programs are
// left out: package script bounds them and has tests of its own.
func FuzzCompare(f *testing.F) {
	const head = `{"recording":1,"system":{"product":"","build":1,"revision":0,"architecture":""},"date":"",` +
		`"recorder":"","token":{"user":"BA"},"tokens":"own"}` + "\n"
	questions, err := Questions()
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(questions); i += 10 { // one of each kind and more
		line, err := json.Marshal(Line{Case: "a", Call: questions[i].Call, In: questions[i].In, Status: "ERROR_SUCCESS",
			Out: Fields{"hex": "00"}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(line))
	}
	// no input at all
	f.Add(`{"case":"a","call":"AccessCheck","status":"x","in":null}`)
	// every flag
	f.Add(`{"case":"a","call":"CreatePrivateObjectSecurityEx","status":"x","in":{"flags":"0xFFFFFFFF",` +
		`"mapping":"file","container":true,"objectType":"x"}}`)
	notes, err := ReadNotes()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		rec, err := Read(strings.NewReader(head + lines))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%v is no %v", err, ErrMalformed)
			}
			return
		}
		for _, l := range rec.Lines {
			if l.Program != "" {
				return
			}
		}
		if _, err := Compare(rec, notes); err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%v is no %v", err, ErrMalformed)
		}
		_ = WriteVectors(io.Discard, rec)
	})
}

// kernelBackend answers the calls of a program from a kernel that the program
// does not know.
type kernelBackend struct{ sys *kernel.System }

type kernelProcess struct{ p *kernel.Process }

type kernelThread struct {
	sys *kernel.System
	th  *nt.Thread
}

func (b *kernelBackend) NewProcess(name string, t *token.Token) (script.BackendProcess, error) {
	p, err := b.sys.CreateProcess(kernel.ProcessSpec{Name: name, Token: t})
	return &kernelProcess{p}, err
}
func (p *kernelProcess) ID() (winnt.Handle, error) { return p.p.ID(), nil }
func (p *kernelProcess) Exit()                     { p.p.Exit() }
func (p *kernelProcess) NewThread() (script.BackendThread, error) {
	th, err := p.p.NewThread()
	return &kernelThread{nil, th}, err
}
func (t *kernelThread) ID() (winnt.Handle, error) { return 4711, nil }
func (t *kernelThread) CallRow(row *nt.Row, in any) (any, ntstatus.Status, error) {
	out, st := t.th.CallRow(row, in)
	if !st.IsSuccess() {
		if o, ok := out.(nt.OpenThreadTokenOut); ok {
			o.TokenHandle = script.Untouched
			out = o
		}
	}
	return out, st, nil
}

func (t *kernelThread) CallFunction(row *nt.Row, in any) (any, bool, win32.Code, error) {
	out, result, code, _ := win32.On(t.th).CallRow(row, in)
	return out, result, code, nil
}

// TestBackend: the calls go to the backend and nowhere else, what it cannot be
// asked ends the program, and its lines compare with ours.
func TestBackend(t *testing.T) {
	p := Program{Case: "b", Source: `
p = process("p", token_profile("user")).thread
k = kernel_mode(p)
opened = p.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), DesiredAccess=TOKEN_QUERY, OpenAsSelf=False)
expect(opened.TokenHandle, None)
h = p.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
p.NtClose(Handle=h)
p.ImpersonateSelf(ImpersonationLevel=SecurityIdentification)
p.AdjustTokenPrivileges(TokenHandle=h, DisableAllPrivileges=True)
k.PsRevertToSelf()
p.NtClose(Handle=h)
`}
	sys := kernel.Boot(kernel.Config{})
	calls, err := p.Run(nt.Documented, nil, &kernelBackend{sys})
	var why *script.UnaskableError
	if !errors.As(err, &why) || len(calls) != 5 || calls[4].Status != "ERROR_INVALID_HANDLE" {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	lines := append([]Line{{Case: "b", Program: p.Source}}, calls...)
	lines = append(lines, Line{Case: "b", Skipped: why.Why})
	r := compare(t, throughJSON(t, &Recording{Header: header, Lines: lines}))
	if r.Counts != (Counts{Same: 5, Skipped: 1}) {
		t.Errorf("%+v %+v", r.Counts, r.Differences)
	}
}

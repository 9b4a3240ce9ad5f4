package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/vectors"
	"github.com/refmon/refmon/winnt"
)

// library is librefmon with a program that carries out requests on it: the same calls and layouts as on Windows. It
// tests the recorder's encoding and decoding without Windows.
type library struct {
	t       *testing.T
	program string
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs 64-bit Linux and a C compiler")
	}
	if testing.Short() {
		t.Skip("builds the C library")
	}
	dir := programs.Library(t)
	l := &library{t, filepath.Join(t.TempDir(), "gate")}
	out, err := exec.Command(cc, "-Wall", "-Werror", "-O1", "-rdynamic", "-o", l.program, "testdata/gate.c",
		"-L"+dir+"/lib", "-Wl,--no-as-needed", "-lrefmon", "-ldl", "-Wl,-rpath,"+dir+"/lib").CombinedOutput()
	check.RequireThat(t, err == nil, "%v\n%s", err, out)
	return l
}

// gateTo starts a process with a token; end ends it.
func (l *library) gateTo(t *token.Token) (do gate, end func()) {
	file := filepath.Join(l.t.TempDir(), "token")
	check.NoError(l.t, os.WriteFile(file, check.Must(t.MarshalJSON()), 0o600))
	cmd := exec.Command(l.program)
	cmd.Env = append(os.Environ(), "REFMON_TOKEN="+file, "REFMON_PROFILE=documented")
	cmd.Stderr = os.Stderr
	in, out := check.Must(cmd.StdinPipe()), check.Must(cmd.StdoutPipe())
	check.NoError(l.t, cmd.Start())
	r := bufio.NewReader(out)
	do = func(q *request) reply {
		p, err := carry(q, in, r)
		if err != nil {
			return reply{Missing: q.Proc + " ended the process: " + err.Error()}
		}
		return p
	}
	return do, func() { _ = in.Close(); _ = cmd.Wait() }
}

// carry sends a request and reads the reply.
func carry(q *request, in io.Writer, out io.Reader) (p reply, err error) {
	b := append(u32le(nil, uint32(len(q.Proc))), q.Proc...)
	b = u32le(b, uint32(len(q.Args)))
	for _, a := range q.Args {
		b = u32le(le.AppendUint64(b, a.N), uint32(a.Buffer))
	}
	b = u32le(b, uint32(len(q.Buffers)))
	for _, x := range q.Buffers {
		b = append(u32le(b, uint32(len(x))), x...)
	}
	b = u32le(b, uint32(len(q.Fixes)))
	for _, f := range q.Fixes {
		b = u32le(b, uint32(f.Buffer), uint32(f.At), uint32(f.To), uint32(f.Offset))
	}
	if _, err = in.Write(b); err != nil {
		return p, err
	}
	head := make([]byte, 12)
	if _, err = io.ReadFull(out, head); err != nil {
		return p, err
	}
	if le.Uint32(head) != 0 {
		p.Missing = "librefmon has no " + q.Proc
	}
	p.Return, p.LastError = uint64(le.Uint32(head[4:])), le.Uint32(head[8:])
	for _, x := range q.Buffers {
		x = make([]byte, len(x))
		if _, err = io.ReadFull(out, head[:8]); err == nil {
			_, err = io.ReadFull(out, x)
		}
		if err != nil {
			return p, err
		}
		p.Bases, p.Buffers = append(p.Bases, le.Uint64(head)), append(p.Buffers, x)
	}
	return p, nil
}

// privileged is a token that may make tokens.
func privileged(t *testing.T) *token.Token {
	t.Helper()
	s := token.LocalSystem()
	s.Privileges |= winnt.SeCreateTokenPrivilege.Bit() | winnt.SeTcbPrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeCreateTokenPrivilege.Bit() | winnt.SeTcbPrivilege.Bit()
	// A disabled group stays so in every copy of the token (T-144).
	s.Groups = append(s.Groups, token.Group{SID: sid.BackupOperators, Attributes: token.GroupDisabled})
	return check.Must(token.New(s))
}

func TestRecorderRunsOnLibrefmon(t *testing.T) {
	l := newLibrary(t)
	t.Run("vectors", l.vectors)
	t.Run("questions", l.questions)
	t.Run("programs", l.programs)
}

// vectors asks every access vector, as a recorder that may create tokens does, and compares the results with those of
// the vectors.
func (l *library) vectors(t *testing.T) {
	do, end := l.gateTo(privileged(t))
	defer end()
	a := &asker{do: do, tokens: replay.MadeTokens}
	compared, skips := 0, map[string]int{}
	for x, err := range vectors.Access() {
		check.NoError(t, err)
		in, want := replay.Fields{}, replay.Fields{}
		check.NoError(t, errors.Join(json.Unmarshal(x.In, &in), json.Unmarshal(x.Out, &want)))
		v, err := readVector(in)
		check.RequireThat(t, err == nil, "%s: %v", x.In, err)
		status, out, err := a.native(v)
		var why *skipError
		if errors.As(err, &why) {
			skips[why.why]++
			continue
		}
		check.RequireThat(t, err == nil, "%s: %v", v.ID, err)
		compared++
		got := copied(t, out)
		delete(got, "function")
		got["id"], got["status"] = v.ID, status
		check.That(t, reflect.DeepEqual(got, want), "%s %v\n got %v\nwant %v", v.ID, out["function"], got, want)
	}
	t.Logf("%d asked; not asked: %v", compared, skips)
	check.That(t, compared >= 90, "only %d vectors were asked, want at least 90", compared)
}

// copied is a value after a journey through JSON.
func copied(t *testing.T, f replay.Fields) (to replay.Fields) {
	t.Helper()
	check.NoError(t, json.Unmarshal(check.Must(json.Marshal(f)), &to))
	return to
}

// questions runs all built-in questions and expects refmon's answers. AuthZ is simulated by authz_test.go.
func (l *library) questions(t *testing.T) {
	own := privileged(t)
	do, end := l.gateTo(own)
	defer end()
	var b bytes.Buffer
	file := check.Must(own.MarshalJSON())
	a := &asker{do: do, tokens: replay.MadeTokens}
	a.w = check.Must(replay.NewWriter(&b, replay.Header{Token: file, Tokens: a.tokens}))
	check.NoError(t, a.questions())
	check.NoError(t, a.w.End())
	rec := check.Must(replay.Read(&b))
	r := check.Must(replay.Compare(rec, replay.Notes{}))
	t.Logf("%+v %v", r.Counts, r.Skips)
	for _, d := range r.Differences {
		t.Errorf("%s: %s %v\n theirs %v\n ours   %v", d.Case, d.Call, d.In, d.Theirs, d.Ours)
	}
	check.That(t, r.Counts.Same >= 450, "%d calls have the recorded result, want at least 450: %+v", r.Counts.Same,
		r.Counts)
	// The token of the process, read class by class, is the one it was given.
	read := check.Must(a.ownToken())
	got := check.Must(token.Parse(read))
	if got = got.WithModifiedID(own.ModifiedID()); !got.Equal(own) {
		t.Errorf("the own token\n got %s\nwant %s", read, file)
	}
}

// libraryProcess is a process of a program: a system of its own.
type libraryProcess struct {
	do      gate
	end     func()
	threads int
}

type libraryBackend struct {
	l   *library
	all []*libraryProcess
}

func (b *libraryBackend) NewProcess(_ string, t *token.Token) (script.BackendProcess, error) {
	if len(b.all) > 0 {
		return nil, &script.UnaskableError{Why: "a second process"}
	}
	do, end := b.l.gateTo(t)
	p := &libraryProcess{do: do, end: end}
	b.all = append(b.all, p)
	return p, nil
}
func (p *libraryProcess) ID() (winnt.Handle, error) {
	n := p.do(call("", "GetCurrentProcessId"))
	if n.Missing != "" {
		return 0, &script.UnaskableError{Why: n.Missing}
	}
	return winnt.Handle(n.Return), nil
}
func (p *libraryProcess) Exit() { p.end() }
func (p *libraryProcess) NewThread() (script.BackendThread, error) {
	if p.threads++; p.threads > 1 {
		return nil, &script.UnaskableError{Why: "a second thread"}
	}
	return &libraryThread{p}, nil
}

type libraryThread struct{ p *libraryProcess }

func (t *libraryThread) ID() (winnt.Handle, error) {
	n := t.p.do(call("", "GetCurrentThreadId"))
	return winnt.Handle(n.Return), nil
}
func (t *libraryThread) CallRow(row *nt.Row, in any) (any, ntstatus.Status, error) {
	s := findService(row.Info().Name)
	if s == nil {
		return nil, 0, &script.UnaskableError{Why: row.Info().Name + ": this recorder does not make the call"}
	}
	out, st, err := s(t.p.do, in)
	return out, st, unaskable(err)
}

// unaskable returns a reason to skip as the error by which a backend says so, and other errors unchanged.
func unaskable(err error) error {
	if why := (*skipError)(nil); errors.As(err, &why) {
		return &script.UnaskableError{Why: why.why}
	}
	return err
}

func (t *libraryThread) CallFunction(row *nt.Row, in any) (any, bool, win32.Code, error) {
	f := functions[row.Info().Name]
	if f == nil {
		return nil, false, 0, &script.UnaskableError{Why: row.Info().Name + ": this recorder does not make the call"}
	}
	out, result, code, err := f(t.p.do, in)
	return out, result, code, unaskable(err)
}

// programs replays the transcripts on the C library and compares the results with those of the Go services.
func (l *library) programs(t *testing.T) {
	files, err := filepath.Glob("../../../internal/test/ntostest/testdata/*.txt")
	check.RequireThat(t, err == nil && len(files) >= 30, "%v %v", len(files), err)
	rec := &replay.Recording{Header: replay.Header{Tokens: replay.MadeTokens,
		Token: json.RawMessage(`{"user":"S-1-5-18"}`)}}
	for _, name := range files {
		source := check.Must(os.ReadFile(name))
		list := check.Must(replay.Programs(name, source))
		for _, p := range list {
			b := &libraryBackend{l: l}
			calls, _ := p.Run(nt.Documented, nil, b) // it ends at a call that the library does not support
			for _, p := range b.all {
				p.end()
			}
			rec.Lines = append(rec.Lines, replay.Line{Case: p.Case, Program: p.Source, Prelude: p.Prelude,
				Rules: p.Rules})
			rec.Lines = append(rec.Lines, calls...)
		}
	}
	r := compared(t, rec)
	t.Logf("%+v", r.Counts)
	for _, d := range r.Differences {
		t.Errorf("%s line %d: %s %v\n theirs %v\n ours   %v", d.Case, d.Line, d.Call, d.In, d.Theirs, d.Ours)
	}
	check.That(t, r.Counts.Same >= 500, "%d calls have the recorded result, want at least 500: %+v", r.Counts.Same,
		r.Counts)
}

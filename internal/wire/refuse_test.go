package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestRefuse: who is not served reads one frame, an answer to request 0 with the status alone, and then the end.
func TestRefuse(t *testing.T) {
	for _, st := range []ntstatus.Status{ntstatus.AccessDenied, ntstatus.InsufficientResources, ntstatus.NotSupported} {
		ours, theirs := net.Pipe()
		over := make(chan error, 1)
		go func() { over <- Refuse(theirs, st) }()
		b, err := io.ReadAll(ours)
		want := []byte{20, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(st), byte(st >> 8), byte(st >> 16),
			byte(st >> 24), 0}
		if done := <-over; err != nil || done != nil || !bytes.Equal(b, want) {
			t.Errorf("%v: % x, %v, %v, want % x", st, b, err, done, want)
		}
	}
	ours, theirs := net.Pipe()
	_ = ours.Close()
	if err := Refuse(theirs, ntstatus.AccessDenied); err == nil {
		t.Error("a client that is gone is no error")
	}
	if _, err := theirs.Write([]byte{1}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection stays open: %v", err)
	}
}

// without is a process that makes no thread.
type without struct {
	Process
	err    error
	exited int
}

func (w *without) NewThread() (*nt.Thread, error) { return nil, w.err }
func (w *without) Exit()                          { w.exited++ }

// TestNoFirstThread: a process without a thread serves no client: the client reads why in place of a hello, which is
// STATUS_INSUFFICIENT_RESOURCES where the error has no status, and the process exits (W-12, W-17).
func TestNoFirstThread(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{{ntstatus.QuotaExceeded.Err(), ntstatus.QuotaExceeded}, {errors.New("no room"), ntstatus.InsufficientResources}} {
		ours, theirs := net.Pipe()
		p, over := &without{err: c.err}, make(chan error, 1)
		go func() { over <- Serve(theirs, p) }()
		f, err := ReadFrame(ours)
		if err != nil {
			t.Fatal(err)
		}
		h, rest, err := DecodeAnswer(f.Body)
		if f.Kind != Answer || f.Request != 0 || err != nil || h.Status != c.want || h.Why != nil || len(rest) != 0 {
			t.Errorf("%v: %+v, %+v, %v", c.err, f, h, err)
		}
		if err := <-over; !errors.Is(err, c.err) || p.exited != 1 {
			t.Errorf("%v: ended with %v, exited %d times", c.err, err, p.exited)
		}
	}
}

// TestProgramIsCut: the name of a program is cut to MaxProgram bytes, and no name stays empty; in binary a handle
// alone is one without a name (W-79).
func TestProgramIsCut(t *testing.T) {
	for _, n := range []int{0, 1, MaxProgram - 1, MaxProgram, MaxProgram + 1, 1000} {
		name := strings.Repeat("p", n)
		want := AttachBody{Handle: 12, Program: name[:min(n, 64)]}
		for form, body := range map[form][]byte{inBinary: AppendAttach(nil, 12, name),
			inJSON: []byte(`{"Handle":"12","Program":"` + name + `"}`)} {
			if got, err := (&Server{form: form}).attachOf(body); err != nil || got != want {
				t.Errorf("form %d, %d bytes: %+v, %v", form, n, got, err)
			}
		}
	}
	alone := AppendHandle(nil, winnt.Handle(12))
	if got, err := (&Server{}).attachOf(alone); err != nil || got != (AttachBody{Handle: 12}) {
		t.Errorf("a handle alone: %+v, %v", got, err)
	}
	for _, bad := range [][]byte{alone[:7], append(alone, 0), nil} {
		if got, err := (&Server{}).attachOf(bad); !errors.Is(err, ErrValue) {
			t.Errorf("% x: %+v, %v", bad, got, err)
		}
	}
}

// TestContentsTravel: facts of a file come back as they went, and what cannot be is refused: bytes of a file that is
// not whole, other than as many as the file has, half of the facts, and flags that are neither (G-30).
func TestContentsTravel(t *testing.T) {
	row := rowsOfReadAs().open
	out := nt.CreateFileOut{FileHandle: 9, Information: 1}
	opened, err := row.AppendOut(nil, out)
	if err != nil || len(opened) > outSize {
		t.Fatalf("%d bytes, %v", len(opened), err)
	}
	facts := ContentsBody{CreationTime: -1, LastWriteTime: 1 << 62, EndOfFile: 3, FileID: ^uint64(0), Whole: true}
	half, dir := facts, ContentsBody{CreationTime: 1, LastWriteTime: 2, EndOfFile: 0, FileID: 4, Directory: true}
	half.Whole = false
	with := func(c *ContentsBody, data string) []byte {
		return append(appendContents(bytes.Clone(opened), c), data...)
	}
	for name, c := range map[string]struct {
		b    []byte
		want *ContentsBody
		data string
	}{
		"whole": {with(&facts, "abc"), &facts, "abc"}, "not whole": {with(&half, ""), &half, ""},
		"a directory": {with(&dir, ""), &dir, ""}, "too few bytes": {with(&facts, "ab"), nil, ""},
		"too many bytes": {with(&facts, "abcd"), nil, ""}, "bytes of what is not whole": {with(&half, "abc"), nil, ""},
		"no last flag":      {with(&half, "")[:len(opened)+contentsSize-1], nil, ""},
		"a flag of 2":       {append(with(&half, "")[:len(opened)+contentsSize-1], 2), nil, ""},
		"another flag of 2": {append(with(&half, "")[:len(opened)+contentsSize-2], 2, 0), nil, ""},
		"half a handle":     {opened[:4], nil, ""},
	} {
		got, b, data, err := DecodeContents(row, c.b)
		if c.want == nil {
			if !errors.Is(err, ErrValue) || data != nil {
				t.Errorf("%s: %+v, %q, %v", name, b, data, err)
			}
			continue
		}
		if err != nil || b != *c.want || string(data) != c.data || !reflect.DeepEqual(got, out) {
			t.Errorf("%s: %+v, %+v, %q, %v", name, got, b, data, err)
		}
	}
	tok, most, call, err := decodeReadAs(append(AppendReadAs(nil, -2, 0x01020304), 'c'))
	if tok != -2 || most != 0x01020304 || string(call) != "c" || err != nil {
		t.Errorf("%v, %d, %q, %v", tok, most, call, err)
	}
}

// TestLeftOut: a field that a call in JSON leaves out has the default of its row, and is else zero (W-36).
func TestLeftOut(t *testing.T) {
	for _, row := range Rows() {
		got, err := row.DecodeInJSON([]byte("{}"))
		if err != nil {
			t.Fatal(row.Info().Name, err)
		}
		v := reflect.ValueOf(got)
		for i := range v.NumField() {
			f, x := v.Type().Field(i), v.Field(i)
			switch preset := f.Tag.Get("default"); {
			case preset == "":
				if !x.IsZero() {
					t.Errorf("%s: %s is %v, want zero", row.Info().Name, f.Name, x)
				}
			case preset == "empty":
				a := x.Interface().(nt.Captured[*nt.ObjectAttributes])
				if a.Status != 0 || a.V == nil || !reflect.ValueOf(*a.V).IsZero() {
					t.Errorf("%s: %s is %+v, want attributes that say nothing", row.Info().Name, f.Name, a)
				}
			default:
				if text := jsonText(x); text != preset {
					t.Errorf("%s: %s is %s, want %s", row.Info().Name, f.Name, text, preset)
				}
			}
		}
	}
}

func jsonText(v reflect.Value) string {
	b, err := jsonOf(v.Type()).put(nil, v)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(b), `"`)
}

// TestHeldAtMost: what a JSON body holds may be as much as a frame does in the binary form, and no byte more (W-36).
func TestHeldAtMost(t *testing.T) {
	r := newJSONReader(nil)
	if err := r.hold(MaxBody - 1); err != nil {
		t.Error(err)
	}
	if err := r.hold(1); err != nil {
		t.Errorf("as much as a frame: %v", err)
	}
	if err := r.hold(1); err == nil {
		t.Error("a byte more is held")
	}
}

// TestHalfAFrameHasItsTime: a client may wait between frames as long as it likes, and its frame that has come in part
// is read under a deadline, which is gone afterwards (W-18).
func TestHalfAFrameHasItsTime(t *testing.T) {
	ours, theirs := net.Pipe()
	conn := &readTimes{Conn: theirs}
	s := NewServer(conn, nil)
	b := AppendFrame(nil, &Frame{Kind: Call, Request: 3, Body: []byte("body")})
	for _, parts := range [][][]byte{{b}, {b[:3], b[3:]}, {b[:20], b[20:]}} {
		conn.deadlines = nil
		go func() {
			for _, p := range parts {
				_, _ = ours.Write(p)
			}
		}()
		f, err := s.next()
		want := []bool{true, false}[:2*(len(parts)-1)]
		if err != nil || f.Request != 3 || string(f.Body) != "body" || !slices.Equal(conn.deadlines, want) {
			t.Errorf("%d parts: %+v, %v, deadlines %v, want %v", len(parts), f, err, conn.deadlines, want)
		}
	}
}

// readTimes is a connection that notes the deadlines of reads.
type readTimes struct {
	net.Conn
	deadlines []bool // one was set
}

func (r *readTimes) SetReadDeadline(at time.Time) error {
	r.deadlines = append(r.deadlines, !at.IsZero())
	return r.Conn.SetReadDeadline(at)
}

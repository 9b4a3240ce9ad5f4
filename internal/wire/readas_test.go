package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// giving is a process whose server has a text for each handle.
type giving struct {
	process
	text string
}

// Contents implements wire.ContentsGiver.
func (g giving) Contents(_ *nt.Thread, _ winnt.Handle, room []byte) (facts nt.FileFacts, whole bool,
	st ntstatus.Status) {
	facts = nt.FileFacts{EndOfFile: int64(len(g.text)), FileID: 7}
	facts.CreationTime, facts.LastWriteTime = 1, 2
	return facts, copy(room, g.text) == len(g.text), ntstatus.Success
}

func openRow() *wire.Row { return wire.Rows()[nt.NtTable.Find("NtCreateFile").Info().Number] }

// TestReadAsAnswers: what a ReadAs answers, and which of its frames end the connection.
func TestReadAsAnswers(t *testing.T) {
	row := openRow()
	body, err := row.AppendCall(wire.AppendReadAs(nil, 0, 100), openDevice(), false)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(body []byte) *wire.Frame {
		return &wire.Frame{Kind: wire.ReadAs, Thread: 1, Service: row.Service, Body: body}
	}
	for _, text := range []string{"", "the plan", "more than a hundred bytes" + string(make([]byte, 100))} {
		s := serveAs(t, func(p process) wire.Process { return giving{p, text} })
		s.greet()
		s.send(frame(body))
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		if err != nil || head.Status != ntstatus.Success {
			t.Fatal(head.Status, err)
		}
		out, c, data, err := wire.DecodeContents(row, rest)
		opened, _ := out.(nt.CreateFileOut)
		if whole := len(text) <= 100; err != nil || c.Whole != whole || whole == (opened.FileHandle != 0) ||
			whole && string(data) != text || !whole && len(data) > 0 || c.EndOfFile != int64(len(text)) ||
			c.CreationTime != 1 || c.LastWriteTime != 2 || c.FileID != 7 || c.Directory {
			t.Errorf("%d bytes: %+v, %+v, %q, %v", len(text), opened, c, data, err)
		}
	}
	s := serve(t)
	s.greet()
	if st := s.status(frame(body)); st != ntstatus.NotSupported {
		t.Errorf("a server without files: %s", st)
	}
	s = serveAs(t, func(p process) wire.Process { return giving{p, ""} })
	s.greet()
	other := frame(body)
	other.Service, other.Body = rowNumber("NtClose"), append(wire.AppendReadAs(nil, 0, 100), make([]byte, 9)...)
	if st := s.status(other); st != ntstatus.InvalidParameter {
		t.Errorf("a call that opens nothing: %s", st)
	}
	s.send(frame(body[:11]))
	if err := s.ended(); !errors.Is(err, wire.ErrValue) {
		t.Errorf("half of what it begins with: %v", err)
	}
}

func rowNumber(name string) uint16 { return uint16(nt.NtTable.Find(name).Info().Number) }

// FuzzContents reads any bytes as what answers a ReadAs: no panic, and what is read is not
// longer than it says.
func FuzzContents(f *testing.F) {
	whole := append(make([]byte, 12+8*4), 0, 1)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), "one byte too many"...))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, c, data, err := wire.DecodeContents(openRow(), b)
		if err == nil && (c.Whole && int64(len(data)) != c.EndOfFile || !c.Whole && len(data) > 0) {
			t.Errorf("%d bytes of %+v", len(data), c)
		}
	})
}

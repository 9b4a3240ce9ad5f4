package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

func openDevice() nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: winnt.FILE_OPEN,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\NUL`})}
}

func openRow() *wire.Row { return wire.Rows()[nt.NtTable.Find("NtCreateFile").Info().Number] }

// TestMalformedReadAsIsRefused checks the statuses of a ReadAs without files and of one that opens nothing. Half a head
// ends the connection (W-6).
func TestMalformedReadAsIsRefused(t *testing.T) {
	frame := func(name string, body []byte) *wire.Frame {
		return &wire.Frame{Kind: wire.ReadAs, Thread: 1, Service: rowNumber(name), Body: body}
	}
	body := check.Must(openRow().AppendCall(wire.AppendReadAs(nil, 0, 100), openDevice(), false))
	s := serve(t)
	s.exchangeHello()
	check.Equal(t, s.status(frame("NtCreateFile", body)), ntstatus.NotSupported, "ReadAs without files")
	s = serveAs(t, func(p process) wire.Process { return &reading{process: p} })
	s.exchangeHello()
	check.Equal(t, s.status(frame("NtClose", append(wire.AppendReadAs(nil, 0, 100), make([]byte, 9)...))),
		ntstatus.InvalidParameter, "ReadAs of a call that opens nothing")
	unknown := check.Must(openRow().AppendCall(wire.AppendReadAs(nil, 400, 100), openDevice(), true))
	s.send(frame("NtCreateFile", unknown))
	head, _, err := wire.DecodeAnswer(s.receive().Body)
	check.That(t, err == nil && head.Status == ntstatus.InvalidHandle && head.Why != nil,
		"ReadAs of an unknown token with the reason: %+v, %v", head, err)
	s.send(frame("NtCreateFile", body[:11]))
	check.ErrorIs(t, s.awaitEnd(), wire.ErrValue, "ReadAs with half of its head")
}

func rowNumber(name string) uint16 { return uint16(nt.NtTable.Find(name).Info().Number) }

// FuzzContents decodes arbitrary bytes as the answer to ReadAs: no panic, and the contents are not longer than
// stated.
func FuzzContents(f *testing.F) {
	whole := append(make([]byte, 12+8*4), 0, 1)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), "one byte too many"...))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, c, data, err := wire.DecodeContents(openRow(), b)
		check.That(t, err != nil || (!c.Whole || int64(len(data)) == c.EndOfFile) && (c.Whole || len(data) == 0),
			"decoded %d bytes with facts %+v, want as many as the end of file, or none", len(data), c)
	})
}

// reading is a process whose server returns a text for each handle, or an error. It records the thread's client and
// the requested length.
type reading struct {
	process
	facts   nt.FileFacts
	text    string
	refuses ntstatus.Status

	asked int
	acts  bool // the thread had a client
	room  int
}

// Contents implements wire.ContentsGiver.
func (g *reading) Contents(th *nt.Thread, h winnt.Handle, room []byte) (nt.FileFacts, bool, ntstatus.Status) {
	tok, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	_ = th.NtClose(tok) // 0 without a client
	g.asked, g.acts, g.room = g.asked+1, st != ntstatus.NoToken, len(room)
	if g.refuses != 0 {
		return g.facts, true, g.refuses
	}
	return g.facts, copy(room, g.text) == len(g.text) && !g.facts.Directory, 0
}

// clientToken creates a token that the connection's first thread can impersonate.
func clientToken(t *testing.T, th *nt.Thread) winnt.Handle {
	t.Helper()
	h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	return check.Result(th.NtDuplicateToken(h, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenImpersonation))
}

// The thread opens and reads a file as the client and afterwards has its previous identity, also after an error. A
// file that fits is returned whole and its handle closed; otherwise the handle is returned. After a refusal no handle
// remains (G-30, G-31).
func TestReadAsRestoresThreadIdentity(t *testing.T) {
	facts := nt.FileFacts{FileID: 7}
	facts.CreationTime, facts.LastWriteTime = 11, 12
	deletes, makes, missing := openDevice(), openDevice(), openDevice()
	deletes.CreateOptions = uint32(fileaccess.DeleteOnClose)
	makes.CreateDisposition = winnt.FILE_OPEN_IF
	missing.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\none`})
	const fits = wire.MaxContents
	for name, c := range map[string]struct {
		in      nt.CreateFileIn
		token   winnt.Handle // 0: the client's
		size    int
		most    int
		dir     bool
		refuses ntstatus.Status
		st      ntstatus.Status
		asked   int
		room    int
		whole   bool
	}{
		"empty file":                   {openDevice(), 0, 0, 0, false, 0, 0, 1, 0, true},
		"file that fits":               {openDevice(), 0, 10, 10, false, 0, 0, 1, 10, true},
		"file one byte too long":       {openDevice(), 0, 11, 10, false, 0, 0, 1, 10, false},
		"largest possible length":      {openDevice(), 0, fits, fits + 5, false, 0, 0, 1, fits, true},
		"more than the largest length": {openDevice(), 0, fits + 1, fits + 5, false, 0, 0, 1, fits, false},
		"a directory":                  {openDevice(), 0, 0, 10, true, 0, 0, 1, 10, false},
		"no read access": {openDevice(), 0, 10, 10, false, ntstatus.AccessDenied, ntstatus.AccessDenied, 1, 10,
			false},
		"missing file":       {missing, 0, 10, 10, false, 0, ntstatus.ObjectNameNotFound, 0, 0, false},
		"no client":          {openDevice(), 400, 10, 10, false, 0, ntstatus.InvalidHandle, 0, 0, false},
		"deleted on close":   {deletes, 0, 10, 10, false, 0, ntstatus.InvalidParameter, 0, 0, false},
		"created if missing": {makes, 0, 10, 10, false, 0, ntstatus.InvalidParameter, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			facts.EndOfFile, facts.Directory = int64(c.size), c.dir
			g := &reading{facts: facts, text: strings.Repeat("x", c.size), refuses: c.refuses}
			s := serveAs(t, func(p process) wire.Process { g.process = p; return g })
			conn := s.connect()
			th := conn.Thread()
			tok := c.token
			if tok == 0 {
				tok = clientToken(t, th)
			}
			probe := func() winnt.Handle {
				h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
				check.RequireThat(t, st == ntstatus.Success && th.NtClose(h) == ntstatus.Success, "%v", st)
				return h
			}
			next := probe()
			got, st := conn.ReadFileAs(th, tok, c.in, c.most, nil)
			want := client.ReadAs{}
			if c.st == 0 {
				want = client.ReadAs{CreationTime: 11, LastWriteTime: 12, EndOfFile: int64(c.size), FileID: 7, Directory: c.dir,
					Whole: c.whole}
				want.Information = fileaccess.Opened
				if !c.whole {
					want.FileHandle = next
				}
			}
			data := string(got.Data)
			if got.Data = nil; st != c.st || got.CreateFileOut != want.CreateFileOut || got.EndOfFile != want.EndOfFile ||
				got.CreationTime != want.CreationTime || got.LastWriteTime != want.LastWriteTime ||
				got.FileID != want.FileID || got.Directory != want.Directory || got.Whole != want.Whole {
				t.Errorf("ReadFileAs = %+v, %v, want %+v, %v", got, st, want, c.st)
			}
			if wantData := strings.Repeat("x", c.size); c.whole && data != wantData || !c.whole && data != "" {
				t.Errorf("%d bytes of data, want the complete contents: %t", len(data), c.whole)
			}
			check.That(t, g.asked == c.asked && g.acts == (c.asked > 0) && g.room == c.room,
				"server read %d times, with a client %t, up to %d bytes, want %d, %t, %d", g.asked, g.acts, g.room,
				c.asked, c.asked > 0, c.room)
			check.Equal(t, check.Status(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)), ntstatus.NoToken,
				"opening the thread token afterwards")
			after := next
			if c.st == 0 && !c.whole {
				after += 4
			}
			if h := probe(); h != after {
				t.Errorf("next handle = %v, want %v, so that nothing stayed open", h, after)
			}
		})
	}
}

// TestReadAsRestoresEarlierClient checks that a thread that impersonated a client before impersonates the same one
// afterwards.
func TestReadAsRestoresEarlierClient(t *testing.T) {
	g := new(reading)
	s := serveAs(t, func(p process) wire.Process { g.process = p; return g })
	conn := s.connect()
	th := conn.Thread()
	revert := check.Must(th.Impersonate(clientToken(t, th)))
	defer revert()
	other := clientToken(t, th)
	statistics := func() any {
		t.Helper()
		h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
		check.Require(t, st, ntstatus.Success, "NtOpenThreadToken")
		out, st := th.NtQueryInformationToken(h, winnt.TokenStatistics)
		check.RequireThat(t, st == ntstatus.Success && th.NtClose(h) == ntstatus.Success, "%v", st)
		return out
	}
	before := statistics()
	for _, in := range []nt.CreateFileIn{openDevice(), {CreateDisposition: winnt.FILE_OPEN}} {
		_, _ = conn.ReadFileAs(th, other, in, 1, nil)
		after := statistics()
		check.That(t, after == before, "thread token after ReadFileAs = %+v, want %+v", after, before)
	}
}

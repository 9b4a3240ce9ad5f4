package wire

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ContentsGiver may be implemented by a Process whose server gives what is in a file with
// the answer to its open.
type ContentsGiver interface {
	// Contents returns facts of a file behind a handle of the thread's process, and reads
	// what is in it where there is room for all of it, EndOfFile bytes; whole is false where
	// there is not, and for a directory.
	Contents(th *nt.Thread, file winnt.Handle, room []byte) (facts nt.FileFacts, whole bool, st ntstatus.Status)
}

// MaxContents bounds what a ReadAs answers with, in bytes.
const MaxContents = 64 << 10

// ContentsBody follows the outputs of the open that a ReadAs made; the bytes of the file
// follow it where it is whole.
type ContentsBody struct {
	CreationTime  int64 // units of 100 ns since 1601
	LastWriteTime int64
	EndOfFile     int64 // bytes
	FileID        uint64
	Directory     bool
	// Whole: all that is in the file follows, and its handle is closed.
	Whole bool
}

// Sizes in bytes of what stands before the call of a ReadAs, and of a ContentsBody.
const (
	readAsSize   = 12
	contentsSize = 34
	outSize      = 16 // of the outputs of the open, or a little more
)

// AppendReadAs appends what stands before the call of a ReadAs.
func AppendReadAs(b []byte, token winnt.Handle, most uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(b, uint64(token)), most)
}

// decodeReadAs returns what stands before the call of a ReadAs, and the call.
func decodeReadAs(b []byte) (token winnt.Handle, most uint32, call []byte, err error) {
	if len(b) < readAsSize {
		return 0, 0, nil, fmt.Errorf("%w: %d bytes are missing", ErrValue, readAsSize-len(b))
	}
	return winnt.Handle(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:]), b[readAsSize:], nil
}

// appendContents appends the bytes of a ContentsBody.
func appendContents(b []byte, c *ContentsBody) []byte {
	for _, n := range [...]uint64{uint64(c.CreationTime), uint64(c.LastWriteTime), uint64(c.EndOfFile), c.FileID} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	for _, is := range [...]bool{c.Directory, c.Whole} {
		if is {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// decodeContents reads a ContentsBody and returns the bytes after it.
func decodeContents(b []byte) (c ContentsBody, rest []byte, err error) {
	if len(b) < contentsSize {
		return c, nil, fmt.Errorf("%w: %d bytes are missing", ErrValue, contentsSize-len(b))
	}
	number := binary.LittleEndian.Uint64
	c = ContentsBody{CreationTime: int64(number(b)), LastWriteTime: int64(number(b[8:])),
		EndOfFile: int64(number(b[16:])), FileID: number(b[24:]), Directory: b[32] == 1, Whole: b[33] == 1}
	if b[32] > 1 || b[33] > 1 {
		err = fmt.Errorf("%w: a flag that is neither 0 nor 1", ErrValue)
	}
	return c, b[contentsSize:], err
}

// DecodeContents reads what answers a ReadAs after the head: the outputs of the open, whose
// row it is given, the facts, and the bytes of the file, which are those of b.
func DecodeContents(row *Row, b []byte) (out any, c ContentsBody, data []byte, err error) {
	if out, b, err = row.outPrefix(b); err != nil {
		return out, c, nil, err
	}
	if c, data, err = decodeContents(b); err != nil {
		return out, c, nil, err
	}
	if want := c.EndOfFile; !c.Whole && len(data) > 0 || c.Whole && int64(len(data)) != want {
		return out, c, nil, fmt.Errorf("%w: %d bytes of a file of %d", ErrValue, len(data), want)
	}
	return out, c, data, nil
}

// rowsOfReadAs are the rows of the calls that a ReadAs makes.
var rowsOfReadAs = sync.OnceValue(func() (r struct{ impersonate, open, close *Row }) {
	rows := Rows()
	find := func(name string) *Row { return rows[nt.NtTable.Find(name).Info().Number] }
	r.impersonate, r.open, r.close = find("NtSetInformationThread"), find("NtCreateFile"), find("NtClose")
	return r
})

// readAs opens a file as the client of a token, and answers with what is in it. The thread
// acts as the client meanwhile alone, and as it did before afterwards, whatever comes (G-30).
func (w *worker) readAs(f *Frame) (a reply, err error) {
	by, ok := w.s.process.(ContentsGiver)
	if !ok || w.s.form == inJSON {
		return refusal(ntstatus.NotSupported), nil
	}
	tok, most, body, err := decodeReadAs(f.Body)
	if err != nil {
		return a, err
	}
	q, err := w.s.requestAfter(f, body)
	if err != nil {
		return a, err
	}
	in, opens := q.in.(nt.CreateFileIn)
	if q.known && (!opens || !reads(&in)) {
		return refusal(ntstatus.InvalidParameter), nil
	}
	room := contents.Get().(*[MaxContents]byte)
	a, opened, facts, whole := w.openAs(tok, q, f, by, room[:min(most, MaxContents)])
	if whole || a.head.Status != ntstatus.Success && opened.FileHandle != 0 {
		w.call(request{known: true, row: rowsOfReadAs().close, in: nt.CloseIn{Handle: opened.FileHandle}}, f)
		opened.FileHandle = 0
	}
	if a.head.Status != ntstatus.Success {
		contents.Put(room)
		return a, nil
	}
	if a.rest, err = q.row.AppendOut(make([]byte, 0, outSize+contentsSize), opened); err != nil {
		return a, err
	}
	a.rest = appendContents(a.rest, &ContentsBody{CreationTime: facts.CreationTime,
		LastWriteTime: facts.LastWriteTime, EndOfFile: facts.EndOfFile, FileID: facts.FileID,
		Directory: facts.Directory, Whole: whole})
	a.room = room
	if whole {
		a.tail = room[:facts.EndOfFile]
	}
	return a, nil
}

// contents are memory for what is in files.
var contents = sync.Pool{New: func() any { return new([MaxContents]byte) }}

// reads reports whether an open neither makes nor changes nor deletes.
func reads(in *nt.CreateFileIn) bool {
	return in.CreateDisposition == winnt.FILE_OPEN && in.CreateOptions&uint32(fileaccess.DeleteOnClose) == 0
}

// openAs makes a call that opens a file, and reads what is in it, as the client of a token:
// the record of it names the client. A thread that cannot act as that client opens
// nothing (G-30).
func (w *worker) openAs(token winnt.Handle, q request, f *Frame, by ContentsGiver, room []byte) (a reply,
	opened nt.CreateFileOut, facts nt.FileFacts, whole bool) {
	sys := w.th.Services()
	before := sys.SaveImpersonation()
	defer sys.RestoreImpersonation(before)
	a = w.call(request{known: q.known, row: rowsOfReadAs().impersonate, why: q.why,
		in: nt.SetInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
			ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformation: nt.Cap(token),
			ThreadInformationLength: 8}}, f)
	a.rest = nil
	if a.head.Status != ntstatus.Success {
		return a, opened, facts, false
	}
	a = w.callAnd(q, f, func(out any) bool {
		opened, _ = out.(nt.CreateFileOut)
		return false // its handle may be closed by then
	})
	if a.head.Status != ntstatus.Success {
		return a, nt.CreateFileOut{}, facts, false
	}
	var st ntstatus.Status
	if facts, whole, st = by.Contents(w.th, opened.FileHandle, room); st != ntstatus.Success {
		return refusal(st), opened, facts, false
	}
	return a, opened, facts, whole
}

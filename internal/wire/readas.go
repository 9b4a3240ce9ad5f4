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

// ContentsGiver is an optional interface of a Process whose server returns a file's contents with its open.
type ContentsGiver interface {
	// Contents returns the facts of an open file and reads EndOfFile bytes into room. whole is false for a directory
	// and if the file does not fit.
	Contents(th *nt.Thread, file winnt.Handle, room []byte) (facts nt.FileFacts, whole bool, st ntstatus.Status)
}

// MaxContents is the most contents in the answer to ReadAs, in bytes.
const MaxContents = 64 << 10

// ContentsBody follows the output of the open in the answer to ReadAs. The file's bytes follow it if Whole is set.
type ContentsBody struct {
	CreationTime  int64 // units of 100 ns since 1601
	LastWriteTime int64
	EndOfFile     int64 // bytes
	FileID        uint64
	Directory     bool
	// Whole: all that is in the file follows, and its handle is closed.
	Whole bool
}

// Sizes in bytes of the head of a ReadAs and of a ContentsBody.
const (
	readAsSize   = 12
	contentsSize = 34
	outSize      = 16 // of the outputs of the open, or a little more
)

// AppendReadAs appends the head of a ReadAs, before its call. most is the size in bytes of the largest file whose
// contents the answer is to have.
func AppendReadAs(b []byte, token winnt.Handle, most uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(b, uint64(token)), most)
}

// decodeReadAs decodes the head of a ReadAs and returns the bytes of its call. Fewer bytes than the head are an
// error. call refers to b.
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

// decodeContents decodes a ContentsBody and returns the bytes after it. Too few bytes, and a flag other than 0 and 1,
// are errors. The result refers to b.
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

// DecodeContents decodes the answer to ReadAs after the head: the output of the open, which row describes, the facts,
// and the contents. data refers to b. A length that differs from EndOfFile is an error. An answer that is not whole
// must have no data.
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

// rowsOfReadAs returns the rows of the calls in a ReadAs.
var rowsOfReadAs = sync.OnceValue(func() (r struct{ impersonate, open, close *Row }) {
	rows := Rows()
	find := func(name string) *Row { return rows[nt.NtTable.Find(name).Info().Number] }
	r.impersonate, r.open, r.close = find("NtSetInformationThread"), find("NtCreateFile"), find("NtClose")
	return r
})

// readAs handles a ReadAs frame: it opens a file under a client's token and answers with the contents. Afterwards
// the thread has its previous context, even after a failure (G-30). If the answer has all contents, the handle is
// closed. Refusals are:
//   - a JSON connection, or a process that cannot read contents: STATUS_NOT_SUPPORTED, before the body is read
//   - an open that could change a file: STATUS_INVALID_PARAMETER
//
// A malformed body returns an error, which ends the connection.
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

// contents is the pool of buffers for contents.
var contents = sync.Pool{New: func() any { return new([MaxContents]byte) }}

// reads reports whether an open only reads: it neither creates, changes nor deletes a file.
func reads(in *nt.CreateFileIn) bool {
	return in.CreateDisposition == winnt.FILE_OPEN && in.CreateOptions&uint32(fileaccess.DeleteOnClose) == 0
}

// openAs opens and reads a file while impersonating a token, so audit records name the client. If the thread cannot
// impersonate the token, no file is opened (G-30). The contents go to room; whole reports that they fit. If the read
// fails, opened has the handle, and the caller closes it.
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
		return false // false: a later call could find the handle closed
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

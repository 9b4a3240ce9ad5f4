package wire

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ContentsReplacer is an optional interface of a Process whose server replaces a file's contents by another's.
type ContentsReplacer interface {
	// ReplaceContents replaces the contents of file by those of from. Both are handles of the thread's process.
	ReplaceContents(th *nt.Thread, file, from winnt.Handle) ntstatus.Status
}

// ReplaceContentsBody is the body of a ReplaceContents frame: the handle of the file to change, and of the file with
// the new contents.
type ReplaceContentsBody struct{ File, From uint64 }

var replaceContentsBody = valueOf[ReplaceContentsBody]()

// AppendReplaceContents appends the body of a ReplaceContents.
func AppendReplaceContents(b []byte, file, from winnt.Handle) []byte {
	return replaceContentsBody.append(inBinary, b, ReplaceContentsBody{uint64(file), uint64(from)})
}

// replaceContents handles a ReplaceContents frame: it replaces a file's contents by another's in one step. A started
// replacement completes even if the client disconnects (W-83). Only a malformed body is an error; a process without
// replacement answers STATUS_NOT_SUPPORTED.
func (w *worker) replaceContents(f *Frame) (a reply, err error) {
	b, err := replaceContentsBody.decode(w.s.form, f.Body)
	if err != nil {
		return a, err
	}
	by, ok := w.s.process.(ContentsReplacer)
	if !ok {
		return refusal(ntstatus.NotSupported), nil
	}
	return refusal(by.ReplaceContents(w.th, winnt.Handle(b.File), winnt.Handle(b.From))), nil
}

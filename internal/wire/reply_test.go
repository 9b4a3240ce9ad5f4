package wire

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A read, peek or transaction is cut to the data that an answer has room for, in both forms. A shorter one and another
// call stay the same (W-3).
func TestReadIsCutToOneFrame(t *testing.T) {
	const all = ^uint32(0)
	s := NewServer(nil, nil)
	for _, s.form = range []form{inBinary, inJSON} {
		read := s.shortened(nt.ReadFileIn{Length: all}).(nt.ReadFileIn)
		whole := reply{rest: check.Must(s.out(readRow(), nt.ReadFileOut{Buffer: make([]byte, read.Length)}))}
		n := len(s.answered(whole))
		check.That(t, n <= MaxBody && n > MaxBody-2*besideOutput, "form %d: an answer of %d bytes, want about %d", s.form,
			n, MaxBody)
		check.Equal(t, s.shortened(nt.ReadFileIn{Length: read.Length - 1}).(nt.ReadFileIn).Length, read.Length-1, "length")
		for code, want := range map[uint32]uint32{winnt.FSCTL_PIPE_PEEK: read.Length,
			winnt.FSCTL_PIPE_TRANSCEIVE: read.Length, winnt.FSCTL_PIPE_IMPERSONATE: all} {
			in := nt.FsControlFileIn{FsControlCode: code, OutputBufferLength: all}
			check.Equal(t, s.shortened(in).(nt.FsControlFileIn).OutputBufferLength, want, "length of the output")
		}
	}
}

func readRow() *Row { return Rows()[nt.NtTable.Find("NtReadFile").Info().Number] }

// Outputs that do not fit a frame are a status, and the longest that fits is sent (W-3).
func TestTooLongOutputIsStatus(t *testing.T) {
	s := NewServer(nil, nil)
	why := &WhyBody{Because: string(make([]byte, 2*besideOutput))}
	for _, head := range []AnswerHead{{}, {Status: ntstatus.BufferOverflow, Why: why}} {
		most := MaxBody - len(`,"Out":`) - len(s.answered(reply{head: head}))
		for n, want := range map[int]ntstatus.Status{most: head.Status, most + 1: ntstatus.InsufficientResources} {
			s.keep(nil)
			check.NoError(t, s.reply(nil, new(Frame), reply{head: head, rest: make([]byte, n)}))
			s.write.Lock()
			got, rest, err := DecodeAnswer(s.unsent[4+headSize:])
			check.That(t, err == nil && got.Status == want && (want != head.Status) == (len(rest)+len(s.apart) == 0),
				"%d bytes: %v, %v, %d bytes; want %v", n, err, got.Status, len(rest)+len(s.apart), want)
			s.unsent, s.apart = nil, nil
			s.write.Unlock()
		}
	}
}

package wire

import (
	"io"
	"net"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// The user is charged for large calls, waits, unread answers and operations while the connection holds them.
// +checklocksignore
func TestConnectionMemoryIsChargedToUser(t *testing.T) {
	block := quota.NewBlock(nil, 8<<20, false)
	ours, theirs := net.Pipe()
	s := NewServer(theirs, limited{block: block})
	uses := func(what string, want int64) {
		t.Helper()
		check.Equal(t, block.Used(), want, "%s: bytes charged", what)
	}
	const body = freeBytes + 1
	wait := &Frame{Kind: Wait, Request: 1, Body: make([]byte, body)}
	wait.paid = check.Result(s.chargeBody(body))
	uses("a large body", frameSize+body)
	st, err := s.admit(wait)
	check.RequireThat(t, st == ntstatus.Success && err == nil, "a wait: %v, %v, want it admitted", st, err)
	uses("a large wait", frameSize+body+waitSize)
	s.done(wait)
	uses("after the answer", 0)
	for n, want := range map[int]int64{freeBytes: 0, freeBytes + 1: freeBytes + 1} {
		paid := check.Must(s.chargeAnswers(n))
		uses("unread answers", want)
		paid.Return()
	}
	for range MaxWaits {
		check.Success(t, s.keeps(uint64(len(s.laters)), &later{l: new(nt.Later), cost: 1}))
	}
	check.Equal(t, s.keeps(MaxWaits, new(later)), ntstatus.InsufficientResources, "an operation too many")
	s.forgetLocked(0)
	uses("operations", (MaxWaits-1)*(laterSize+1))
	s.notifyAll()
	uses("after the disconnect", 0)
	go func() {
		_, _ = ours.Write(AppendFrame(nil, &Frame{Kind: Call, Thread: 9, Body: make([]byte, body)}))
		_, _ = io.Copy(io.Discard, ours)
	}()
	goesOn, err := s.one(s.newTimeSlice(func() {}))
	check.That(t, goesOn && err == nil, "a call of an unknown thread: %t, %v, want true and no error", goesOn, err)
	uses("a large call that was answered at once", 0)
	wait = &Frame{Kind: Wait, Request: 2, Body: make([]byte, body)}
	admits(t, s, "a wait", wait, ntstatus.Success)
	row := Rows()[nt.NtTable.Find("NtWaitForSingleObject").Info().Number]
	check.NoError(t, newWorker(s, new(nt.Thread)).late(wait, request{row: row}, nt.WaitForSingleObjectOut{}, 0))
	uses("after the late answer", 0)
	check.NoError(t, s.sendOut(nil, make([]byte, body), nil, 0))
	uses("answers that the client has read", 0)
	go func() {
		frame := AppendFrame(nil, &Frame{Kind: Call, Body: make([]byte, body)})
		_, _ = ours.Write(frame[:len(frame)-1])
		_ = ours.Close()
	}()
	check.That(t, check.Err(s.partial()) != nil, "an incomplete frame was read, want an error")
	uses("an incomplete frame", 0)
}

// A large output is charged while the head of its answer cannot be sent.
func TestOutputBehindItsHeadIsCharged(t *testing.T) {
	const output = freeBytes + 1
	block := quota.NewBlock(nil, 3*output, false)
	ours, theirs := net.Pipe()
	s, end := NewServer(theirs, limited{block: block}), make(chan error)
	go func() { end <- s.sendWith(nil, &Frame{Kind: Answer}, nil, make([]byte, output)) }()
	check.Eventually(t, func() bool { return block.Used() >= output }, "the output is not charged")
	check.NoError(t, ours.Close())
	check.That(t, <-end != nil, "the client has gone, want an error")
	check.Equal(t, block.Used(), 0, "bytes charged at the end")
}

// An answer behind one that the client does not read is charged once, and ends the connection if the user has no quota
// for it.
func TestAnswerBehindUnreadOneIsCharged(t *testing.T) {
	const body = freeBytes + 1
	const answer = 4 + headSize + body // with its length
	block := quota.NewBlock(nil, 2*answer+body, false)
	ours, theirs := net.Pipe()
	s := NewServer(theirs, limited{block: block})
	ends := make(chan error)
	send := func(atLeast int64) {
		t.Helper()
		go func() { ends <- s.send(&Frame{Kind: Call, Body: make([]byte, body)}) }()
		check.Eventually(t, func() bool { return block.Used() >= atLeast }, "fewer than %d bytes charged", atLeast)
	}
	send(answer)
	send(2*answer - 4) // the second one waits, without its length
	check.NoError(t, check.Err(io.ReadFull(ours, make([]byte, answer))))
	check.NoError(t, <-ends)
	check.Eventually(t, func() bool { return block.Used() == answer }, "the second answer is not charged once")
	send(2*answer - 4)
	check.ErrorIs(t, s.send(&Frame{Kind: Call, Body: make([]byte, body)}), ntstatus.QuotaExceeded.Err(),
		"an answer beyond the quota")
	check.That(t, <-ends != nil && <-ends != nil, "the answers under way were sent, want the end of the connection")
	check.Equal(t, block.Used(), int64(0), "bytes charged at the end")
}

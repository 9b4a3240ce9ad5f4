package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestWhatIsSentIsCaptured: a message stays as it was when it was sent, whatever its
// sender does with the buffer afterwards, through pipes and ports (O-4).
func TestWhatIsSentIsCaptured(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // who may make a name in the root
	s := th.Services()
	check := func(what string, got []byte, st ntstatus.Status, text string) {
		t.Helper()
		if st != ntstatus.Success || string(got) != text {
			t.Errorf("O-4: %s: %q, %v, want %q", what, got, st, text)
		}
	}
	send := func(text string, give func([]byte) ntstatus.Status) {
		t.Helper()
		b := []byte(text)
		want(t, "send "+text, give(b), ntstatus.Success)
		clear(b)
	}
	port, st := s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`))})
	want(t, "create", st, ntstatus.Success)
	var client nt.PortOut
	send("hello", func(b []byte) (st ntstatus.Status) {
		client, st = s.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`, ConnectionInformation: nt.Cap(b)})
		return st
	})
	came, st := s.NtListenPort(nt.ListenPortIn(port))
	check("a connection", came.Request, st, "hello")
	server, st := s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: port.PortHandle,
		ClientID: nt.Cap(&came.ClientID), MessageID: came.MessageID})
	want(t, "accept", st, ntstatus.Success)
	_, st = s.NtCompleteConnectPort(nt.CompleteConnectPortIn(server))
	want(t, "complete", st, ntstatus.Success)
	var sent nt.RequestWaitReplyPortOut
	send("request", func(b []byte) (st ntstatus.Status) {
		sent, st = s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle, Request: nt.Cap(b)})
		if st == ntstatus.Pending {
			st = ntstatus.Success
		}
		return st
	})
	got, st := s.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn(server))
	check("a request", got.Request, st, "request")
	send("reply", func(b []byte) ntstatus.Status {
		_, st := s.NtReplyPort(nt.ReplyPortIn{PortHandle: server.PortHandle, ClientID: nt.Cap(&got.ClientID),
			MessageID: got.MessageID, Reply: nt.Cap(b)})
		return st
	})
	answer, st := s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle,
		MessageID: sent.MessageID})
	check("a reply", answer.Reply, st, "reply")

	pipe, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\q`))})
	want(t, "create", st, ntstatus.Success)
	end, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\q`), 3, 0)
	want(t, "open", st, ntstatus.Success)
	send("bytes", func(b []byte) ntstatus.Status { _, st := th.NtWriteFile(end, b); return st })
	read, st := th.NtReadFile(pipe, 100)
	check("a pipe's message", read, st, "bytes")
}

package npfs

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// number returns the FILE_PIPE_*_STATE number of a state. A state without one counts as disconnected.
func (s State) number() uint32 {
	switch s {
	case Listening:
		return winnt.FILE_PIPE_LISTENING_STATE
	case Connected:
		return winnt.FILE_PIPE_CONNECTED_STATE
	case Closing:
		return winnt.FILE_PIPE_CLOSING_STATE
	}
	return winnt.FILE_PIPE_DISCONNECTED_STATE
}

// Modes returns the read mode and the completion mode of the end. Both are 0 for the defaults, byte mode and
// blocking.
func (e *End) Modes() (i nt.PipeInformation) {
	if e.byMessages() {
		i.ReadMode = winnt.FILE_PIPE_MESSAGE_TYPE
	}
	if e.complete.Load() {
		i.CompletionMode = winnt.FILE_PIPE_COMPLETE_OPERATION
	}
	return i
}

// SetModes sets the read mode and the completion mode of this end. Waiting operations keep waiting (I-158). Errors:
// STATUS_INVALID_PARAMETER for an unknown mode, or message mode on a byte pipe; STATUS_PIPE_DISCONNECTED for a
// disconnected client.
func (e *End) SetModes(i nt.PipeInformation) ntstatus.Status {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	switch {
	case i.ReadMode > winnt.FILE_PIPE_MESSAGE_TYPE, i.CompletionMode > winnt.FILE_PIPE_COMPLETE_OPERATION,
		i.ReadMode == winnt.FILE_PIPE_MESSAGE_TYPE && !e.instance.pipe.cfg.Message:
		return ntstatus.InvalidParameter
	case e.detachedLocked():
		return ntstatus.PipeDisconnected
	}
	e.messages.Store(i.ReadMode == winnt.FILE_PIPE_MESSAGE_TYPE)
	e.complete.Store(i.CompletionMode == winnt.FILE_PIPE_COMPLETE_OPERATION)
	return ntstatus.Success
}

// Standard returns the sizes of the pipe: the sum of its quotas, and the bytes that this end can read. A pipe is
// deleted with its last handle (I-159).
func (e *End) Standard() nt.FileStandard {
	q := &e.instance.queues
	return nt.FileStandard{AllocationSize: int64(q[toServer].quota) + int64(q[toClient].quota),
		EndOfFile: int64(e.Local().ReadDataAvailable), NumberOfLinks: 1, DeletePending: true}
}

// Unnamed reports whether this is the server's end of a pipe without a name. It is false for a client's end.
func (e *End) Unnamed() bool { return e.isServer && e.instance.pipe.key == "" }

// Local returns the pipe's parameters and the numbers of bytes that this end can read and write now. Both are 0 for a
// disconnected client.
func (e *End) Local() nt.PipeLocalInformation {
	in, p := e.instance, e.instance.pipe
	i := nt.PipeLocalInformation{
		NamedPipeConfiguration: p.cfg.configuration(),
		MaximumInstances:       uint32(p.cfg.Instances), CurrentInstances: p.count(),
		InboundQuota: uint32(p.cfg.Inbound), OutboundQuota: uint32(p.cfg.Outbound),
	}
	if p.cfg.Message {
		i.NamedPipeType = winnt.FILE_PIPE_MESSAGE_TYPE
	}
	if i.MaximumInstances == MaxInstances {
		i.MaximumInstances = winnt.FILE_PIPE_UNLIMITED_INSTANCES
	}
	if e.isServer {
		i.NamedPipeEnd = 1
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	i.NamedPipeState = in.state.number()
	if !e.detachedLocked() {
		i.ReadDataAvailable = uint32(e.inbox().bytes)
		i.WriteQuotaAvailable = uint32(max(0, e.outbox().quota-e.outbox().bytes))
	}
	return i
}

// quotaOf returns the size in bytes of a queue whose creator requested n: n, or DefaultQuota for 0.
func quotaOf(n int) int {
	if n == 0 {
		return DefaultQuota
	}
	return n
}

// configuration returns the direction of the pipe as FILE_PIPE_INBOUND, OUTBOUND or FULL_DUPLEX, from the share access
// of its first instance (T-132). A share of both directions, or of neither, is a duplex pipe.
func (c *Config) configuration() uint32 {
	switch c.Share & (winnt.FILE_SHARE_READ | winnt.FILE_SHARE_WRITE) {
	case winnt.FILE_SHARE_WRITE:
		return winnt.FILE_PIPE_INBOUND
	case winnt.FILE_SHARE_READ:
		return winnt.FILE_PIPE_OUTBOUND
	}
	return winnt.FILE_PIPE_FULL_DUPLEX
}

// Closed reports whether a client with these rights would read or write against the pipe's direction (T-142).
func (e *End) Closed(granted winnt.AccessMask) bool {
	switch e.instance.pipe.cfg.configuration() {
	case winnt.FILE_PIPE_INBOUND:
		return granted&winnt.FILE_READ_DATA != 0
	case winnt.FILE_PIPE_OUTBOUND:
		return granted&winnt.FILE_WRITE_DATA != 0
	}
	return false
}

// count returns the number of instances.
func (p *pipe) count() uint32 {
	p.fs.mu.Lock()
	defer p.fs.mu.Unlock()
	return uint32(len(p.instances))
}

// Peek returns up to n of the bytes that this end can read, and leaves them in the pipe. On a message pipe it returns
// only the first message, with STATUS_BUFFER_OVERFLOW if that is longer than n. Errors: STATUS_PIPE_DISCONNECTED for a
// disconnected client, STATUS_INVALID_PIPE_STATE without a connection, STATUS_PIPE_BROKEN if the other end is closed
// and all data was read. An empty pipe gives no data and success. On a byte pipe it joins the data of several writes.
func (e *End) Peek(n int) (b nt.PipePeekBuffer, st ntstatus.Status) {
	in := e.instance
	in.mu.Lock()
	defer in.mu.Unlock()
	box := e.inbox()
	switch {
	case e.detachedLocked():
		// A client that the server disconnected cannot peek (I-132).
		return b, ntstatus.PipeDisconnected
	case in.state == Closing && len(box.messages) == 0:
		// The other end has closed and all its data was read.
		return b, ntstatus.PipeBroken
	case in.state == Listening, in.state == Disconnected:
		return b, ntstatus.InvalidPipeState
	}
	b.NamedPipeState, b.ReadDataAvailable = in.state.number(), uint32(box.bytes)
	message := in.pipe.cfg.Message
	if message {
		b.NumberOfMessages = uint32(len(box.messages))
	}
	for i := range box.messages {
		data := box.messages[i].data
		b.Data = append(b.Data, data[:min(len(data), n-len(b.Data))]...)
		if message {
			b.MessageLength = uint32(len(data))
			break
		}
	}
	if int(b.MessageLength) > len(b.Data) {
		// The data that does not fit stays in the pipe, like the rest (I-132).
		return b, ntstatus.BufferOverflow
	}
	return b, ntstatus.Success
}

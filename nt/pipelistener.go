package nt

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// pipeDevice begins the names of pipes.
const pipeDevice = `\??\pipe\`

// The rights that the ends of a connection are opened for. A client does not ask for the right to serve the pipe, which
// GENERIC_WRITE includes (I-164).
const (
	serverRights = winnt.GENERIC_READ | winnt.GENERIC_WRITE
	clientRights = winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_WRITE&^winnt.FILE_CREATE_PIPE_INSTANCE
)

// PipeConfig configures the pipe of a listener. The zero value is a byte pipe
// with the default descriptor of the listening thread's token. Whoever has
// FILE_CREATE_PIPE_INSTANCE on SecurityDescriptor can serve the pipe's clients too,
// and FILE_GENERIC_WRITE includes it: grant clients 0x12019b.
type PipeConfig struct {
	Message            bool // every Write is one message, and a Read never crosses its end
	Instances          int  // connections at once; 0: as many as a pipe can have
	SecurityDescriptor *sd.Descriptor
}

// PipeListener accepts the clients of a named pipe. It is a net.Listener and may be
// used from any goroutine. Do not use the zero value: [Thread.ListenPipe] returns a
// PipeListener.
type PipeListener struct {
	name string
	cfg  PipeConfig
	w    *worker

	mu sync.Mutex
	// +checklocks:mu
	next   winnt.Handle // guarded by mu: the instance that waits for a client
	closed chan struct{}
	once   sync.Once

	open  atomic.Int32  // accepted connections that are not closed
	freed chan struct{} // one of them was closed: room for one value
}

// ListenPipe creates the named pipe and returns its listener; it does not wait for
// a client. The name has
// no prefix: "orders" is \??\pipe\orders. ListenPipe creates the pipe in this
// thread's context. The listener uses separate threads in the same process. The
// error wraps the status of NtCreateNamedPipeFile, or of creating such a
// thread. Use errors.Is to test it. A pipe that exists is STATUS_ACCESS_DENIED. It
// exists while a server has an instance, or a client still has its end.
func (t *Thread) ListenPipe(name string, cfg PipeConfig) (*PipeListener, error) {
	w, err := t.worker()
	if err != nil {
		return nil, fmt.Errorf("listen on pipe %s: %w", name, err)
	}
	l := &PipeListener{name: name, cfg: cfg, w: w, closed: make(chan struct{}), freed: make(chan struct{}, 1)}
	var st ntstatus.Status
	first := l.instance()
	first.CreateDisposition = winnt.FILE_CREATE // Otherwise it could join a pipe of another user. I-164
	if l.next, st = t.NtCreateNamedPipeFile(first); !st.IsSuccess() {
		w.end()
		return nil, fmt.Errorf("listen on pipe %s: %w", name, st.Err())
	}
	return l, nil
}

// instance returns the parameters with which NtCreateNamedPipeFile creates an instance of the listener's pipe.
func (l *PipeListener) instance() CreateNamedPipeFileIn {
	in := CreateNamedPipeFileIn{
		DesiredAccess: serverRights,
		ObjectAttributes: Cap(
			&ObjectAttributes{ObjectName: pipeDevice + l.name, SecurityDescriptor: l.cfg.SecurityDescriptor},
		),
		MaximumInstances: uint32(l.cfg.Instances),
		ReadMode:         winnt.FILE_PIPE_MESSAGE_TYPE,
	}
	if l.cfg.Message {
		in.NamedPipeType = winnt.FILE_PIPE_MESSAGE_TYPE
	}
	return in
}

// Accept waits for the next client. It implements net.Listener. AcceptPipe
// returns the type that can impersonate, and describes the errors.
func (l *PipeListener) Accept() (net.Conn, error) {
	c, err := l.AcceptPipe()
	if err != nil {
		return nil, err // a nil *PipeConn in a net.Conn would not be nil
	}
	return c, nil
}

// AcceptPipe waits for the next client. At the limit of instances it first waits until an accepted connection is
// closed; without one the error is STATUS_INSTANCE_NOT_AVAILABLE. The error is a [*net.OpError]. It wraps net.ErrClosed
// if the listener is closed, and otherwise the status of the service that failed. The listener stays usable after an
// error of a service. Calls wait for each other.
func (l *PipeListener) AcceptPipe() (*PipeConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		select {
		case <-l.closed:
			return nil, l.fail(net.ErrClosed)
		default:
		}
		if l.next == 0 { // the last accept left none behind
			open := l.open.Load() // before make, so that no close is missed
			next, st := l.make()
			l.next = next
			switch {
			case st == ntstatus.InstanceNotAvailable && open > 0:
				// Otherwise clients that stay could end the loop of a server.
				select {
				case <-l.freed:
				case <-l.closed:
				}
				continue
			case !st.IsSuccess():
				return nil, l.fail(st.Err())
			}
		}
		next := l.next
		changed, st := l.w.try(Wait{next, ntstatus.PipeListening, l.closed, nil}, func(t *Thread) ntstatus.Status {
			return t.NtFsControlFile(next, winnt.FSCTL_PIPE_LISTEN)
		})
		if st == ntstatus.Cancelled {
			continue
		}
		if st != ntstatus.PipeListening {
			return l.accepted(st)
		}
		select {
		case <-changed:
		case <-l.closed:
		}
	}
}

// make creates one more instance of the pipe. The handle is 0 if that fails.
func (l *PipeListener) make() (h winnt.Handle, st ntstatus.Status) {
	l.w.do(func(t *Thread) { h, st = t.NtCreateNamedPipeFile(l.instance()) })
	if !st.IsSuccess() {
		h = 0
	}
	return h, st
}

// accepted returns the connection of the next instance, and creates a new instance for another client. At the limit
// of instances, a later Accept creates the new instance. If st means that no client connected, or no thread can be
// created, the instance is closed and an error returned.
//
// +checklocks:l.mu
func (l *PipeListener) accepted(st ntstatus.Status) (*PipeConn, error) {
	h := l.next
	l.next = 0
	if st != ntstatus.PipeConnected && st != ntstatus.PipeClosing {
		l.w.do(func(t *Thread) { t.NtClose(h) })
		return nil, l.fail(st.Err())
	}
	l.next, _ = l.make()
	w, err := l.w.fork()
	if err != nil {
		l.w.do(func(t *Thread) { t.NtClose(h) })
		return nil, l.fail(err)
	}
	c := newPipeConn(w, l.name, h, l.cfg.Message)
	l.open.Add(1)
	c.after = func() {
		l.open.Add(-1)
		select {
		case l.freed <- struct{}{}:
		default: // nobody has looked yet
		}
	}
	return c, nil
}

// fail wraps an error in a *net.OpError with the pipe's address.
func (l *PipeListener) fail(err error) error {
	return &net.OpError{Op: "accept", Net: "pipe", Addr: l.Addr(), Err: err}
}

// Close ends the listener. Accepted connections continue. It always returns nil.
func (l *PipeListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		if h := l.next; h != 0 {
			l.next = 0
			l.w.do(func(t *Thread) { t.NtClose(h) })
		}
		l.w.end()
	})
	return nil
}

// Addr returns the pipe's name.
func (l *PipeListener) Addr() net.Addr { return pipeAddr(l.name) }

// pipeAddr is the name of a pipe below the pipe device. It implements net.Addr.
type pipeAddr string

// Network returns "pipe".
func (pipeAddr) Network() string { return "pipe" }

// String returns the pipe's full name in the kernel.
func (a pipeAddr) String() string { return pipeDevice + string(a) }

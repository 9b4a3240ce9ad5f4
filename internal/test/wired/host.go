package wired

import (
	"net"
	"os"
	"sync"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Host serves programs of a test as processes of a kernel. They can start programs in
// processes that they make.
type Host struct {
	System  *kernel.System
	Profile nt.Profile

	serving sync.WaitGroup // those that programs started
}

// Serve serves a connection as a process, which it closes at the end.
func (h *Host) Serve(conn net.Conn, p *kernel.Process) error {
	defer p.Close()
	s := wire.NewServer(conn, &guest{Process: p, host: h})
	// A process that is ended has no connection any more (W-76).
	p.Object().AtExit(s.Stop)
	return s.Serve()
}

// Wait waits until the programs that programs started are gone.
func (h *Host) Wait() { h.serving.Wait() }

// guest is the process of a program. It implements [wire.Process].
type guest struct {
	*kernel.Process
	host  *Host
	begun bool // there is a first thread
}

// Profile returns the conformance profile of the host.
func (g *guest) Profile() nt.Profile { return g.host.Profile }

// GiveBack ends the thread.
func (g *guest) GiveBack(th *nt.Thread) { th.Close() }

// NewThread returns the thread that was created with the process at the first call, and a new thread afterwards.
func (g *guest) NewThread() (*nt.Thread, error) {
	if first := g.FirstThread(); first != nil && !g.begun {
		g.begun = true
		return first, nil
	}
	return g.Process.NewThread()
}

// HandOut implements [wire.DescriptorPasser].
func (g *guest) HandOut(th *nt.Thread, file winnt.Handle) (*os.File, ntstatus.Status) {
	out, st := g.host.System.HandOut(th, file, uint32(os.Getuid()))
	return out.File, st
}

// Attach implements [wire.Attacher].
func (g *guest) Attach(th *nt.Thread, h winnt.Handle, _ string) (*os.File, ntstatus.Status) {
	own := g.Object().Token().User().SID
	p, st := g.host.System.TakeOver(th, h, func(t *token.Token) ntstatus.Status {
		if t.User().SID != own {
			return ntstatus.PrivilegeNotHeld
		}
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return nil, st
	}
	conn, theirs, err := wire.Pair("program")
	if err != nil {
		p.Close()
		return nil, ntstatus.InsufficientResources
	}
	g.host.serving.Go(func() { _ = g.host.Serve(conn, p) }) // it ends as its program does
	return theirs, ntstatus.Success
}

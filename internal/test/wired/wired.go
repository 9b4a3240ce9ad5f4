// Package wired sends the calls of a program's threads over connections to the kernel in the same process. Tests use
// it to check that both ways give the same results.
package wired

import (
	"fmt"
	"net"
	"sync"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// A Client is the client's side of a connection.
type Client interface {
	Thread() *nt.Thread
	NewThread() (*nt.Thread, error)
	Err() error
	Close() error
}

// Connections has one connection a process. The zero value has none yet. It is
// used by one goroutine at a time.
type Connections struct {
	// Dial makes the client of a stream; nil: that of package client.
	Dial func(net.Conn) (Client, error)
	// Stream makes the two ends of a stream, the client's first; nil: net.Pipe.
	Stream func() (ours, theirs net.Conn, err error)

	of      map[*kernel.Process]*connection
	serving sync.WaitGroup
	ended   chan error
}

type connection struct {
	conn    Client
	process *process
}

// Attach returns a thread on a connection. The kernel's thread th makes its calls. The first call for a process
// creates its connection, and later calls create further threads on it.
func (c *Connections) Attach(p *kernel.Process, th *nt.Thread) (*nt.Thread, error) {
	if k := c.of[p]; k != nil {
		k.process.next <- th
		return k.conn.NewThread()
	}
	if c.of == nil {
		c.of, c.ended = map[*kernel.Process]*connection{}, make(chan error, 1<<16)
	}
	ours, theirs := net.Pipe()
	if c.Stream != nil {
		var err error
		if ours, theirs, err = c.Stream(); err != nil {
			return nil, err
		}
	}
	served := &process{p, th.Profile(), make(chan *nt.Thread, 1)}
	served.next <- th
	c.serving.Go(func() { c.ended <- wire.Serve(theirs, served) })
	dial := c.Dial
	if dial == nil {
		dial = func(s net.Conn) (Client, error) { return client.New(s) }
	}
	conn, err := dial(ours)
	if err != nil {
		return nil, err
	}
	c.of[p] = &connection{conn, served}
	return conn.Thread(), nil
}

// Close closes the connections and returns the first error.
func (c *Connections) Close() (fault error) {
	for p, k := range c.of {
		if err := k.conn.Err(); err != nil && fault == nil {
			fault = fmt.Errorf("connection of %s: %w", p.Name(), err)
		}
		_ = k.conn.Close()
	}
	c.serving.Wait()
	for range c.of {
		if err := <-c.ended; err != nil && fault == nil {
			fault = err
		}
	}
	c.of = nil
	return fault
}

// process hands threads that the program made to the server. The program, not
// the connection, ends the process and its threads.
type process struct {
	p       *kernel.Process
	profile nt.Profile
	next    chan *nt.Thread
}

// ID returns the id of the process in the kernel.
func (p *process) ID() winnt.Handle { return p.p.ID() }

// Profile returns the conformance profile of the connection.
func (p *process) Profile() nt.Profile { return p.profile }

// NewThread blocks until the test passes a thread and returns it. It never fails.
func (p *process) NewThread() (*nt.Thread, error) { return <-p.next, nil }

// Exit does nothing, because the test ends the process.
func (p *process) Exit() {}

// GiveBack does nothing, because the test ends its threads.
func (p *process) GiveBack(*nt.Thread) {}

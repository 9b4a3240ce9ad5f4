package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
)

// Look asks the daemon about its clients, with the rights of the first thread of the process. Question and answer
// have the form of server/daemon. The error is the status of a refusal, or that of a lost connection.
func (c *Conn) Look(question []byte) ([]byte, error) { return c.LookAs(c.first, question) }

// LookAs works like Look with the rights of another thread of the process, or of the client that it impersonates. A
// thread of another connection is an error. Without an answer the bytes are nil.
func (c *Conn) LookAs(th *nt.Thread, question []byte) ([]byte, error) {
	t, err := c.own(th)
	if err != nil {
		return nil, err
	}
	head, rest, err := c.ask(&wire.Frame{Kind: wire.Inspect, Thread: t.number, Body: question})
	if err != nil {
		return nil, err
	}
	return rest, head.Status.Err()
}

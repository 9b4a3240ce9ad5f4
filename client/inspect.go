package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
)

// Inspect asks the daemon about its clients, with the rights of the first thread of the process. Question and answer
// have the form of server/daemon. The error is the status of a refusal, or that of a lost connection.
func (c *Conn) Inspect(question []byte) ([]byte, error) { return c.InspectAs(c.first, question) }

// InspectAs works like Inspect with the rights of another thread of the process, or of the client that it impersonates.
// A thread of another connection is an error. Without an answer the bytes are nil.
func (c *Conn) InspectAs(th *nt.Thread, question []byte) ([]byte, error) {
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

package client

import (
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
)

// Look asks the daemon what its clients do, as the first thread of the process may;
// question and answer are those of server/daemon. The error is the status of a
// refusal.
func (c *Conn) Look(question []byte) ([]byte, error) { return c.LookAs(c.first, question) }

// LookAs asks as another thread of the process may, with the token of its client where it
// impersonates.
func (c *Conn) LookAs(th *nt.Thread, question []byte) ([]byte, error) {
	t, err := c.own(th)
	if err != nil {
		return nil, err
	}
	head, rest, err := c.ask(&wire.Frame{Kind: wire.Look, Thread: t.number, Body: question})
	if err != nil {
		return nil, err
	}
	return rest, head.Status.Err()
}

package client

import "github.com/refmon/refmon/internal/wire"

// Look asks the daemon what its clients do, as the first thread of the process may;
// question and answer are those of server/daemon. The error is the status of a
// refusal.
func (c *Conn) Look(question []byte) ([]byte, error) {
	head, rest, err := c.ask(&wire.Frame{Kind: wire.Look, Thread: 1, Body: question})
	if err != nil {
		return nil, err
	}
	return rest, head.Status.Err()
}

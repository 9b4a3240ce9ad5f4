package client

import (
	"fmt"

	"github.com/refmon/refmon/internal/wire"
)

// MaxRequest is the maximum size of a request of [Conn.Administer], in bytes.
const MaxRequest = wire.MaxBody

// Administer sends a request about the daemon's accounts and returns the answer, both in the form of
// server/lsa/admin. The process's token decides what is allowed. It blocks until the daemon answers. A request over
// [MaxRequest] bytes is not sent. The error is the status of a refusal, or of a daemon without accounts, or that of a
// lost connection.
func (c *Conn) Administer(request []byte) ([]byte, error) {
	if len(request) > MaxRequest {
		return nil, fmt.Errorf("a request of %d bytes: at most %d", len(request), MaxRequest)
	}
	head, rest, err := c.ask(&wire.Frame{Kind: wire.Administer, Body: request})
	if err != nil {
		return nil, err
	}
	return rest, head.Status.Err()
}

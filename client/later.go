package client

import (
	"fmt"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// askLater asks with a call that may end later. Its end comes before anything that
// follows from it, and before the answer where it has ended by then.
func (c *Conn) askLater(f *wire.Frame, ended func(nt.IOResult)) (head wire.AnswerHead, rest []byte, err error) {
	head, rest, files, err := c.askFor(f, ended, nil, nil)
	if len(files) > 0 {
		closeAll(files)
		err = c.lose(fmt.Errorf("%w: descriptors that were not asked for", wire.ErrFrame))
	}
	if err == nil && head.Status != ntstatus.Pending {
		c.mu.Lock()
		delete(c.ends, f.Request) // one that failed has told all by its status
		c.mu.Unlock()
	}
	return head, rest, err
}

// ended tells of the end of an operation, by the reader: what the daemon sends
// afterwards is seen afterwards.
func (c *Conn) ended(f *wire.Frame) error {
	c.mu.Lock()
	tell := c.ends[f.Request]
	delete(c.ends, f.Request)
	c.mu.Unlock()
	b, err := wire.DecodeEnded(f.Body)
	switch {
	case err != nil:
		return err
	case tell == nil:
		return fmt.Errorf("%w: the end of request %d, which has none", wire.ErrFrame, f.Request)
	}
	tell(nt.IOResult{Status: b.Status, Data: b.Data, Information: b.Information})
	return nil
}

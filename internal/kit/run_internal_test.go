package kit

import (
	"errors"
	"io"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// closer counts its calls of Close and returns err.
type closer struct {
	closed int
	err    error
}

func (c *closer) Close() error {
	c.closed++
	return c.err
}

// TestShutClosesEveryEnd checks that an end that cannot be closed does not keep the next ones open.
func TestShutClosesEveryEnd(t *testing.T) {
	failing, last := &closer{err: errors.New("already closed")}, &closer{}
	shut([]io.Closer{failing, last}...)
	check.Equal(t, [2]int{failing.closed, last.closed}, [2]int{1, 1}, "calls of Close")
}

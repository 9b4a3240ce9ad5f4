package kit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

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

// TestSilenceBeginsWithEachAnswer checks that a long run of an adapter that answers in time goes on.
func TestSilenceBeginsWithEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		in, out := io.Pipe()
		go func() {
			for _, id := range "abc" {
				time.Sleep(time.Minute)
				fmt.Fprintf(out, "{\"id\":\"%c\",\"unsupported\":\"x\"}\n", id)
			}
		}()
		j := NewJudge([]*Question{{ID: "a"}, {ID: "b"}, {ID: "c"}}, 1)
		check.NoError(t, listen(ctx, cancel, j, in, time.Minute+time.Second, func() { _ = out.Close() }))
		check.Equal(t, j.Total().Unsupported, 3, "answers")
	})
}

package feed

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/token"
)

// TestRefusedClientTakesNoWatch checks that a rejected client gets the reason before it sends anything, and takes no
// slot while it stays connected, so that an allowed client can watch (N-139).
func TestRefusedClientTakesNoWatch(t *testing.T) {
	const refused = 2 * maxWatches
	calls := atomic.Int32{}
	x := serve(t, &Server{May: func(*net.UnixConn) (*token.Token, error) {
		if calls.Add(1) <= refused {
			return nil, errors.New("not you")
		}
		return token.New(token.LocalSystem())
	}})
	for range refused {
		c, err := net.Dial("unix", x.socket)
		check.NoError(t, err)
		defer c.Close()
		_, err = readAnswer(bufio.NewReader(c))
		check.Equal(t, fmt.Sprint(err), "watch: not you", "N-139: the answer to a silent client")
	}
	_, end := x.follow(Follower{Socket: x.socket, Root: x.tree})
	check.Eventually(t, func() bool { return x.watching() == 1 }, "N-139: the allowed client does not watch")
	check.NoError(t, end())
}

// TestDecisionsAreLimitedPerUser checks the limits of clients about whom the server decides: 16 of a user, and 64
// users besides the superuser and its own (N-139).
func TestDecisionsAreLimitedPerUser(t *testing.T) {
	s, own := &Server{}, uint32(os.Geteuid())
	s.begin()
	for range 16 {
		check.NoError(t, s.ask(1001))
	}
	check.ErrorIs(t, s.ask(1001), errBusy, "N-139: a 17th client of a user")
	for uid := range uint32(63) {
		check.NoError(t, s.ask(2000+uid))
	}
	check.ErrorIs(t, s.ask(3000), errBusy, "N-139: a 65th user")
	check.NoError(t, errors.Join(s.ask(2000), s.ask(0), s.ask(own)))
	s.answered(2001)
	check.ErrorIs(t, s.ask(3000), errBusy, "N-139: the superuser has taken the place of a user")
	s.answered(0)
	s.answered(own)
	check.NoError(t, s.ask(3000))
	for range 16 {
		s.answered(1001)
	}
	check.NoError(t, s.ask(1001))
}

package main

import (
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/queries"
)

// serving has the flags of a run that answers queries.
type serving struct {
	Socket string   `help:"Answer queries of this host's users on this Unix socket, too." placeholder:"PATH"`
	Ask    []string `help:"A user of this host who may ask about everybody, by name or uid." placeholder:"USER"`
}

// uids returns the users who may ask about everybody: the uid of each user in Ask, given by name or number; nil if
// there are none. A name that the host does not have is an error.
func (s *serving) uids() (out []uint32, err error) {
	for _, name := range s.Ask {
		text := name
		if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			u, err := user.Lookup(name)
			if err != nil {
				return nil, fmt.Errorf("--ask: %w", err)
			}
			text = u.Uid
		}
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--ask %s: %w", name, err)
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

// serve returns a function for [index.Config].Query that starts the query servers. One server listens in the folder
// state; its error goes to warn and does not stop the run. With --socket another server listens there; its error ends
// the run. The function returns another function that closes the servers.
func (s *serving) serve(state string, uids []uint32, warn func(error)) func(*index.Index) (func(), error) {
	return func(x *index.Index) (func(), error) {
		var open []*queries.Server
		end := func() {
			for _, s := range open {
				if err := s.Close(); err != nil {
					warn(err)
				}
			}
		}
		for _, c := range []queries.Config{{Socket: filepath.Join(state, queries.SocketName), Private: true},
			{Socket: s.Socket}} {
			if c.Socket == "" {
				continue
			}
			c.Index, c.Ask, c.Warn = x, uids, warn
			server, err := queries.Listen(c)
			switch {
			case err == nil:
				open = append(open, server)
			case c.Private:
				warn(err)
			default:
				end()
				return nil, err
			}
		}
		return end, nil
	}
}

var (
	errServed = errors.New("--socket and --ask: not with --nats")
	errAsk    = errors.New("--ask needs --socket: other users cannot reach the socket in the state folder")
)

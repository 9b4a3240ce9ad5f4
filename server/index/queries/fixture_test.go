package queries

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index"
)

// SIDs and uids of the people of a run. bob and bert share a uid.
const (
	alice                         = "S-1-5-21-1-2-3-1107"
	aliceUID, bobUID, strangerUID = 70001, 70002, 70009
)

const people = `users:
- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 70001, memberOf: [staff]}
- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 70002}
- {name: bert, sid: S-1-5-21-1-2-3-1109, uid: 70002}
- {name: nobody, sid: S-1-5-21-1-2-3-1110, uid: 65534}
groups:
- {name: staff, sid: S-1-5-21-1-2-3-2001}
`

// served is a run with a server whose peers have the uid that the test sets.
type served struct {
	*testing.T
	*Server
	tree, state string
	list        string        // the directory file
	uid         atomic.Uint32 // of the next connection
	peerErr     atomic.Bool   // errInjected instead of a uid
}

// newServed starts a run over a tree with the files open, which everyone may read, and own, which only its owner may.
func newServed(t *testing.T, change func(*Config)) *served {
	t.Helper()
	s := &served{T: t, tree: t.TempDir(), state: filepath.Join(t.TempDir(), "state")}
	s.uid.Store(aliceUID)
	s.list = filepath.Join(t.TempDir(), "people.yaml")
	err := errors.Join(os.WriteFile(s.list, []byte(people), 0o600), os.Chmod(s.tree, 0o755))
	for name, mode := range map[string]os.FileMode{"open": 0o644, "own": 0o600} {
		at := filepath.Join(s.tree, name)
		err = errors.Join(err, os.WriteFile(at, nil, mode), os.Chmod(at, mode))
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- index.Run(ctx, index.Config{Trees: []string{s.tree}, Directory: s.list, Rights: "read", State: s.state,
			NoEvents: true, Every: 20 * time.Millisecond, Beat: 10 * time.Millisecond, Ready: func() { close(ready) },
			Query: func(x *index.Index) (func(), error) {
				c := Config{Index: x, Socket: filepath.Join(s.state, SocketName), peer: s.peer}
				if change != nil {
					change(&c)
				}
				var err error
				s.Server, err = Listen(c)
				return func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}, err
			}})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

var errInjected = errors.New("injected")

func (s *served) peer(*net.UnixConn) (uint32, error) {
	if s.peerErr.Load() {
		return 0, errInjected
	}
	return s.uid.Load(), nil
}

// dial returns a client whose connections have a uid.
func (s *served) dial(uid uint32) *Client {
	s.Helper()
	s.uid.Store(uid)
	c, err := Dial(s.state)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	return c
}

package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Tree is the configuration of a tree. A client must use the same, so that both decide access
// alike.
type Tree struct {
	Options  tree.Options
	Share    string // SDDL; "": none
	Traverse string // never, privilege or always; with "" every Follower is rejected
}

// Server sends trees to clients. Trees and May are required; its fields are immutable. The zero value rejects every
// client. Close it after use.
type Server struct {
	Trees map[string]Tree // by path
	// May returns the token of a client that may watch, otherwise the reason why it may not. A nil May rejects every
	// client.
	May func(c *net.UnixConn) (*token.Token, error)
	// Quota returns the uid whose limits a uid counts against; nil: its own.
	Quota func(uid uint32) uint32
	Log   *slog.Logger // nil: none

	once sync.Once
	ctx  context.Context    // immutable after once
	stop context.CancelFunc // immutable after once
	all  sync.WaitGroup

	mu sync.Mutex
	// +checklocks:mu
	watches map[*net.UnixConn]*token.Token // guarded by mu: the tokens of the clients
	// revocations counts the calls of Revoke, so that a decision about a client notices one.
	// +checklocks:mu
	revocations uint64
	// pending counts the connections that May decides about, by the uid that they count against; without zeros.
	// +checklocks:mu
	pending map[uint32]int // guarded by mu
}

// Limits of a server.
const (
	maxWatches  = 16 // concurrent watches: each has a kernel queue and walks its tree
	mostAsked   = 16 // connections of one uid that May decides about at a time
	mostAsking  = 64 // uids of such connections; root and the server's own user do not count
	maxQuestion = 64 << 10
	maxIDs      = 4000                  // uids and gids of a question; 4,000 of ten digits fit into maxQuestion
	quickest    = 10 * time.Millisecond // shortest interval of heartbeats that a client gets
	patience    = 10 * time.Second      // timeout of an accepted client's line
)

// begin creates the context that ends all watches when the server closes, at the first call only.
func (s *Server) begin() {
	s.once.Do(func() { s.ctx, s.stop = context.WithCancel(context.Background()) })
}

// acceptPause is the wait after accept failed, usually for lack of descriptors.
const acceptPause = 100 * time.Millisecond

// Serve accepts clients and blocks until the listener or the server is closed, and then returns nil. After any other
// error of accept it continues after a pause. It serves at most 16 watches, over all listeners, and tells further
// clients to try again. A client whom May refuses takes no watch from another (N-139). Serve does not close l, and does
// not wait for connected clients; see [Server.Close].
func (s *Server) Serve(l *net.UnixListener) error {
	s.begin()
	for {
		c, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			// Try again: a lack of descriptors or memory is temporary.
			if s.Log != nil {
				s.Log.Error("cannot accept connections", "error", err)
			}
			select {
			case <-s.ctx.Done():
				return nil
			case <-time.After(acceptPause):
			}
			continue
		}
		uid, err := unix.UID(c)
		if err != nil {
			_ = c.Close() // the uid cannot be read, because the client has disconnected
			continue
		}
		payer := s.payer(uid)
		err = s.ask(payer)
		if err != nil {
			s.refuse(c, uid, err)
			continue
		}
		go func() {
			defer s.all.Done()
			s.decide(c, uid, payer)
		}()
	}
}

// Revoke ends the watches of the clients that selected returns true for (W-98). It refuses every client about which May
// decides at the time, because that decision may be older. They may connect again, and May then decides again. selected
// is called with a lock held.
func (s *Server) Revoke(selected func(client *token.Token) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revocations++
	for c, client := range s.watches {
		if selected(client) {
			_ = c.Close()
		}
	}
}

// decide refuses a client whom May refuses, and otherwise serves it. The client has reserved a decision. decide closes
// c.
func (s *Server) decide(c *net.UnixConn, uid, payer uint32) {
	var client *token.Token
	err := errors.New("watching is disabled")
	s.mu.Lock()
	before := s.revocations
	s.mu.Unlock()
	if s.May != nil {
		client, err = s.May(c)
	}
	s.answered(payer)
	if err == nil {
		err = s.enter(c, client, before)
	}
	if err != nil {
		s.refuse(c, uid, err)
		return
	}
	defer s.leave(c)
	defer func() { _ = c.Close() }()
	if err := s.client(c); err != nil && s.Log != nil && s.ctx.Err() == nil {
		s.Log.Info("a watch ended", "uid", uid, "error", err)
	}
}

// refuse tells a client why it may not watch, closes c, and logs the reason. It does not wait for the client.
func (s *Server) refuse(c *net.UnixConn, uid uint32, why error) {
	text, err := line(&answer{Error: why.Error(), Busy: errors.Is(why, errBusy) || errors.Is(why, errRevoked)})
	if err == nil {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // usually unneeded: a new connection's buffer has room
		_, err = c.Write(text)
	}
	_ = c.Close()
	if s.Log != nil && s.ctx.Err() == nil {
		s.Log.Warn("refused a watch", "uid", uid, "error", errors.Join(why, err))
	}
}

// enter reserves one of the limited watches for a client; the caller then calls leave. before is the count of
// revocations before May decided. enter returns errBusy if maxWatches clients are connected or the server is closed,
// and errRevoked if the count has changed.
func (s *Server) enter(c *net.UnixConn, client *token.Token, before uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.watches) == maxWatches || s.ctx.Err() != nil:
		return errBusy
	case s.revocations != before:
		return errRevoked // the token may be older than the revocation (W-98)
	}
	if s.watches == nil {
		s.watches = map[*net.UnixConn]*token.Token{}
	}
	s.watches[c] = client
	return nil
}

// leave frees the reservation of a client whose watch has ended.
func (s *Server) leave(c *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watches, c)
}

// Close ends all watches and blocks until they have ended. The server serves no client afterwards. It does not close
// the listeners. A second call has no effect.
func (s *Server) Close() {
	s.begin()
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.all.Wait()
}

// client serves one connection: it accepts or rejects the watch and then sends batches. client returns the error that
// ended the watch. The first line of the answer has the reason of a rejection. A failure of the watch is sent as the
// last batch, and so is a change of the accounts that the batches depend on. The caller closes c.
func (s *Server) client(c *net.UnixConn) error {
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	w, a, refused := s.watcher(c)
	if refused != nil {
		a.Error = refused.Error()
	}
	text, err := line(&a)
	if err == nil {
		_, err = c.Write(text)
	}
	if err = errors.Join(err, refused); err != nil || w == nil {
		return err
	}
	if s.Log != nil {
		s.Log.Info("started to watch a tree", "tree", w.Root)
	}
	go func() { // the client sends nothing more, so this read returns when it disconnects
		var b [1]byte
		_, _ = c.Read(b[:])
		stop()
	}()
	var o *owners
	if w.Options.Accounts != nil {
		o = &owners{accounts: w.Options.Accounts, known: map[ownerID]sid.SID{}}
		w.Options.Accounts = o.sid
	}
	out, done := make(chan watch.Batch), make(chan error, 1)
	go func() {
		done <- w.Run(ctx, out)
		close(out)
	}()
	for b := range out {
		if err == nil {
			err = send(c, o, &b)
		}
		if err != nil { // the client cannot be reached: stop the watcher and drop its last batches
			stop()
		}
	}
	failed := <-done
	if failed != nil && err == nil { // send the reason, which the client prints (N-132)
		if text, err = line(&batch{Failed: failed.Error()}); err == nil {
			_, err = c.Write(text)
		}
	}
	return errors.Join(err, failed)
}

// send sends a batch. A heartbeat says that the descriptors before it are current. So if an owner's SID has changed,
// send sends the reason instead and returns errAccounts (N-146).
func send(c io.Writer, o *owners, b *watch.Batch) error {
	var changed error
	if !b.Heartbeat.Time.IsZero() {
		changed = o.check()
	}
	text, err := encode(b)
	if changed != nil {
		text, err = line(&batch{Failed: changed.Error()})
	}
	if err == nil {
		_, err = c.Write(text)
	}
	return errors.Join(changed, err)
}

// watcher reads the client's request and returns the requested watcher, or an error (N-17).
//
//   - The client must send its line within patience.
//   - The request must name a tree of the server, with its share and traverse policy.
//   - For uids and gids, w is nil and the answer has their SIDs (N-133).
//   - A heartbeat interval below quickest becomes quickest.
func (s *Server) watcher(c *net.UnixConn) (w *watch.Watcher, a answer, err error) {
	_ = c.SetReadDeadline(time.Now().Add(patience)) // never fails for sockets
	text, err := bufio.NewReader(io.LimitReader(c, maxQuestion)).ReadBytes('\n')
	if err != nil {
		return nil, a, fmt.Errorf("the question: %w", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	var q question
	if err := strict.Unmarshal(text, &q); err != nil {
		return nil, a, fmt.Errorf("the question: %w", err)
	}
	t, known := s.Trees[q.Tree]
	switch {
	case q.Version != 1:
		return nil, a, fmt.Errorf("version %d: want 1", q.Version)
	case !known:
		return nil, a, fmt.Errorf("%q is not a tree that is served", q.Tree)
	case q.Share != t.Share || q.Traverse != t.Traverse: // the index would decide differently from the server (N-18)
		return nil, a, fmt.Errorf("the tree is served with the share %q and traverse %q: give the same values", t.Share,
			t.Traverse)
	case len(q.Users)+len(q.Groups) > maxIDs:
		return nil, a, fmt.Errorf("%d uids and gids: want at most %d", len(q.Users)+len(q.Groups), maxIDs)
	case len(q.Users)+len(q.Groups) == 0 && watch.OverFUSE(q.Tree): // the kernel reports no changes there (N-132)
		return nil, a, fmt.Errorf("%s is mounted over its own folder, where the kernel reports no changes: give refmond "+
			"another path to mount it at", q.Tree)
	}
	if len(q.Users)+len(q.Groups) > 0 {
		for _, id := range q.Users {
			a.Users = append(a.Users, t.sid(id, false))
		}
		for _, id := range q.Groups {
			a.Groups = append(a.Groups, t.sid(id, true))
		}
		return nil, a, nil
	}
	w = &watch.Watcher{Root: q.Tree, Options: t.Options}
	if q.Beat > 0 {
		w.Beat = max(q.Beat, quickest)
	}
	return w, a, nil
}

// sid returns the SID that stands for a uid or gid in descriptors of files without the attribute: that of
// Options.Accounts, or S-1-22-1-uid and S-1-22-2-gid if it is nil.
func (t *Tree) sid(id uint32, group bool) sid.SID {
	if t.Options.Accounts != nil {
		return t.Options.Accounts(id, group)
	}
	if group {
		return directory.UnixGroups.WithRID(id)
	}
	return directory.UnixUsers.WithRID(id)
}

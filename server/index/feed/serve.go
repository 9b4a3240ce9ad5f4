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

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/server/index"
)

// Tree says how a tree is served, so that those who watch it decide alike.
type Tree struct {
	Options  objects.TreeOptions
	Share    string // SDDL; "": none
	Traverse string // never, privilege or always
}

// Server lets clients watch trees. Trees and May are needed; its fields are immutable.
type Server struct {
	Trees map[string]Tree // by their paths
	// May returns why a client may not watch, nil if it may. Nil lets no one.
	May func(c *net.UnixConn) error
	Log *slog.Logger // nil: none

	once sync.Once
	ctx  context.Context    // immutable after once
	stop context.CancelFunc // immutable after once
	all  sync.WaitGroup

	mu sync.Mutex
	// +checklocks:mu
	watches int // guarded by mu
}

// Bounds of a server.
const (
	maxWatches  = 16 // at once: each has a queue of the kernel, and walks its tree
	maxQuestion = 64 << 10
	quickest    = 10 * time.Millisecond
	patience    = 10 * time.Second // for a question
)

func (s *Server) begin() {
	s.once.Do(func() { s.ctx, s.stop = context.WithCancel(context.Background()) })
}

// Serve serves clients of a listener until it is closed; then [Server.Close] ends those that
// are connected.
func (s *Server) Serve(l *net.UnixListener) error {
	s.begin()
	for {
		c, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("watch: %w", err)
		}
		if !s.enter() {
			_ = c.Close()
			continue
		}
		s.all.Go(func() {
			defer s.leave()
			defer func() { _ = c.Close() }()
			if err := s.client(c); err != nil && s.Log != nil && s.ctx.Err() == nil {
				s.Log.Info("a watch has ended", "error", err)
			}
		})
	}
}

// enter counts a client, unless there are too many.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watches == maxWatches || s.ctx.Err() != nil {
		return false
	}
	s.watches++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches--
}

// Close ends all watches and waits for them.
func (s *Server) Close() {
	s.begin()
	s.stop()
	s.all.Wait()
}

// client serves one connection.
func (s *Server) client(c *net.UnixConn) error {
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	w, refused := s.watcher(c)
	var a answer
	if refused != nil {
		a.Error = refused.Error()
	}
	text, err := line(&a)
	if err == nil {
		_, err = c.Write(text)
	}
	if err = errors.Join(err, refused); err != nil {
		return err
	}
	if s.Log != nil {
		s.Log.Info("a tree is watched", "tree", w.Root)
	}
	go func() { // a client says nothing further: what comes is its end
		var b [1]byte
		_, _ = c.Read(b[:])
		stop()
	}()
	out, done := make(chan index.Batch), make(chan error, 1)
	go func() {
		done <- w.Run(ctx, out)
		close(out)
	}()
	for b := range out {
		if err == nil {
			if text, err = encode(&b); err == nil {
				_, err = c.Write(text)
			}
		}
		if err != nil { // the watcher ends, and what it still sends is dropped
			stop()
		}
	}
	return errors.Join(err, <-done)
}

// watcher reads what a client asks for, and makes its watcher if it may watch (N-17).
func (s *Server) watcher(c *net.UnixConn) (*index.Watcher, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience)) // a socket has deadlines
	text, err := bufio.NewReader(io.LimitReader(c, maxQuestion)).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the question: %w", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	if s.May == nil { // after the question: a client that is not read out hears no answer
		return nil, errors.New("no one may watch")
	}
	if err := s.May(c); err != nil {
		return nil, err
	}
	var q question
	if err := strict.Unmarshal(text, &q); err != nil {
		return nil, fmt.Errorf("the question: %w", err)
	}
	t, known := s.Trees[q.Tree]
	switch {
	case q.Version != 1:
		return nil, fmt.Errorf("version %d: want 1", q.Version)
	case !known:
		return nil, fmt.Errorf("%q is no tree that is served", q.Tree)
	case q.Share != t.Share || q.Traverse != t.Traverse: // it would answer what the server does not (N-18)
		return nil, fmt.Errorf("the tree is served with the share %q and traverse %q: say the same", t.Share, t.Traverse)
	}
	w := &index.Watcher{Root: q.Tree, Options: t.Options}
	if q.Beat > 0 {
		w.Beat = max(q.Beat, quickest)
	}
	return w, nil
}

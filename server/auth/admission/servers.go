package admission

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Servers orders the servers of a request, so that not every request waits for one that hangs. A server that did not
// answer comes last for half a minute; then one request tries it first again. While no server answers, one request at
// a time tries them. The zero value is ready for use. It is safe for concurrent use.
type Servers struct {
	Now func() time.Time // nil: time.Now. Set it before the first use

	mu sync.Mutex
	// +checklocks:mu
	silent map[string]time.Time // guarded by mu: by address, when a server that did not answer is tried first again
	// +checklocks:mu
	trial chan struct{} // guarded by mu: closed when the trial of silent servers ends; nil: no trial runs
}

// ErrSilent means that no server answered lately, and that another request is trying them.
var ErrSilent = errors.New("no server answered a moment ago, and another request is trying them now")

const (
	silence    = 30 * time.Second // how long a server that did not answer is tried last
	patience   = time.Second      // how long a request waits for the one that tries silent servers
	maxServers = 64               // silent addresses in memory, then all are forgotten; the DNS may name others each time
)

// Try calls try with the index of each address until try reports that the server answered, and remembers the outcome.
// It returns [ErrSilent], without a call, if no server answered lately and another request still tries them after a
// second. Otherwise the error is nil, whatever try reports. Once ctx has ended, it tries no further server, and no
// server at all if ctx had ended before. If the deadline of ctx passes during a try, that server did not answer.
func (s *Servers) Try(ctx context.Context, addresses []string, try func(i int) (answered bool)) error {
	order, end, err := s.begin(ctx, addresses)
	if err != nil {
		return err
	}
	defer end()
	for _, i := range order {
		if ctx.Err() != nil {
			return nil // the server would get no time to answer, and count as silent
		}
		if try(i) {
			s.Answered(addresses[i])
			return nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // the caller gave up, which says nothing about the server
		}
		s.Missed(addresses[i])
	}
	return nil
}

// begin returns the order in which a request tries the servers, by index. The caller calls end after them. The error
// is ErrSilent.
func (s *Servers) begin(ctx context.Context, addresses []string) (order []int, end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		order, trial, mine := s.order(addresses)
		if trial == nil || mine {
			return order, func() { s.endTrial(trial) }, nil
		}
		select {
		case <-trial:
		case <-ctx.Done():
			return nil, nil, ErrSilent
		}
	}
}

// order returns the order in which a request tries the servers. trial is nil if one of them is not silent. Otherwise
// the request may try them if mine is true, and else waits until trial is closed.
func (s *Servers) order(addresses []string) (order []int, trial chan struct{}, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last []int
	for i, address := range addresses {
		until, silent := s.silent[address]
		switch {
		case silent && s.now().Before(until):
			last = append(last, i)
			continue
		case silent:
			s.silent[address] = s.now().Add(silence) // this request tries the server first; others still try it last
		}
		order = append(order, i)
	}
	if len(order) > 0 {
		return append(order, last...), nil, false
	}
	if mine = s.trial == nil; mine {
		s.trial = make(chan struct{})
	}
	return last, s.trial, mine
}

// now returns the current time.
func (s *Servers) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// endTrial closes trial, unless [Servers.Answered] has closed it already. It does nothing for nil.
func (s *Servers) endTrial(trial chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if trial != nil && s.trial == trial {
		close(trial)
		s.trial = nil
	}
}

// Answered records that a server answered. Requests try it in its place again, and those that wait for a trial go on.
func (s *Servers) Answered(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.silent, address)
	if s.trial != nil {
		close(s.trial)
		s.trial = nil
	}
}

// Missed records that a server did not answer: requests try it last for half a minute.
func (s *Servers) Missed(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent == nil || len(s.silent) >= maxServers {
		s.silent = map[string]time.Time{}
	}
	s.silent[address] = s.now().Add(silence)
}

// Silent reports whether the last request to a server was not answered.
func (s *Servers) Silent(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, silent := s.silent[address]
	return silent
}

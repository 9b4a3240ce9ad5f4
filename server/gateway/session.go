package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"sync"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// session is a client that was logged on: a handle of its token. The logon session ends
// with the handle.
type session struct {
	p     *process                         // immutable
	token winnt.Handle                     // immutable once ready is closed; 0: the logon failed
	user  sid.SID                          // immutable likewise
	name  string                           // immutable likewise: what the client called itself
	level winnt.SecurityImpersonationLevel // immutable likewise
	reply string                           // immutable likewise: goes back to the client, in base64
	st    ntstatus.Status                  // immutable likewise
	until time.Time                        // immutable likewise
	// tooMany is immutable likewise: the logon was not tried, as the address failed too often.
	tooMany bool
	ready   chan struct{} // closed once the fields above are there

	users   int  // guarded by p.sessions.mu: requests that use it
	dropped bool // guarded by p.sessions.mu: it ends with its last request
}

// as runs f on a thread that acts as the client.
func (s *session) as(ctx context.Context, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return s.p.as(ctx, s.token, f)
}

// proof is the name of a credential: it finds a session and tells nothing of the secret.
type proof [sha256.Size]byte

// sessions are the clients that are known. A credential that was right a moment ago is not
// tried again: a password costs refmond a tenth of a second.
type sessions struct {
	p    *process         // immutable
	key  [32]byte         // immutable: of this process of the gateway alone
	most int              // immutable
	life time.Duration    // immutable
	now  func() time.Time // immutable

	hashes sync.Pool // of *keyed

	mu sync.Mutex
	// +checklocks:mu
	known map[proof]*session // guarded by mu
	// +checklocks:mu
	swept bool // guarded by mu: a timer will sweep
}

func newSessions(p *process, cfg *Config) *sessions {
	s := &sessions{p: p, most: cfg.Sessions, life: cfg.SessionLife, now: cfg.Now, known: map[proof]*session{}}
	_, _ = rand.Read(s.key[:]) // it never fails (crypto/rand)
	return s
}

// name returns what stands for a credential of a kind.
func (s *sessions) name(kind, credential string) (n proof) {
	h, _ := s.hashes.Get().(*keyed)
	if h == nil {
		h = &keyed{Hash: hmac.New(sha256.New, s.key[:])}
	}
	h.text = append(append(h.text[:0], kind...), credential...)
	_, _ = h.Write(h.text) // it never fails
	h.Sum(n[:0])
	h.Reset()
	clear(h.text) // it has a password
	s.hashes.Put(h)
	return n
}

// keyed is a hash with the key of the sessions, and memory for a credential.
type keyed struct {
	hash.Hash
	text []byte
}

// find returns the session of a credential that is known, which the caller gives back; nil
// where it is not known, or no more.
func (s *sessions) find(n proof) *session {
	s.mu.Lock()
	known := s.known[n]
	if known == nil || known.expired(s.now()) {
		s.mu.Unlock()
		return nil
	}
	known.users++
	s.mu.Unlock()
	<-known.ready
	return known
}

// get returns the session of a credential, which the caller gives back. make logs on; it
// runs once for requests that come at once.
func (s *sessions) get(n proof, make func(*session)) *session {
	s.mu.Lock()
	known := s.known[n]
	if known != nil && known.expired(s.now()) {
		// A password, a group or a right that was taken away counts after this time (G-5).
		s.dropLocked(n, known)
		known = nil
	}
	if known != nil {
		known.users++
		s.mu.Unlock()
		<-known.ready
		return known
	}
	fresh := s.fresh()
	if len(s.known) >= s.most {
		s.shrinkLocked()
	}
	if len(s.known) < s.most {
		s.known[n] = fresh
		s.sweepLaterLocked()
	} else {
		fresh.dropped = true // all are in use: this one lives as long as its request (G-4)
	}
	s.mu.Unlock()
	defer close(fresh.ready)
	make(fresh)
	fresh.until = s.now().Add(s.life)
	if fresh.token == 0 {
		s.mu.Lock()
		if s.known[n] == fresh {
			delete(s.known, n) // a failure is not kept: each one counts towards the lockout
		}
		fresh.dropped = true
		s.mu.Unlock()
	}
	return fresh
}

// once logs on for one request.
func (s *sessions) once(make func(*session)) *session {
	one := s.fresh()
	s.mu.Lock()
	one.dropped = true
	s.mu.Unlock()
	defer close(one.ready)
	make(one)
	return one
}

// fresh returns a session for its first request. It is not shared yet.
func (s *sessions) fresh() *session {
	return &session{p: s.p, users: 1, st: ntstatus.Unsuccessful, ready: make(chan struct{})}
}

func (s *session) expired(now time.Time) bool {
	select {
	case <-s.ready:
		return now.After(s.until)
	default:
		return false
	}
}

// put gives a session back.
func (s *sessions) put(one *session) {
	s.mu.Lock()
	one.users--
	last := one.dropped && one.users == 0
	s.mu.Unlock()
	if last {
		s.p.release(one.token)
	}
}

// dropLocked forgets a session; its token goes with its last request.
//
// +checklocks:s.mu
func (s *sessions) dropLocked(n proof, one *session) {
	delete(s.known, n)
	one.dropped = true
	if one.users == 0 {
		go s.p.release(one.token)
	}
}

// shrinkLocked makes room: what is too old goes, and one that no request uses.
//
// +checklocks:s.mu
func (s *sessions) shrinkLocked() {
	now, idle := s.now(), proof{}
	found := false
	for n, one := range s.known {
		switch {
		case one.users > 0:
		case one.expired(now):
			s.dropLocked(n, one)
		default:
			idle, found = n, true
		}
	}
	if found && len(s.known) >= s.most {
		s.dropLocked(idle, s.known[idle])
	}
}

// sweepLaterLocked sees to it that a session which is not asked for again ends, too: its
// token is one that who takes the gateway over would have (G-5).
//
// +checklocks:s.mu
func (s *sessions) sweepLaterLocked() {
	if !s.swept {
		s.swept = true
		time.AfterFunc(s.life/4+time.Second, s.sweep)
	}
}

// sweep ends the sessions that are too old.
func (s *sessions) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swept = false
	now := s.now()
	for n, one := range s.known {
		if one.expired(now) {
			s.dropLocked(n, one)
		}
	}
	if len(s.known) > 0 {
		s.sweepLaterLocked()
	}
}

// logOn hands a credential in that came from an address, and asks who the client is.
func (s *session) logOn(ctx context.Context, from string, in nt.LogonInformation) {
	s.st = s.p.do(ctx, func(th *nt.Thread) ntstatus.Status {
		out, st := th.LsaLogonUser(nt.LsaLogonUserIn{OriginName: from, LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: in})
		if st != ntstatus.Success {
			return st
		}
		user, st := th.NtQueryInformationToken(out.Token, winnt.TokenUser)
		level, st2 := th.NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel)
		if st != ntstatus.Success || st2 != ntstatus.Success {
			th.NtClose(out.Token)
			return ntstatus.Unsuccessful
		}
		s.token, s.reply, s.name = out.Token, out.ProfileBuffer, in.UserName
		if g, ok := user.(token.Group); ok {
			s.user = g.SID
		}
		s.level, _ = level.(winnt.SecurityImpersonationLevel)
		return ntstatus.Success
	})
}

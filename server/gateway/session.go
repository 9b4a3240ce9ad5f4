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

// session is a logged-on client and its token. The logon session ends when the token handle closes.
type session struct {
	p     *process                         // immutable
	token winnt.Handle                     // immutable once ready is closed; 0: the logon failed
	user  sid.SID                          // immutable likewise
	name  string                           // immutable likewise: name that the client sent
	level winnt.SecurityImpersonationLevel // immutable likewise: of the token
	reply string                           // immutable likewise: base64, sent to the client
	st    ntstatus.Status                  // immutable likewise: of the logon
	until time.Time                        // immutable likewise: when it expires in the cache
	// tooMany is immutable likewise: the address reached its limit, so the logon was not tried.
	tooMany bool
	sent    bool          // immutable likewise: the logon has reached refmond
	ready   chan struct{} // closed after the fields above are set

	users   int  // guarded by p.sessions.mu: requests in progress
	dropped bool // guarded by p.sessions.mu: it ends with its last request
}

// as runs f on a pool thread that impersonates the client and returns the status of f. It returns NoToken without
// calling f if the logon failed, and Cancelled if ctx ends before a thread is free.
func (s *session) as(ctx context.Context, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return s.p.as(ctx, s.token, f)
}

// release closes a handle when it is the turn of the client, even if the request's context has ended. It blocks until a
// thread is free. It ignores errors and does nothing for 0.
func (s *session) release(h winnt.Handle) {
	if h == 0 {
		return
	}
	// A close can take long, because it may delete a large file, so it takes the user's turn (G-55).
	s.p.do(forUser(context.Background(), s), func(th *nt.Thread) ntstatus.Status { return th.NtClose(h) })
}

// proof is the keyed hash of a credential. It does not reveal the credential.
type proof [sha256.Size]byte

// sessions caches logons by credential, so that refmond need not verify a password again, which takes 100 ms. It is
// safe for concurrent use.
type sessions struct {
	p    *process         // immutable
	key  [32]byte         // immutable: random
	most int              // immutable
	life time.Duration    // immutable
	now  func() time.Time // immutable

	hashes sync.Pool // reusable *keyed values with key

	mu sync.Mutex
	// +checklocks:mu
	known map[proof]*session // guarded by mu
	// +checklocks:mu
	sweeping bool // guarded by mu: a timer that calls sweep is running
}

// newSessions returns an empty cache with the limits and the clock of cfg and a new random key.
func newSessions(p *process, cfg *Config) *sessions {
	s := &sessions{p: p, most: cfg.Sessions, life: cfg.SessionLife, now: cfg.Now, known: map[proof]*session{}}
	_, _ = rand.Read(s.key[:]) // never fails (crypto/rand)
	return s
}

// name returns the cache key of a credential: a keyed hash of kind and credential. kind keeps credentials of different
// types apart; it must end with a space, because the two are joined without a separator. The hash differs for each
// cache.
func (s *sessions) name(kind, credential string) (n proof) {
	h, _ := s.hashes.Get().(*keyed)
	if h == nil {
		h = &keyed{Hash: hmac.New(sha256.New, s.key[:])}
	}
	h.text = append(append(h.text[:0], kind...), credential...)
	_, _ = h.Write(h.text) // never fails
	h.Sum(n[:0])
	h.Reset()
	clear(h.text) // contains a password
	s.hashes.Put(h)
	return n
}

// keyed is an HMAC with a buffer for a credential.
type keyed struct {
	hash.Hash
	text []byte
}

// find returns the cached session of a credential, which the caller returns with put. It returns nil if there is none
// or it has expired. It blocks while the logon is in progress, and that logon may have failed: check st.
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

// get returns the session of the credential with key n, never nil. The caller returns the session with put. If no
// valid session is cached, make logs a new session on, and concurrent callers wait. A failed logon is shared with
// these callers, but not cached. If the cache is full of sessions in use, the new session ends with its request.
func (s *sessions) get(n proof, make func(*session)) *session {
	s.mu.Lock()
	known := s.known[n]
	if known != nil && known.expired(s.now()) {
		// A revoked password, group or right takes effect after this time (G-5).
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
		fresh.dropped = true // all cached sessions are in use, so this one ends with its request (G-4)
	}
	s.mu.Unlock()
	defer close(fresh.ready)
	make(fresh)
	fresh.until = s.now().Add(s.life)
	if fresh.token == 0 {
		s.mu.Lock()
		if s.known[n] == fresh {
			delete(s.known, n) // failures are not cached, because each one counts towards the lockout
		}
		fresh.dropped = true
		s.mu.Unlock()
	}
	return fresh
}

// once logs a client on without the cache: it returns a new session that make logs on and that no other request gets.
// The caller returns it with put, which closes its token. It waits for make.
func (s *sessions) once(make func(*session)) *session {
	one := s.fresh()
	s.mu.Lock()
	one.dropped = true
	s.mu.Unlock()
	defer close(one.ready)
	make(one)
	return one
}

// fresh returns an empty session for a logon that is about to begin, with one user and without a token. It is not in
// the cache.
func (s *sessions) fresh() *session {
	return &session{p: s.p, users: 1, st: ntstatus.Unsuccessful, ready: make(chan struct{})}
}

// expired reports whether the session's time in the cache has passed. It returns false while the logon is in
// progress.
func (s *session) expired(now time.Time) bool {
	select {
	case <-s.ready:
		return now.After(s.until)
	default:
		return false
	}
}

// put ends the use of a session by one request. Call it once for each find, get or once. If the session is no longer
// in the cache, the last put closes its token.
func (s *sessions) put(one *session) { s.putFor(one, one) }

// putFor ends the use of a session as put does. The last one closes the token when it is the turn of asker, whose
// request used the session.
func (s *sessions) putFor(asker, one *session) {
	s.mu.Lock()
	one.users--
	last := one.dropped && one.users == 0
	s.mu.Unlock()
	if last {
		asker.release(one.token) // a question does not wait for the calls of its subject (G-55)
	}
}

// dropLocked removes the session one, whose key is n, from the cache. If requests still use it, the last one closes
// its token. Otherwise a new goroutine closes it now.
//
// +checklocks:s.mu
func (s *sessions) dropLocked(n proof, one *session) {
	delete(s.known, n)
	one.dropped = true
	if one.users == 0 {
		go one.release(one.token)
	}
}

// shrinkLocked removes all expired sessions that no request uses. If the cache is still full, it removes one unexpired
// session that no request uses, of the user who has most of these. It removes nothing if all are in use.
//
// +checklocks:s.mu
func (s *sessions) shrinkLocked() {
	now, idle := s.now(), proof{}
	each, most := map[sid.SID]int{}, 0
	for n, one := range s.known {
		switch {
		case one.users > 0:
		case one.expired(now):
			s.dropLocked(n, one)
		default:
			// A user can spell one credential in many ways, and must not evict the others (G-4).
			if each[one.user]++; each[one.user] > most {
				idle, most = n, each[one.user]
			}
		}
	}
	if most > 0 && len(s.known) >= s.most {
		s.dropLocked(idle, s.known[idle])
	}
}

// sweepLaterLocked starts a timer that calls sweep, unless one is running. Without it, the tokens of expired sessions
// would stay open, and an attacker who takes over the gateway could use them (G-5).
//
// +checklocks:s.mu
func (s *sessions) sweepLaterLocked() {
	if !s.sweeping {
		s.sweeping = true
		time.AfterFunc(s.life/4+time.Second, s.sweep)
	}
}

// sweep removes all expired sessions from the cache, and starts the next timer if others remain. Sessions in use keep
// their token until they are put back.
func (s *sessions) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweeping = false
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

// logOn logs the session on with a credential and sets st to the result. from is the client's IP address, "" if
// unknown. requester is the network or user that the logon counts for. Success also sets token, which the session owns,
// user, name, level and reply. If the token's user or level cannot be read, the token is closed and st says why.
func (s *session) logOn(ctx context.Context, requester, from string, in nt.LogonInformation) {
	s.st = s.p.logOn(ctx, requester, func(th *nt.Thread) ntstatus.Status {
		s.sent = true
		out, st := th.LsaLogonUser(nt.LsaLogonUserIn{OriginName: from, LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: in})
		if st != ntstatus.Success {
			return st
		}
		var level any
		user, st := th.NtQueryInformationToken(out.Token, winnt.TokenUser)
		if st == ntstatus.Success {
			level, st = th.NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel)
		}
		if st != ntstatus.Success {
			th.NtClose(out.Token)
			return st
		}
		s.token, s.reply, s.name = out.Token, out.ProfileBuffer, in.UserName
		if g, ok := user.(token.Group); ok {
			s.user = g.SID
		}
		s.level, _ = level.(winnt.SecurityImpersonationLevel)
		return ntstatus.Success
	})
}

// limit names the limit that a failed logon met, for the log: "none" unless its status is
// STATUS_INSUFFICIENT_RESOURCES.
func (s *session) limit() string {
	switch {
	case s.st != ntstatus.InsufficientResources:
		return "none"
	case s.sent:
		return "waiting logons or memory of refmond"
	default:
		return "waiting logons of refmon-gateway (key limits.threads)"
	}
}

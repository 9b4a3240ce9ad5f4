package lsa

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/sid"
)

// Limits of logons with a password.
const (
	hashers       = 2   // hashes computed concurrently; each takes Hashing.Memory
	waiters       = 128 // logons that wait for a hasher; further ones are rejected
	lockPairAfter = 10  // failures within lockWindow that lock a name for one origin
	lockAfter     = admission.DefaultPerName
	lockWindow    = 15 * time.Minute
	lockFor       = 15 * time.Minute
	maxNames      = 1 << 14 // number of names whose failures are kept
	maxPassword   = 1 << 10 // bytes
	maxFailBytes  = 64
	unbounded     = 1 << 30
)

// throttle limits logons with a password: it bounds and schedules the hashes, and locks names that
// failed too often.
type throttle struct {
	hashing *admission.Pool // immutable; computes the hashes
	// pairs counts failures by name and origin; immutable pointer. Field failures has the counts by name alone, which
	// are stored across restarts.
	pairs *admission.Limit
	decoy hashed // immutable; the hash compared with the password for an unknown name
	// stopping is cancelled by stop, once no further password may be checked. Both are immutable.
	stopping context.Context
	stop     context.CancelFunc

	mu sync.Mutex
	// +checklocks:mu
	failures map[string]failures // guarded by mu; keyed by upper-case name
}

// failures counts the failed logons of one name from all origins.
type failures struct {
	Count  int       `json:"count"`
	First  time.Time `json:"first"`
	Locked time.Time `json:"locked"` // end of the lock; zero: not locked
}

// init initializes a throttle that no other goroutine has yet. It replaces zero costs in cfg.Password by their
// defaults. The error is that of the decoy's hash.
//
// +checklocksignore
func (d *throttle) init(cfg *Config) (err error) {
	cfg.Password = cfg.Password.orDefault()
	d.hashing = admission.NewPool(hashers, waiters)
	d.stopping, d.stop = context.WithCancel(context.Background())
	d.pairs = &admission.Limit{PerPair: lockPairAfter, PerName: unbounded, PerOrigin: unbounded, Window: lockWindow,
		LockPair: true, Now: cfg.Now}
	d.failures = map[string]failures{}
	d.decoy, err = newHash(logon.Secret("no password"), cfg.Password)
	return err
}

// EndLogons ends the logons that wait to have their password checked with STATUS_CANCELLED, and all later ones with a
// password. The checks that run finish.
func (s *Store) EndLogons() { s.throttle.stop() }

// attempt reports whether a logon may check its password. It counts a failure in advance, so that concurrent guesses
// count like successive guesses. origin is the client's network or user. If the name is locked for this origin or for
// all, the result is false and nothing is counted for the name.
func (d *throttle) attempt(name, origin string, now time.Time) (ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[name]
	locked := now.Before(f.Locked)
	if locked && !d.pairs.Proved(name, origin) {
		// A name that failed too often from all origins is locked for a while, whatever the
		// password. This attempt is not a failure of its origin (L-31).
		return false
	}
	if !d.pairs.Attempt(name, origin, true) {
		// An origin that guessed too often is rejected for a while from its last failure. Other
		// origins may still use the name (L-31).
		return false
	}
	if locked {
		// The user has logged on from this origin before, so failures of strangers do not lock it
		// (L-31).
		f.Count++
		d.failures[name] = f
		return true
	}
	if f.Count == 0 || now.Sub(f.First) > lockWindow || !f.Locked.IsZero() {
		f = failures{First: now}
	}
	f.Count++
	if f.Count >= lockAfter {
		f.Locked = now.Add(lockFor)
	}
	d.makeRoom(name, now)
	d.failures[name] = f
	return true
}

// makeRoom keeps the table of failed names bounded: if a name is new and the table is full, it removes another name. Of
// 64 names it removes an expired one, otherwise one with the fewest failures, so that invented names do not reset the
// failures of a name that somebody guesses at (L-31).
// +checklocks:d.mu
func (d *throttle) makeRoom(name string, now time.Time) {
	if _, kept := d.failures[name]; kept || len(d.failures) < maxNames {
		return
	}
	fewest, least, n := "", 0, 0
	for other, f := range d.failures {
		if now.Sub(f.First) > lockWindow && now.After(f.Locked) {
			fewest = other
			break
		}
		if n++; n == 1 || f.Count < least {
			fewest, least = other, f.Count
		}
		if n == 64 {
			break
		}
	}
	delete(d.failures, fewest)
}

// succeed takes back the failure that attempt counted, because the password was right, and clears the failures of
// the name from this origin. Failures from other origins still count, so that a successful logon gives strangers no
// new guesses.
func (d *throttle) succeed(name, origin string) {
	d.pairs.Succeeded(name, origin)
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[name]
	if f.Count--; f.Count < lockAfter {
		f.Locked = time.Time{}
	}
	if f.Count <= 0 {
		delete(d.failures, name)
		return
	}
	d.failures[name] = f
}

// count returns the failed logons that are recorded for a name; the zero value if it has none.
func (d *throttle) count(name string) failures {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failures[name]
}

// forget drops the failures of a name. A name without failures changes nothing. name must be in upper case.
func (d *throttle) forget(name string) {
	d.pairs.Forget(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failures, name)
}

// restore replaces the failures of a name, in any case. If the clock was set back since they were stored, they count as
// failures of now: a lock never lasts longer than lockFor.
func (d *throttle) restore(name string, f failures, now time.Time) {
	if f.First.After(now) {
		f.First = now
	}
	if end := now.Add(lockFor); f.Locked.After(end) {
		f.Locked = end
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures[strings.ToUpper(name)] = f
}

// locked reports whether a name is locked now.
func (d *throttle) locked(name string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.failures[name].Locked)
}

// Requester returns the origin that a request is charged to: its share of the hashes and its count
// of failures. If a program names its client's address, that is the address's network and named is
// true. Otherwise it is the program's user; a subordinate uid counts as the user who owns its
// range, because one user has thousands of them (L-29, L-74).
func (s *Store) Requester(r *logon.Request) (origin string, named bool) {
	if r.Origin != "" {
		return admission.Network(r.Origin), true
	}
	caller := r.Caller
	if uid, ok := unixUID(caller); ok {
		caller = s.UserSID(s.QuotaUID(uid))
	}
	return "program of " + caller.String(), false
}

// unixUID returns the uid of a user of the host, S-1-22-1-uid. ok is false for any other SID.
func unixUID(id sid.SID) (uid uint32, ok bool) {
	if id.Authority() != 22 || id.SubAuthorities() != 2 || id.Sub(0) != 1 {
		return 0, false
	}
	return id.Sub(1), true
}

package lsa

import (
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
)

// Bounds of logons with a password.
const (
	hashers      = 2   // hashes computed at once: each takes Hashing.Memory
	waiters      = 128 // logons that wait for one of them; more are refused
	lockAfter    = 10  // failures within lockWindow that lock a name
	lockWindow   = 15 * time.Minute
	lockFor      = 15 * time.Minute
	maxNames     = 1 << 14 // names whose failures are kept
	maxPassword  = 1 << 10 // bytes
	maxFailBytes = 64
)

// door lets logons with a password through: few at once, and none for a name that
// failed too often.
type door struct {
	hashing chan struct{} // holds one element for each hash that is computed
	waiting chan struct{}
	decoy   hashed // what the password for an unknown name is compared with

	mu sync.Mutex
	// +checklocks:mu
	failures map[string]failures // guarded by mu: by upper-case name
}

// failures are those of one name.
type failures struct {
	Count  int       `json:"count"`
	First  time.Time `json:"first"`
	Locked time.Time `json:"locked"` // until when; the zero time: not
}

// init makes a door, which is not shared yet.
//
// +checklocksignore
func (d *door) init(cfg *Config) (err error) {
	cfg.Password = cfg.Password.orDefault()
	d.hashing, d.waiting = make(chan struct{}, hashers), make(chan struct{}, hashers+waiters)
	d.failures = map[string]failures{}
	d.decoy, err = newHash(logon.Secret("no password"), cfg.Password)
	return err
}

// enter waits for a place; false where too many wait already. Undo it with leave.
func (d *door) enter() bool {
	select {
	case d.waiting <- struct{}{}:
	default:
		return false
	}
	d.hashing <- struct{}{}
	return true
}

func (d *door) leave() {
	<-d.hashing
	<-d.waiting
}

// attempt counts a failure before the password is looked at, so that guesses made
// at once count as well as those in turn. It returns false for a name that is
// locked, and what to keep of the failures.
func (d *door) attempt(name string, now time.Time) (kept failures, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[name]
	if now.Before(f.Locked) {
		// A name that failed too often is refused for a while, with whatever password. L-31
		return f, false
	}
	if f.Count == 0 || now.Sub(f.First) > lockWindow || !f.Locked.IsZero() {
		f = failures{First: now}
	}
	f.Count++
	if f.Count >= lockAfter {
		f.Locked = now.Add(lockFor)
	}
	d.makeRoom(now)
	d.failures[name] = f
	return f, true
}

// makeRoom forgets a name where there are too many: an old one, else any.
//
// +checklocks:d.mu
func (d *door) makeRoom(now time.Time) {
	if len(d.failures) < maxNames {
		return
	}
	n := 0
	for name, f := range d.failures {
		if now.Sub(f.First) > lockWindow && now.After(f.Locked) {
			delete(d.failures, name)
			return
		}
		if n++; n > 64 {
			delete(d.failures, name)
			return
		}
	}
}

// forget drops the failures of a name that has logged on.
func (d *door) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failures, name)
}

func (d *door) restore(name string, f failures) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures[strings.ToUpper(name)] = f
}

// locked reports whether a name is locked now.
func (d *door) locked(name string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.failures[name].Locked)
}

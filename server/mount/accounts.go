package mount

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Accounts maps the users of this host to tokens. Its method must be safe for concurrent use.
type Accounts interface {
	// LogOn returns the contents of a user's token. An error refuses the user: every request fails with EACCES, and
	// the mount caches the refusal for one second. uid is the user and gid the program's own group, as the host's
	// kernel reports them. The kernel reports no supplementary groups, so LogOn must look them up. The program's
	// request waits for LogOn.
	LogOn(uid, gid uint32) (logon.Result, error)
}

// person identifies the user who sent a request: the uid and gid, as the host's kernel reports them.
type person struct{ uid, gid uint32 }

// account is a cached token that requests impersonate.
type account struct {
	token  *token.Token        // immutable; nil: the user was refused
	object *kernel.AccessToken // immutable
	end    func()              // immutable
	err    error               // immutable: why the user was refused
	until  time.Time           // immutable: when the account expires in the cache
	payer  uint32              // immutable: the uid that is charged for the user's requests and records
	ready  chan struct{}       // closed once the fields above are set

	users   int  // guarded by accounts.mu: requests that use the account
	dropped bool // guarded by accounts.mu: no longer cached; the last put closes it
}

// accounts caches one token for each person. It is safe for concurrent use.
type accounts struct {
	from Accounts       // immutable
	life time.Duration  // immutable
	sys  *kernel.System // immutable
	self *worker        // immutable: makes token objects; its thread is used under making
	now  func() time.Time
	log  *slog.Logger // immutable
	// payer is immutable: it returns the uid that is charged for a uid's requests and records.
	payer func(uid uint32) uint32
	// backup is immutable: the mount is for backup.
	backup bool

	making  sync.Mutex     // held while a token object is created
	closing sync.WaitGroup // the accounts that are being closed
	mu      sync.Mutex
	// +checklocks:mu
	known map[person]*account // guarded by mu
}

// Limits of the cache.
const (
	maxAccounts = 4096        // tokens; at the limit unused ones are dropped, and those in use can exceed it
	refusedLife = time.Second // how long a refusal is cached
)

// get returns the account of a person, logged on if no token is cached. Concurrent calls for the same person wait for
// one logon. A failed logon sets err, leaves the token nil and is cached for refusedLife. The caller must return the
// account with put, even after a failure.
func (a *accounts) get(p person) *account {
	a.mu.Lock()
	acc := a.known[p]
	if acc != nil && acc.expired(a.now()) {
		// A token is used for a configured time, then replaced (M-2).
		a.dropLocked(p, acc)
		acc = nil
	}
	if acc != nil {
		acc.users++
		a.mu.Unlock()
		<-acc.ready
		return acc
	}
	acc = &account{ready: make(chan struct{}), users: 1}
	if len(a.known) >= maxAccounts {
		a.shrinkLocked()
	}
	a.known[p] = acc
	a.mu.Unlock()
	defer close(acc.ready)
	a.make(acc, p)
	if acc.err != nil {
		// Log a refusal once per logon, not for each request (M-23).
		a.log.Warn("rejected a user without a token", "uid", p.uid, "error", acc.err)
	}
	return acc
}

// expired reports whether an account may no longer be used at the time now. It returns false while the logon is in
// progress.
func (c *account) expired(now time.Time) bool {
	select {
	case <-c.ready:
		return now.After(c.until)
	default:
		return false
	}
}

var errNotKnown = errors.New("the logon did not come to an end")

// make logs a person on and fills in acc. On success it sets the token and its object, and acc.err is nil. On failure
// it sets only acc.err, the charged uid and the time until which the failure is cached. If it panics, acc.err is
// errNotKnown, because other requests wait for the result (M-3). If the lookup of the charged uid panics, the person's
// own uid is charged.
func (a *accounts) make(acc *account, p person) {
	acc.end, acc.err, acc.payer = func() {}, errNotKnown, p.uid
	acc.payer = a.payer(p.uid)
	r, err := a.from.LogOn(p.uid, p.gid)
	if err == nil {
		r, err = forIntent(r, a.backup)
	}
	acc.until = a.now().Add(refusedLife)
	var tok *token.Token
	var end func()
	if err == nil {
		tok, end, err = a.sys.LogOn(r)
	}
	from := kernel.LogonSource{Process: "mount", Package: "unix",
		Peer: "uid " + strconv.FormatUint(uint64(acc.payer), 10)}
	if err != nil {
		// Each refused logon is recorded, within the user's rate (L-49, U-92).
		a.sys.RecordRefusedLogon(from, winnt.LOGON32_LOGON_INTERACTIVE, r.Account,
			ntstatus.Of(err, ntstatus.AccessDenied))
		acc.err = fmt.Errorf("uid %d: %w", p.uid, err)
		return
	}
	// Under a policy that fails closed a user whose logon cannot be recorded is refused (M-3).
	if st := a.sys.RecordLogon(from, winnt.LOGON32_LOGON_INTERACTIVE, tok); st != ntstatus.Success {
		end()
		acc.err = fmt.Errorf("record of a logon: %w", st.Err())
		return
	}
	a.making.Lock()
	defer a.making.Unlock()
	// All subordinate uids of a user share the open files of that user.
	forget := a.sys.CountOpensFor(tok, fileaccess.UnixUser(acc.payer))
	acc.token, acc.end = tok, func() { forget(); end() }
	acc.object = a.self.k.CaptureToken(tok, a.self.k.Thread())
	acc.err = nil
	acc.until = a.now().Add(a.life)
}

// put ends the use of an account that get returned. If the account was dropped during the use, the last put closes it.
// Each get needs one put.
func (a *accounts) put(acc *account) {
	a.mu.Lock()
	acc.users--
	last := acc.dropped && acc.users == 0
	a.mu.Unlock()
	if last {
		a.close(acc)
	}
}

// dropLocked removes an account from the cache. It closes an unused account in another goroutine; the last put closes
// one in use.
//
// +checklocks:a.mu
func (a *accounts) dropLocked(p person, acc *account) {
	delete(a.known, p)
	acc.dropped = true
	if acc.users == 0 {
		a.closing.Go(func() { a.close(acc) })
	}
}

// shrinkLocked makes room in a full cache: it removes unused accounts until fewer than half of maxAccounts are cached.
// If every account is in use, it removes none and the cache grows.
// +checklocks:a.mu
func (a *accounts) shrinkLocked() {
	for p, acc := range a.known {
		if acc.users == 0 {
			a.dropLocked(p, acc)
		}
		if len(a.known) < maxAccounts/2 {
			return
		}
	}
}

// drop removes every cached account for which f returns true. f gets the account's token, nil for a user who was
// refused or is being logged on. It runs with the cache locked, so it must not call methods of a. Accounts in use are
// closed by their last put.
func (a *accounts) drop(f func(person, *token.Token) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, acc := range a.known {
		var user *token.Token
		select {
		case <-acc.ready:
			user = acc.token
		default:
		}
		if f(p, user) {
			a.dropLocked(p, acc)
		}
	}
}

// close releases the token object, if the logon created one, and ends the logon session. No request may use the
// account.
func (a *accounts) close(acc *account) {
	if acc.object != nil {
		a.making.Lock()
		a.self.k.PsDereferenceImpersonationToken(acc.object)
		a.making.Unlock()
	}
	acc.end()
}

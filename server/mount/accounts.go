package mount

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Accounts says who the users of this host are. It is used from any goroutine.
type Accounts interface {
	// LogOn returns what the token of a user is made of. The ids are those that the
	// host's kernel sends with a request: the uid, and the group that the program has
	// as its own. The supplementary groups are not sent; they are the host's to tell.
	LogOn(uid, gid uint32) (logon.Result, error)
}

// person is who a request comes from, as the host's kernel says.
type person struct{ uid, gid uint32 }

// account is a token that requests act with.
type account struct {
	token  *token.Token        // immutable; nil: the user was refused
	object *kernel.AccessToken // immutable
	end    func()              // immutable
	err    error               // immutable
	until  time.Time           // immutable
	ready  chan struct{}       // closed once the fields above are there

	users   int  // guarded by accounts.mu
	dropped bool // guarded by accounts.mu
}

// accounts keeps one token for each person.
type accounts struct {
	from Accounts       // immutable
	life time.Duration  // immutable
	sys  *kernel.System // immutable
	self *worker        // immutable: makes token objects; its thread is used under making
	now  func() time.Time
	log  *slog.Logger // immutable

	making  sync.Mutex     // held while a token object is made
	closing sync.WaitGroup // the accounts that are being given up
	mu      sync.Mutex
	// +checklocks:mu
	known map[person]*account // guarded by mu
}

// Bounds of what is kept of accounts.
const (
	maxAccounts = 4096        // tokens; more are made anew for each request
	refusedLife = time.Second // of a refusal
)

// get returns the account of a person, which the caller gives back.
func (a *accounts) get(p person) *account {
	a.mu.Lock()
	acc := a.known[p]
	if acc != nil && acc.expired(a.now()) {
		// A token is used for a stated time, then made anew. M-2
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
		// A refusal is told once a logon, not at each request (M-23).
		a.log.Warn("refused", "uid", p.uid, "error", acc.err)
	}
	return acc
}

// expired reports whether an account is too old; one that is being made is not.
func (c *account) expired(now time.Time) bool {
	select {
	case <-c.ready:
		return now.After(c.until)
	default:
		return false
	}
}

var errNotKnown = errors.New("the logon did not come to an end")

// make logs a person on.
func (a *accounts) make(acc *account, p person) {
	acc.end, acc.err = func() {}, errNotKnown
	r, err := a.from.LogOn(p.uid, p.gid)
	acc.until = a.now().Add(refusedLife)
	if err != nil {
		acc.err = fmt.Errorf("uid %d: %w", p.uid, err)
		return
	}
	tok, end, err := a.sys.LogOn(r)
	if err != nil {
		acc.err = fmt.Errorf("uid %d: %w", p.uid, err)
		return
	}
	from := kernel.LogonSource{Process: "mount", Package: "unix"}
	// Under a policy that fails closed no user acts whose logon has no record. M-3
	if st := a.sys.RecordLogon(from, winnt.LOGON32_LOGON_INTERACTIVE, tok); st != ntstatus.Success {
		end()
		acc.err = fmt.Errorf("record of a logon: %w", st.Err())
		return
	}
	a.making.Lock()
	defer a.making.Unlock()
	acc.token, acc.end = tok, end
	acc.object = a.self.k.CaptureToken(tok, a.self.k.Thread())
	acc.err = nil
	acc.until = a.now().Add(a.life)
}

// put gives an account back.
func (a *accounts) put(acc *account) {
	a.mu.Lock()
	acc.users--
	last := acc.dropped && acc.users == 0
	a.mu.Unlock()
	if last {
		a.close(acc)
	}
}

// dropLocked forgets an account; its token goes with its last request.
//
// +checklocks:a.mu
func (a *accounts) dropLocked(p person, acc *account) {
	delete(a.known, p)
	acc.dropped = true
	if acc.users == 0 {
		a.closing.Go(func() { a.close(acc) })
	}
}

// shrinkLocked makes room by forgetting accounts that no request uses at the moment.
//
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

// drop forgets every account for which f answers true.
func (a *accounts) drop(f func(person) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, acc := range a.known {
		if f(p) {
			a.dropLocked(p, acc)
		}
	}
}

// close gives up what an account holds.
func (a *accounts) close(acc *account) {
	if acc.object != nil {
		a.making.Lock()
		a.self.k.PsDereferenceImpersonationToken(acc.object)
		a.making.Unlock()
	}
	acc.end()
}

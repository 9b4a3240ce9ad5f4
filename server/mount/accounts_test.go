package mount

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// disk is a log's that may be full.
type disk struct{ full atomic.Bool }

func (d *disk) Write(audit.Event) error {
	if d.full.Load() {
		return errors.New("the disk is full")
	}
	return nil
}

// accountsAt returns accounts at a clock, on a kernel whose audit fails closed.
func accountsAt(t *testing.T, d *disk, now *time.Time) *accounts {
	t.Helper()
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	if err != nil {
		t.Fatal(err)
	}
	log := &audit.Log{Sink: d}
	log.Policy.Store(p)
	sys := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{}), Log: log})
	system, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	process, err := sys.NewProcess("mount", system)
	if err != nil {
		t.Fatal(err)
	}
	self, err := newWorkers(sys, process).make()
	if err != nil {
		t.Fatal(err)
	}
	a := &accounts{from: people{}, life: time.Minute, sys: sys, self: self, now: func() time.Time { return *now },
		log: slog.New(slog.DiscardHandler), known: map[person]*account{}}
	t.Cleanup(func() {
		d.full.Store(false)
		a.drop(func(person) bool { return true })
		a.closing.Wait()
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestAccountsInTime: a token is used for its time to the moment and then made anew, a
// refusal for a second (M-2); under a policy that fails closed no user acts whose logon has
// no record (M-3).
func TestAccountsInTime(t *testing.T) {
	now, d := time.Unix(1_000_000, 0), &disk{}
	a := accountsAt(t, d, &now)
	get := func(uid uint32) *account {
		acc := a.get(person{uid, uid})
		a.put(acc)
		return acc
	}
	first := get(alice)
	if first.err != nil || first.token == nil {
		t.Fatalf("%v, %v", first.token, first.err)
	}
	other := get(bob)
	if other == first || other.token == first.token {
		t.Error("M-2: two users have one token")
	}
	now = now.Add(time.Minute)
	if get(alice) != first {
		t.Error("M-2: a token was made anew before its time was over")
	}
	now = now.Add(1)
	second := get(alice)
	if second == first || second.err != nil {
		t.Errorf("M-2: a token is used after its time: %v", second.err)
	}
	now = now.Add(time.Hour)
	d.full.Store(true)
	a.closing.Wait() // what was dropped ends its sessions
	sessions := a.sys.LogonSessions()
	refused := get(alice)
	// The old token went with its session, and no new one stays.
	if a.closing.Wait(); a.sys.LogonSessions() >= sessions {
		t.Errorf("M-3: %d sessions are left of %d, one of them without a record", a.sys.LogonSessions(), sessions)
	}
	if refused.err == nil || refused.token != nil {
		t.Errorf("M-3: a user acts without a record: %v, %v", refused.token, refused.err)
	}
	d.full.Store(false)
	now = now.Add(refusedLife)
	if get(alice) != refused {
		t.Error("M-3: a refusal is asked again before its time is over")
	}
	now = now.Add(1)
	if again := get(alice); again.err != nil {
		t.Errorf("M-3: refused for ever: %v", again.err)
	}
	if acc := get(61999); acc.err == nil || acc.token != nil { // whom the host does not know
		t.Errorf("M-3: %v, %v", acc.token, acc.err)
	}
}

// TestAccountsInUse: what is dropped while a request uses it goes with that request, and
// not before (M-2).
func TestAccountsInUse(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := accountsAt(t, &disk{}, &now)
	ended := 0
	one, two := a.get(person{alice, 1}), a.get(person{alice, 1})
	if one != two {
		t.Fatal("one user has two tokens")
	}
	end := one.end
	one.end = func() { ended++; end() }
	a.drop(func(p person) bool { return p.uid == bob })
	if again := a.get(person{alice, 1}); again != one {
		t.Error("another user's token was dropped")
	} else {
		a.put(again)
	}
	a.drop(func(p person) bool { return p.uid == alice })
	a.put(one)
	a.closing.Wait()
	if ended != 0 {
		t.Error("a token went while a request used it")
	}
	a.put(two)
	if ended != 1 {
		t.Errorf("the token went %d times", ended)
	}
	if next := a.get(person{alice, 1}); next == one {
		t.Error("a token that was dropped is used again")
	} else {
		a.put(next)
	}
}

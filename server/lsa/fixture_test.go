package lsa

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// cheap is a hash cost that lets a test hash a thousand passwords.
var cheap = Hashing{Memory: 8, Passes: 1}

// clock is a manual clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// fixture is a store in its own folder, with a clock and its records.
type fixture struct {
	*Store
	cfg      Config
	clock    *clock
	mu       sync.Mutex
	changes  []Change
	attempts []Attempt
}

// hosts has the users and groups of a fake host.
type hosts struct {
	users, groups map[string]uint32
	in            map[string][]uint32
}

func nameOf(m map[string]uint32, id uint32) (string, bool) {
	for name, n := range m {
		if n == id {
			return name, true
		}
	}
	return "", false
}

func (h hosts) UserName(_ context.Context, uid uint32) (string, bool)  { return nameOf(h.users, uid) }
func (h hosts) GroupName(_ context.Context, gid uint32) (string, bool) { return nameOf(h.groups, gid) }
func (h hosts) UID(_ context.Context, name string) (uint32, bool) {
	n, ok := h.users[name]
	return n, ok
}
func (h hosts) GID(_ context.Context, name string) (uint32, bool) {
	n, ok := h.groups[name]
	return n, ok
}
func (h hosts) Groups(_ context.Context, name string) ([]uint32, bool) {
	g, ok := h.in[name]
	return g, ok
}
func (h hosts) GroupsOf(ctx context.Context, uid uint32) ([]uint32, bool) {
	name, ok := nameOf(h.users, uid)
	if !ok {
		return nil, true
	}
	return h.Groups(ctx, name)
}

// open opens a store with change applied to its configuration.
func open(t *testing.T, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{clock: &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	f.cfg = Config{Folder: t.TempDir(), Computer: "host", Now: f.clock.now, Password: cheap,
		Subuids: []string{filepath.Join(t.TempDir(), "subuid")},
		Audit: func(c Change) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.changes = append(f.changes, c)
			return nil
		},
		Logons: func(a Attempt) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.attempts = append(f.attempts, a)
		}}
	if change != nil {
		change(&f.cfg)
	}
	f.reopen(t)
	t.Cleanup(func() { f.Close() })
	return f
}

// reopen opens the store again, as the next daemon does.
func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	if f.Store != nil {
		check.NoError(t, f.Close())
	}
	s := check.Must(Open(f.cfg))
	s.db.MaxBatchDelay = time.Microsecond // a failed logon waits this long for others before they are stored together
	f.Store = s
}

// account adds an account with a password.
func (f *fixture) account(t *testing.T, a Account, password logon.Secret) sid.SID {
	t.Helper()
	var id sid.SID
	f.must(t, func(e *Edit) error {
		id = e.AddAccount(a)
		if password == "" {
			return nil
		}
		return e.SetPassword(a.Name, password)
	})
	return id
}

func (f *fixture) must(t *testing.T, edit func(*Edit) error) {
	t.Helper()
	check.NoError(t, f.Update(sid.LocalSystem, edit))
}

// in reports whether a result's token has a group.
func in(r logon.Result, id sid.SID) bool {
	return slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool { return g.SID == id })
}

func subuids(t *testing.T, f *fixture, text string) {
	t.Helper()
	check.NoError(t, os.WriteFile(f.cfg.Subuids[0], []byte(text), 0o600))
}

func number(n uint32) *uint32 { return &n }

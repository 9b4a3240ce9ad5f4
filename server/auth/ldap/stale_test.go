package ldap

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestWhatAnOldAnswerIsGoodFor: an answer that counts while the directory is away says who has expired since, and it
// grows no younger by being told: its time is that at which the directory said it (D-11, D-20). While the directory
// is there and has changed nothing, an account expires as well.
func TestWhatAnOldAnswerIsGoodFor(t *testing.T) {
	at := func(d *Directory, what string, restricted Restriction, cached bool, wrong error) {
		t.Helper()
		got, err := d.Find(context.Background(), "alice", false)
		if !errors.Is(err, wrong) || (err == nil) != (wrong == nil) || (got == nil) != (wrong != nil) {
			t.Fatalf("D-20: %s: %+v, %v, want %v", what, got, err, wrong)
		}
		if err == nil && (got.Restricted != restricted || got.Cached != cached || len(got.Groups) != 2) {
			t.Errorf("D-20: %s: restricted %v, cached %t, %d groups; want %v, %t", what, got.Restricted, got.Cached,
				len(got.Groups), restricted, cached)
		}
	}
	for attribute, ended := range map[string]Restriction{"accountExpires": Expired, computedExpiry: PasswordExpired} {
		w := newWorld()
		f := serve(t, w.answer)
		d, ahead := timed(f, func(c *Config) { c.Limits.Stale = 10 * time.Minute })
		w.set(attribute, filetime(d.cfg.Now().Add(5*time.Minute)))
		at(d, "at first", 0, false, nil)
		ahead.Store(int64(time.Minute))
		at(d, "nothing has changed", 0, false, nil) // what counts from now on
		f.stop()
		for _, c := range []struct {
			after      time.Duration
			restricted Restriction
			cached     bool
			wrong      error
		}{
			{time.Minute + 30*time.Second - 1, 0, false, nil}, {time.Minute + 30*time.Second, 0, true, nil},
			{4 * time.Minute, 0, true, nil}, {6 * time.Minute, ended, true, nil}, {4 * time.Minute, 0, true, nil},
			{11*time.Minute - 1, ended, true, nil}, {11 * time.Minute, 0, false, ErrAway}, {20 * time.Minute, 0, false, ErrAway},
		} {
			ahead.Store(int64(c.after))
			at(d, "away, "+c.after.String(), c.restricted, c.cached, c.wrong)
		}
		back := serve(t, w.answer)
		d.servers[0].address = back.listener.Addr().String()
		ahead.Store(int64(4 * time.Minute))
		at(d, "it is back", 0, false, nil)
		ahead.Store(int64(6 * time.Minute))
		at(d, "it has changed nothing", ended, false, nil)
	}
}

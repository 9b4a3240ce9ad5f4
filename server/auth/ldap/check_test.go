package ldap

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/logon"
)

// TestCheck: a password is right if the directory binds the entry that the name has, at one
// server; the text of an error has none of it (D-24).
func TestCheck(t *testing.T) {
	w := newWorld()
	bind := func(name, password string) int64 {
		if name == "CN=alice,"+base && password == "wonderland" || password == "pw-of-test" || password == "" {
			return 0 // a name without a password is anonymous, and welcome
		}
		return 49
	}
	f, second := serve(t, w.answer), serve(t, w.answer)
	f.bind, second.bind = bind, bind
	d := f.directory(func(c *Config) { c.Servers = append(c.Servers, second.config().Servers...) })
	ctx := context.Background()
	if got, err := d.Check(ctx, "alice", "wonderland"); err != nil || got.SID != domain.WithRID(1104) {
		t.Fatalf("D-24: %+v, %v", got, err)
	}
	var wrong *WrongPassword
	for what, password := range map[string]logon.Secret{"a wrong one": "Wonderland", "none (D-2)": "",
		"a long one": logon.Secret(strings.Repeat("x", maxPassword+1))} {
		got, err := d.Check(ctx, "alice", password)
		if got != nil || !errors.As(err, &wrong) || password != "" && strings.Contains(err.Error(), string(password)) {
			t.Errorf("D-24: %s: %+v, %v", what, got, err)
		}
	}
	if len(second.binds) != 0 {
		t.Errorf("D-24: the second server was asked, too: %d times", len(second.binds))
	}
	if got, err := d.Check(ctx, "bob", "wonderland"); !errors.Is(err, ErrUnknown) {
		t.Errorf("D-24: %+v, %v", got, err)
	}
	w.set("userAccountControl", "514")
	if got, err := d.Check(ctx, "alice", "wonderland"); err != nil || got.Restricted != Disabled {
		t.Errorf("D-11: %+v, %v", got, err)
	}
	f.stop()
	second.stop()
	if got, err := d.Check(ctx, "alice", "wonderland"); !errors.Is(err, ErrAway) || errors.As(err, &wrong) {
		t.Errorf("D-20: away: %+v, %v", got, err)
	}
	signed := &Directory{cfg: Config{Security: Signed}}
	if got, err := signed.Check(ctx, "alice", "wonderland"); err == nil {
		t.Errorf("D-1: a password without TLS: %+v", got)
	}
}

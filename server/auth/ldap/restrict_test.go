package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// filetime is a time as attributes have it.
func filetime(at time.Time) string { return fmt.Sprint(at.Unix()*10_000_000 + unixEpoch) }

// TestRestrictions: each reason for which an account may not be used, from what a server
// tells of it (D-11, D-31).
func TestRestrictions(t *testing.T) {
	now := time.Now()
	hour := int(now.UTC().Weekday())*24 + now.UTC().Hour()
	only, except := make([]byte, hoursOfAWeek), []byte(strings.Repeat("\xff", hoursOfAWeek))
	only[hour/8], except[hour/8] = 1<<(hour%8), 0xff&^(1<<(hour%8))
	for _, c := range []struct {
		what, name, value string
		want              Restriction
		fails             bool
	}{
		{"nothing", "accountExpires", "0", 0, false},
		{"never", "accountExpires", fmt.Sprint(int64(1<<63 - 1)), 0, false},
		{"expired", "accountExpires", filetime(now.Add(-time.Second)), Expired, false},
		{"disabled", "userAccountControl", "514", Disabled, false},
		{"no flags", "userAccountControl", "", 0, true},
		{"locked", computedControl, "16", Locked, false},
		{"too old, says the server", computedControl, "8388608", PasswordExpired, false},
		{"too old", computedExpiry, filetime(now.Add(-time.Second)), PasswordExpired, false},
		{"not yet too old", computedExpiry, filetime(now.Add(time.Hour)), 0, false},
		{"never too old", computedExpiry, fmt.Sprint(int64(1<<63 - 1)), 0, false},
		{"to be changed", computedExpiry, "0", MustChange, false},
		{"no number", computedExpiry, "soon", 0, true},
		{"this hour alone", "logonHours", string(only), 0, false},
		{"all hours but this", "logonHours", string(except), OutOfHours, false},
		{"no hour", "logonHours", string(make([]byte, hoursOfAWeek)), OutOfHours, false},
		{"an empty list", "logonHours", "", 0, false},
		{"hours of six days", "logonHours", string(except[:18]), 0, true},
		{"hours of eight days", "logonHours", string(except) + "abc", 0, true},
	} {
		w := newWorld()
		if w.set(c.name, c.value); c.value == "" {
			w.set(c.name)
		}
		d := serve(t, w.answer).directory(func(cfg *Config) { cfg.Now = func() time.Time { return now } })
		got, err := d.Find(context.Background(), "alice", false)
		if (err != nil) != c.fails || err == nil && got.Restricted != c.want {
			t.Errorf("D-31: %s: %+v, %v; want %v", c.what, got, err, c.want)
		}
	}
}

// TestPasswordOfAnother: a directory that computes nothing tells by pwdLastSet (D-31).
func TestPasswordOfAnother(t *testing.T) {
	for control, want := range map[string]Restriction{"512": MustChange, "66048": 0} {
		w := newWorld()
		w.root["supportedCapabilities"] = nil
		w.set("pwdLastSet", "0")
		w.set("userAccountControl", control)
		w.set("memberOf")
		w.entries["CN=users,"+base] = map[string][]string{"objectSid": {domain.WithRID(513).Binary()},
			"groupType": {"-2147483646"}, "sAMAccountName": {"users"}}
		d := serve(t, w.answer).directory(nil)
		if got, err := d.Find(context.Background(), "alice", false); err != nil || got.Restricted != want {
			t.Errorf("D-31: flags %s: %+v, %v", control, got, err)
		}
	}
}

// TestAPasswordGetsOld: an answer that is kept says so once the time has come (D-31).
func TestAPasswordGetsOld(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	d, ahead := timed(f, nil)
	w.set(computedExpiry, filetime(d.cfg.Now().Add(10*time.Second)))
	if got, err := d.Find(context.Background(), "alice", false); err != nil || got.Restricted != 0 {
		t.Fatalf("D-31: %+v, %v", got, err)
	}
	ahead.Store(int64(11 * time.Second))
	if got, err := d.Find(context.Background(), "alice", false); err != nil || got.Restricted != PasswordExpired ||
		f.count("sAMAccountName") != 1 {
		t.Errorf("D-31: later: %+v, %v, asked %d times", got, err, f.count("sAMAccountName"))
	}
}

// TestRefusedBind: what the answer to a bind says of an account is told to who knew the
// password; of a locked one the record alone has it (D-32).
func TestRefusedBind(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	f.bind = func(name, password string) int64 {
		if password == "pw-of-test" {
			return 0
		}
		return 49
	}
	d := f.directory(nil)
	for code, want := range map[string]Restriction{"530": OutOfHours, "531": OtherWorkstation, "532": PasswordExpired,
		"533": Disabled, "701": Expired, "773": MustChange} {
		f.tell("8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data " + code + ", v1db1")
		if got, err := d.Check(context.Background(), "alice", "wonderland"); err != nil || got.Restricted != want {
			t.Errorf("D-32: data %s: %+v, %v; want %v", code, got, err, want)
		}
	}
	for says, locked := range map[string]bool{"x, data 775, v": true, "x, data 52e, v": false, "x, data 525, v": false,
		"data 533": false, "": false, "x, data 5333, v": false, ", data 999999999999533, ": false} {
		f.tell(says)
		var wrong *WrongPassword
		if got, err := d.Check(context.Background(), "alice", "wonderland"); got != nil || !errors.As(err, &wrong) ||
			wrong.Locked != locked {
			t.Errorf("D-32: %q: %+v, %v", says, got, err)
		}
	}
}

// tell sets what the server says beside the code of a bind.
func (f *fake) tell(says string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.says = says
}

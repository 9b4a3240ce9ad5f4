package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
)

// past1601 is a time in units of 100 ns since 1601.
func past1601(at time.Time) int64 { return at.Unix()*10_000_000 + filetime.UnixEpoch }

// filetimeText is a time as attributes have it.
func filetimeText(at time.Time) string { return fmt.Sprint(past1601(at)) }

// TestRestrictionFollowsFromAttributes checks each reason for which an account may not be used, from a server's
// attributes, and that an incomplete claim rejects the account (D-11, D-12, D-31).
func TestRestrictionFollowsFromAttributes(t *testing.T) {
	now := time.Now()
	hour := int(now.UTC().Weekday())*24 + now.UTC().Hour()
	only, except := make([]byte, hoursOfAWeek), []byte(strings.Repeat("\xff", hoursOfAWeek))
	only[hour/8], except[hour/8] = 1<<(hour%8), 0xff&^(1<<(hour%8))
	never, hours := fmt.Sprint(int64(1<<63-1)), strings.Repeat("\xff", hoursOfAWeek)
	ago, later := filetimeText(now.Add(-time.Second)), filetimeText(now.Add(time.Hour))
	is := func(name string, values ...string) func(*world) {
		return func(w *world) { w.set(name, values...) }
	}
	both := func(one, other func(*world)) func(*world) {
		return func(w *world) { one(w); other(w) }
	}
	computesNothing := func(w *world) {
		alone := groupsWorld(nil, nil)
		w.root, w.entries = alone.root, alone.entries
	}
	for _, c := range []struct {
		what   string
		change func(*world)
		want   Restriction
		fails  bool
	}{
		{"nothing", is("accountExpires", "0"), 0, false},
		{"expired", is("accountExpires", ago), Expired, false},
		{"no flags", is("userAccountControl"), 0, true},
		{"a lock that is over", is("lockoutTime", ago), 0, false},
		{"too old, says the server", is(computedControl, "8388608"), PasswordExpired, false},
		{"too old", is(computedExpiry, ago), PasswordExpired, false},
		{"not yet too old", is(computedExpiry, later), 0, false},
		{"never too old", is(computedExpiry, never), 0, false},
		{"too old by the server's word", both(is(computedExpiry, later), is(computedControl, "8388608")), PasswordExpired,
			false},
		{"to be changed", is(computedExpiry, "0"), MustChange, false},
		{"to be changed, and never too old", both(is(computedExpiry, "0"), is("userAccountControl", "66048")), MustChange,
			false},
		{"to be changed, which no server computes", both(computesNothing, is("pwdLastSet", "0")), MustChange, false},
		{"no number", is(computedExpiry, "soon"), 0, true},
		{"this hour alone", is("logonHours", string(only)), 0, false},
		{"all hours but this", is("logonHours", string(except)), OutOfHours, false},
		{"no hour", is("logonHours", string(make([]byte, hoursOfAWeek))), OutOfHours, false},
		{"an empty list", is("logonHours"), 0, false}, {"hours of no byte", is("logonHours", ""), 0, false},
		{"hours of one byte", is("logonHours", "x"), 0, true},
		{"hours of six days", is("logonHours", string(except[:18])), 0, true},
		{"hours of eight days", is("logonHours", string(except)+"abc"), 0, true},
		{"hours twice", is("logonHours", hours, hours), 0, true},
		{"a claim in ranges", is("department;range=0-0", "sales"), 0, true},
		{"a claim of an empty part", is("department;range=0-0"), 0, true},
	} {
		w := newWorld()
		c.change(w)
		d := serve(t, w.answer).directory(func(cfg *Config) {
			cfg.Now = func() time.Time { return now }
			cfg.Claims = map[string]Claim{"dept": {Attribute: "department", Type: 3}}
		})
		got, err := d.Find(context.Background(), "alice", false)
		check.That(t, (err != nil) == c.fails && (err != nil || got.Restricted == c.want),
			"D-31: %s: %+v, %v; want %v", c.what, got, err, c.want)
	}
}

// TestOnlyPasswordHolderLearnsRestriction checks that a rejected bind reveals restrictions only to a client with the
// password. A lock is for the record only (D-32).
func TestOnlyPasswordHolderLearnsRestriction(t *testing.T) {
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
		f.setBindText("8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data " + code + ", v1db1")
		got, err := d.Check(context.Background(), "alice", false, "wonderland")
		check.That(t, err == nil && got.Restricted == want, "D-32: data %s: %+v, %v; want %v", code, got, err, want)
	}
	for text, locked := range map[string]bool{"x, data 775, v": true, "x, data 52e, v": false, "x, data 525, v": false,
		"data 533": false, "": false, "x, data 5333, v": false, ", data 999999999999533, ": false} {
		f.setBindText(text)
		var wrong *WrongPassword
		got, err := d.Check(context.Background(), "alice", false, "wonderland")
		check.That(t, got == nil && errors.As(err, &wrong) &&
			wrong.Locked == locked, "D-32: %q: %+v, %v, want WrongPassword, locked: %t", text, got, err, locked)
	}
}

// setBindText sets the diagnostic message of a bind.
func (f *fake) setBindText(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

// TestRestrictionsHaveAnOrder checks the order of restrictions: disabled, expired, locked, password must
// change, password expired, hours. The server's computed lock and password state precede the
// account's attributes (D-11, D-31).
func TestRestrictionsHaveAnOrder(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	before, later := now.Add(-time.Hour), now.Add(time.Hour)
	never := make([]byte, hoursOfAWeek)
	d := &Directory{cfg: Config{Now: func() time.Time { return now }}}
	met := map[Restriction]int{}
	for n := range 1 << 11 {
		bit := func(i int) bool { return n>>i&1 == 1 }
		pick := func(i int, yes, no string) string {
			if bit(i) {
				return yes
			}
			return no
		}
		e := &entry{}
		control := 0x200
		if bit(0) {
			control |= 2
		}
		if bit(1) {
			control |= 0x10000
		}
		e.add("userAccountControl", map[int]string{0x200: "512", 0x202: "514", 0x10200: "66048", 0x10202: "66050"}[control])
		e.add("accountExpires", pick(2, filetimeText(before), filetimeText(later)))
		e.add("lockoutTime", pick(3, filetimeText(before), "0"))
		e.add("pwdLastSet", pick(4, "0", filetimeText(before)))
		if bit(5) {
			e.add("logonHours", string(never))
		}
		c := computed{control: -1, expiry: -1}
		if bit(6) { // the server computes locks
			c.control = 0
			if bit(7) {
				c.control |= 0x10
			}
			if bit(8) {
				c.control |= 0x800000
			}
		}
		if bit(9) { // and of the password
			c.expiry = past1601(later)
			if bit(10) {
				c.expiry = past1601(before)
			} else if bit(8) && !bit(6) {
				c.expiry = 0
			}
		}
		var want Restriction
		locked, must := bit(3), bit(4) && !bit(1)
		if bit(6) {
			locked = bit(7)
		}
		if bit(9) {
			must = c.expiry == 0
		}
		switch {
		case bit(0):
			want = Disabled
		case bit(2):
			want = Expired
		case locked:
			want = Locked
		case must:
			want = MustChange
		case bit(6) && bit(8), bit(9) && bit(10):
			want = PasswordExpired
		case bit(5):
			want = OutOfHours
		}
		var f Found
		err := d.restrict(&f, e, &c)
		if met[want]++; err != nil || f.Restricted != want {
			t.Fatalf("D-31: %011b, %+v: %v, %v, want %v", n, c, f.Restricted, err, want)
		}
	}
	check.Equal(t, fmt.Sprint(Disabled, Restriction(99)), "disabled restriction 99", "the names of restrictions")
	for _, r := range []Restriction{0, Disabled, Expired, Locked, MustChange, PasswordExpired, OutOfHours} {
		check.That(t, met[r] >= 5, "%v is met %d times, want at least 5", r, met[r])
	}
}

package ldap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/sid"
)

// TestConnectionsGivenBack: as many connections wait as may, those beyond them and those that failed are closed; what
// the directory refuses is said on a connection that goes on.
func TestConnectionsGivenBack(t *testing.T) {
	d := &Directory{idle: make(chan *conn, maxIdle)}
	for i, keep := range []bool{true, false, true, true, true, true, false} {
		here, there := net.Pipe()
		c := &conn{Conn: goldap.NewConn(here, false), meter: &meter{Conn: here}}
		c.Start()
		if err := there.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		before := len(d.idle)
		d.give(c, keep)
		kept := keep && before < maxIdle
		if len(d.idle)-before != map[bool]int{true: 1}[kept] {
			t.Errorf("connection %d: %d wait, %d before", i, len(d.idle), before)
		}
		if !kept { // it ends, and nothing waits for it
			if n, err := there.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("connection %d: %d bytes, %v", i, n, err)
			}
		}
	}
	if err := d.Close(); err != nil || len(d.idle) != 0 {
		t.Errorf("closed, %d wait, %v", len(d.idle), err)
	}
	f := serve(t, newWorld().answer)
	asker := f.directory(nil)
	for _, name := range []string{"alice", "none", "alice", "none"} {
		_, err := asker.Find(context.Background(), name, false)
		if (err != nil) != (name == "none") || len(asker.idle) != 1 {
			t.Errorf("after %s %d connections wait, %v", name, len(asker.idle), err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.conns) != 1 || len(f.binds) != 1 {
		t.Errorf("%d connections, binds %q", len(f.conns), f.binds)
	}
}

// TestLines: a value stands as it is where RFC 2849 lets it: ASCII without controls, that does not begin with a blank,
// a colon or a less-than sign and does not end with a blank; others are in base64 (D-23).
func TestLines(t *testing.T) {
	for value, as := range map[string]bool{"a": true, "top": true, "a b:<": true, "~": true, "!": true, "": false,
		" a": false, ":a": false, "<a": false, "a ": false, "\x1f": false, "a\nb": false, "\x7f": false, "\x80": false,
		"é": false, "a\x00": false} {
		var b strings.Builder
		out := bufio.NewWriter(&b)
		line(out, "name", []byte(value))
		want := "name:: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n"
		if as {
			want = "name: " + value + "\n"
		}
		if err := out.Flush(); err != nil || b.String() != want {
			t.Errorf("D-23: %q is %q, want %q", value, b.String(), want)
		}
	}
	e := &entry{DN: "CN=a"}
	for name, value := range map[string]string{"objectSid": "s", "msDS-GroupMSAMembership": "m", "other": "o"} {
		e.add(name, value)
	}
	e.add("nTSecurityDescriptor", "d ")
	e.Attributes = append(e.Attributes, &goldap.EntryAttribute{Name: "objectClass",
		ByteValues: [][]byte{[]byte("top"), []byte("user")}})
	var b strings.Builder
	out := bufio.NewWriter(&b)
	const want = "dn: CN=a\nobjectClass: top\nobjectClass: user\nobjectSid: s\nnTSecurityDescriptor:: ZCA=\n" +
		"msDS-GroupMSAMembership: m\n\n"
	if err := errors.Join(e.write(out), out.Flush()); err != nil || b.String() != want {
		t.Errorf("D-23: %q, %v, want %q", b.String(), err, want)
	}
	e.add("objectSid", "twice")
	if err := e.write(bufio.NewWriter(io.Discard)); err == nil || err.Error() !=
		`ldap: "CN=a": objectSid is not told once` {
		t.Errorf("D-23: a SID twice: %v", err)
	}
}

// TestTakenIDs: what an entry says of an id, and what of it says nothing (D-34, L-59).
func TestTakenIDs(t *testing.T) {
	alice := domain.WithRID(1104)
	for what, c := range map[string]struct {
		sids []string
		id   string // "": the account has none
		want idAnswer
		why  string
	}{
		"an id":        {[]string{alice.Binary()}, "5001", idAnswer{sid: alice, id: 5001, found: true}, ""},
		"zero":         {[]string{alice.Binary()}, "0", idAnswer{sid: alice, found: true}, ""},
		"the largest":  {[]string{alice.Binary()}, "2147483647", idAnswer{sid: alice, id: 2147483647, found: true}, ""},
		"none":         {[]string{alice.Binary()}, "", idAnswer{sid: alice}, ""},
		"below zero":   {[]string{alice.Binary()}, "-1", idAnswer{sid: alice}, ""},
		"larger":       {[]string{alice.Binary()}, "2147483648", idAnswer{}, "uidNumber of " + alice.String()},
		"no number":    {[]string{alice.Binary()}, "x", idAnswer{}, "uidNumber of " + alice.String()},
		"no SID":       {nil, "5001", idAnswer{}, "an account with an id has no SID"},
		"two SIDs":     {[]string{alice.Binary(), domain.WithRID(1105).Binary()}, "5001", idAnswer{}, "has no SID"},
		"half a SID":   {[]string{alice.Binary()[:9]}, "5001", idAnswer{}, "has no SID"},
		"a SID behind": {[]string{alice.Binary() + "x"}, "5001", idAnswer{}, "has no SID"},
	} {
		e := &entry{}
		for _, s := range c.sids {
			e.add("objectSid", s)
		}
		if c.id != "" {
			e.add("uidNumber", c.id)
		}
		var a idAnswer
		err := a.take(e, "uidNumber")
		if a != c.want || (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("D-34: %s: %+v, %v, want %+v, %q", what, a, err, c.want, c.why)
		}
		was := idAnswer{sid: sid.MustParse("S-1-5-21-1-1-1-1"), id: 3, found: true}
		if err := was.take(e, "uidNumber"); !errors.Is(err, errMany) || was.id != 3 || !was.found {
			t.Errorf("L-59: a second account, of %s: %+v, %v", what, was, err)
		}
	}
}

// TestRestrictionsOfTwin: of all that may limit an account at once the first of this order is told: that it is
// disabled, has expired, is locked, that its password must be changed or is too old, that the hour is not its own. The
// server's own word for a lock and a password counts before what the account's attributes say (D-11, D-31).
func TestRestrictionsOfTwin(t *testing.T) {
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
		e.add("accountExpires", pick(2, filetime(before), filetime(later)))
		e.add("lockoutTime", pick(3, filetime(before), "0"))
		e.add("pwdLastSet", pick(4, "0", filetime(before)))
		if bit(5) {
			e.add("logonHours", string(never))
		}
		c := computed{control: -1, expiry: -1}
		if bit(6) { // the server tells of locks
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
	for _, r := range []Restriction{0, Disabled, Expired, Locked, MustChange, PasswordExpired, OutOfHours} {
		if met[r] < 5 {
			t.Errorf("%v is met %d times", r, met[r])
		}
	}
}

// past1601 is a time in units of 100 ns since 1601.
func past1601(at time.Time) int64 { return at.Unix()*10_000_000 + unixEpoch }

// TestBrokenExport: where the connection breaks amid the objects, they are not written a second time (D-5, D-23).
func TestBrokenExport(t *testing.T) {
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if a.base == "" || !a.below {
			return w.answer(a)
		}
		described := map[string][]string{"nTSecurityDescriptor": {"x"}}
		more := goldap.NewControlPaging(1)
		more.SetCookie([]byte("more"))
		if a.cookie == "" {
			return [][]byte{found(a.id, "CN=a,"+base, described), found(a.id, "CN=b,"+base, nil),
				done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for c := range f.conns {
			_ = c.Close()
		}
		return nil
	}
	d := f.directory(nil)
	if err := d.with(t.Context(), func(c *conn) error { _, err := d.place(c); return err }); err != nil {
		t.Fatal(err) // the connection has answered before
	}
	var out bytes.Buffer
	n, unread, err := d.Objects(t.Context(), "", false, &out)
	var said *Error
	if !errors.As(err, &said) || said.Why != "the connection broke after 1 objects" || n != 1 || unread != 1 ||
		out.Len() != 0 {
		t.Errorf("D-23: %d and %d objects, %v:\n%s", n, unread, err, out.String())
	}
	// What this computer has accounts of is no domain's (D-15).
	own := serve(t, w.answer).directory(func(c *Config) { c.Machine = domain })
	if got, err := own.Find(t.Context(), "alice", false); got != nil || !errors.As(err, &said) {
		t.Errorf("D-15: the domain is this computer's: %+v, %v", got, err)
	}
}

package main

import (
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestShown: how the verbs that look into a daemon write rights, groups, names and times; what
// does not print in the name of a program is no control of the terminal (W-79).
func TestShown(t *testing.T) {
	for _, c := range []struct {
		typ  string
		mask winnt.AccessMask
		want string
	}{
		{"File", 0x1F01FF, "all rights"}, {"File", 0x3F01FF, "all rights"}, {"File", 0x1F01FE,
			"WRITE_DATA|APPEND_DATA|READ_EA|WRITE_EA|EXECUTE|DELETE_CHILD|READ_ATTRIBUTES|WRITE_ATTRIBUTES|DELETE|" +
				"READ_CONTROL|WRITE_DAC|WRITE_OWNER|SYNCHRONIZE"},
		{"Token", 0xF01FF, "all rights"}, {"Token", 0x8, "QUERY"}, {"Nonsense", 0x20008, "0x20008"},
	} {
		if got := rightNames(c.typ, c.mask); got != c.want {
			t.Errorf("%s %#x: %q, want %q", c.typ, uint32(c.mask), got, c.want)
		}
	}
	h := nt.ProcessHandle{GrantedAccess: 8}
	if a, b := named("x\x1b", "Token", h), named("", "Token", h); a != "x\ufffd  QUERY" || b != "QUERY" {
		t.Errorf("names %q, %q", a, b)
	}
	// Enabled is 4, for deny entries only 0x10, integrity 0x20 (MS-DTYP, winnt.h).
	for a, want := range map[uint32]string{7: "", 4: "", 0x60: "", 0x20: "", 3: ", switched off", 0: ", switched off",
		0x10: ", for deny entries only", 0x14: ", for deny entries only"} {
		if got := attributes(a); got != want {
			t.Errorf("attributes %#x: %q, want %q", a, got, want)
		}
	}
	for _, c := range []struct {
		text, want string
		width      int
	}{{"abc", "abc", 3}, {"abcd", "ab…", 3}, {"äöüß", "äöüß", 4}, {"äöüßx", "äöü…", 4}, {"a\x1bb", "a\ufffdb", 3}} {
		if got := short(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.width, got, c.want)
		}
	}
	for _, c := range []struct {
		v    any
		st   ntstatus.Status
		want string
		time int64
	}{{"a", 0, "a", 0}, {"a", ntstatus.AccessDenied, "?", 0}, {nil, 0, "?", 0},
		{nt.KernelUserTimes{CreateTime: 7, ExitTime: 9}, 0, "?", 7},
		{nt.KernelUserTimes{CreateTime: 7}, ntstatus.AccessDenied, "?", 0}} {
		if got, at := text(c.v, c.st), times(c.v, c.st); got != c.want || at != c.time {
			t.Errorf("%v, %v: %q, %d, want %q, %d", c.v, c.st, got, at, c.want, c.time)
		}
	}
}

// TestWhen: a FILETIME counts tenths of microseconds from 1601; what is of today has no
// date.
func TestWhen(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.Local)
	filetime := (at.Unix() + 11644473600) * 10_000_000
	if got := when(filetime); got != "2001-02-03 04:05" || when(0) != "" {
		t.Errorf("got %q and %q", got, when(0))
	}
	for range 2 { // the day may end between the two
		now := time.Now()
		if got := clock(now); got == now.Format("15:04:05") {
			break
		} else if time.Now().YearDay() == now.YearDay() {
			t.Errorf("now: %q", got)
		}
	}
	now := time.Now()
	for _, then := range []time.Time{now.AddDate(0, 0, -1), now.AddDate(-4, 0, 0)} {
		if got := clock(then); got != then.Format("2006-01-02 15:04") {
			t.Errorf("%v: %q", then, got)
		}
	}
}

// TestOwners: the daemon's user is a number or a name of this host.
func TestOwners(t *testing.T) {
	for name, want := range map[string]uint32{"0": 0, "4294967295": 4294967295, "root": 0} {
		if uid, err := userID(name); err != nil || uid != want {
			t.Errorf("%s: %d, %v, want %d", name, uid, err, want)
		}
	}
	for _, name := range []string{"4294967296", "-1", "stranger-of-that-name"} {
		if uid, err := userID(name); err == nil {
			t.Errorf("%s: %d", name, uid)
		}
	}
	for _, c := range []accountCmd{{Socket: "/nonexistent/s"}, {Socket: "/nonexistent/s", Owner: "stranger-of-that-name"},
		{Socket: "/nonexistent/s", Owner: "0"}} {
		if err := (accountLockCmd{Name: "a"}).Run(&c); err == nil {
			t.Errorf("%+v: a daemon that is not there answered", c)
		}
		if err := (accountListCmd{}).Run(&streams{out: os.Stderr, err: os.Stderr}, &c); err == nil {
			t.Errorf("%+v: a daemon that is not there answered", c)
		}
	}
}

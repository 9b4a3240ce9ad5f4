package daemon

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestRevocationSelectsFilesOfMembers checks that a revocation of a group covers the files of users who are members now
// or were at the open, and no file that a process opened for itself (W-98).
func TestRevocationSelectsFilesOfMembers(t *testing.T) {
	group := sid.MustParse("S-1-5-21-1-2-3-2000")
	r := revocation{who: group, users: map[sid.SID]bool{sid.MustParse("S-1-22-1-7"): true}}
	for spec, want := range map[string]bool{`{"user":"S-1-22-1-7"}`: true, `{"user":"S-1-22-1-8"}`: false,
		`{"user":"S-1-22-1-8","groups":["S-1-5-21-1-2-3-2000"]}`:                                           true,
		`{"user":"S-1-22-1-8","groups":[{"sid":"S-1-5-21-1-2-3-2000","attributes":["EnabledByDefault"]}]}`: true,
		`{"user":"S-1-22-1-8","groups":[{"sid":"S-1-5-21-1-2-3-2000","attributes":["UseForDenyOnly"]}]}`:   false} {
		client := check.Must(token.Parse([]byte(spec)))
		check.Equal(t, r.holds(client, `\Device\share\a`), want, "W-98: the file of %s is covered", spec)
	}
	check.That(t, !r.holds(nil, `\Device\share\a`), "W-98: the file of a process is covered")
	// Two cases of a letter can have UTF-8 forms of different lengths.
	named := &revocation{name: "\\vol\\\u023A"}
	for name, want := range map[string]bool{"\\vol\\\u2C65": true, "\\VOL\\\u2C65\\f": true, "\\vol\\\u023A": true,
		"\\vol\\\u2C65f": false, "\\vol": false, "": false} {
		check.Equal(t, named.holds(nil, name), want, "W-98: the file %q is covered by %q", name, named.name)
	}
	r.seen = map[sid.SID]bool{sid.MustParse("S-1-22-1-8"): true} // a member at another open
	later := check.Must(token.Parse([]byte(`{"user":"S-1-22-1-8"}`)))
	check.That(t, !r.holds(later, `\Device\share\a`), "W-99: an open for which the user was no member is covered")
	for text, want := range map[string]bool{"S-1-22-1-7": true, "S-1-22-2-7": true, "S-1-5-21-1-2-3-4": true,
		"S-1-5-18": false, "S-1-1-0": false} {
		check.Equal(t, account(sid.MustParse(text)), want, "W-98: %s can be revoked", text)
	}
}

// TestRevocationOfCallerIsRefused checks that a caller can revoke neither the user of its connection nor the client
// that its thread impersonates (W-98).
func TestRevocationOfCallerIsRefused(t *testing.T) {
	const own, client = "S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-501"
	as := func(user string) *token.Token {
		return check.Must(token.Parse([]byte(`{"user":"` + user + `","privileges":["SeDebugPrivilege"]}`)))
	}
	who := access.SubjectOf(as(client))
	l := inspector{d: &Daemon{}, who: &who}
	for _, user := range []string{own, client} {
		_, st := l.revoke(&connection{token: as(own)}, &inspect.Query{User: user})
		check.Equal(t, st, ntstatus.InvalidParameter, "W-98: a revocation of %s", user)
	}
}

// TestRemainingFilesAreBounded checks that a reply lists at most 4096 files that remain, and counts the others (W-101).
func TestRemainingFilesAreBounded(t *testing.T) {
	var a inspect.Revoked
	for range mostRemaining + 2 {
		remain(&a, inspect.Remaining{})
	}
	check.That(t, len(a.Remains) == mostRemaining && a.More == 2, "W-101: %d files and %d more, want %d and 2",
		len(a.Remains), a.More, mostRemaining)
}

// TestRevocationReportsRemainsOfOthers checks that a reply lists the files that other parts of the program cannot close
// (W-101).
func TestRevocationReportsRemainsOfOthers(t *testing.T) {
	d, bob := ownDaemon(t)
	d.revoke.others = func(holds func(*token.Token, string) bool) []inspect.Remaining {
		return []inspect.Remaining{{Name: `\vol\f`, UID: 7}, {Name: fmt.Sprint(holds(bob, `\vol\f`))}}
	}
	got := d.end(&revocation{name: `\vol`}, false)
	check.SlicesEqual(t, got.Remains, []inspect.Remaining{{Name: `\vol\f`, UID: 7}, {Name: "true"}}, "W-101: remains")
}

// TestRevocationListsDescriptorsOfItsUsers checks which of a program's descriptors remain after a revocation of a
// group: those for a user of an ended token, also without an open file, and those for a user of an ended file. The
// entry of the files that are not listed remains only if the program received one of them for a client (W-101).
func TestRevocationListsDescriptorsOfItsUsers(t *testing.T) {
	client := func(rid uint32) sid.SID { return sid.MustParse(fmt.Sprint("S-1-22-1-", rid)) }
	r := &revocation{who: sid.MustParse("S-1-5-21-1-2-3-2000"), users: map[sid.SID]bool{client(7): true},
		seen: map[sid.SID]bool{client(8): true}}
	for _, further := range []sid.SID{{}, client(9)} {
		c, got := &connection{}, &inspect.Revoked{}
		c.session.Store(&session{})
		for i, who := range []sid.SID{{}, client(7), client(8), client(9)} {
			c.passed.add(&kernel.HandedOut{Name: fmt.Sprint(i), Client: who}, quota.Payer{})
		}
		for i := range mostPassed {
			c.passed.add(&kernel.HandedOut{Name: fmt.Sprint("own", i), Client: further}, quota.Payer{})
		}
		want := "1 2"
		if !further.IsZero() {
			want += " "
		}
		new(Daemon).keepsDescriptors(r, c, false, got)
		var names []string
		for _, e := range got.Remains {
			names = append(names, e.Name)
		}
		check.Equal(t, strings.Join(names, " "), want, "W-101: what remains, with further files of %v", further)
	}
}

// TestRevocationDuringAttachIsNotMissed checks that a connection that is attached while its user is revoked ends, or
// acts with the powerless token of its process (W-98).
func TestRevocationDuringAttachIsNotMissed(t *testing.T) {
	d, bob := ownDaemon(t)
	for range 300 {
		p := check.Must(d.sys.CreateProcess(kernel.ProcessSpec{Name: "program", Token: bob}))
		var attaching sync.WaitGroup
		attaching.Go(func() { d.attachTo(t, p) })
		who := bob.User().SID
		d.end(&revocation{who: who, users: map[sid.SID]bool{who: true}, seen: map[sid.SID]bool{}}, false)
		attaching.Wait()
		check.Eventually(t, func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			for c := range d.connections {
				if c.process == p {
					return c.session.Load() != nil && c.token.Present() == 0
				}
			}
			return true // it has ended
		}, "W-98: the program has the rights of its user")
	}
}

// TestProcessEndedDuringAttachEndsConnection checks that a connection ends if its process ended before the connection
// was set up (W-76).
func TestProcessEndedDuringAttachEndsConnection(t *testing.T) {
	d, bob := ownDaemon(t)
	p := check.Must(d.sys.CreateProcess(kernel.ProcessSpec{Name: "program", Token: bob}))
	p.Exit()
	d.attachTo(t, p)
	check.Eventually(t, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.connections) == 0
	}, "W-76: the connection of a process that has ended is open")
}

// noIdentity is an Identity without a LogOn method.
type noIdentity struct{ Identity }

// ownDaemon starts a daemon until the end of the test, and returns the token of a user with a privilege.
func ownDaemon(t *testing.T) (*Daemon, *token.Token) {
	t.Helper()
	dir := t.TempDir()
	d := check.Must(Start(Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "socket"),
		Identity: noIdentity{}}))
	t.Cleanup(func() { check.NoError(t, d.Close()) })
	return d, check.Must(token.Parse([]byte(`{"user":"S-1-22-1-7","privileges":["SeChangeNotifyPrivilege"]}`)))
}

// attachTo attaches a connection that sends nothing to the process, until the end of the test.
func (d *Daemon) attachTo(t *testing.T, p *kernel.Process) {
	t.Helper()
	f, st := (&connection{d: d}).child(p, "", 7, &unix.Peer{Known: true, UID: 7}, false)
	check.Equal(t, st, ntstatus.Success, "the new connection") // FailNow must not be called from a goroutine
	t.Cleanup(func() { _ = f.Close() })
}

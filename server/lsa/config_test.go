package lsa

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestComputerNameDefaultsToHost checks the default computer name: the host's in capitals without its domain. A
// configured name is only put in capitals.
func TestComputerNameDefaultsToHost(t *testing.T) {
	for _, c := range []struct{ host, given, want string }{
		{"alpha", "", "ALPHA"}, {"alpha.example.org", "", "ALPHA"}, {"alpha.example.org", "beta", "BETA"},
	} {
		got, err := make(chan string), error(nil)
		go func() {
			defer close(got)
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, in its UTS namespace until then
			if err = unix.Unshare(unix.CLONE_NEWUTS); err == nil {
				err = unix.Sethostname([]byte(c.host))
			}
			if err != nil {
				return
			}
			s, failed := Open(Config{Folder: t.TempDir(), Computer: c.given, Password: cheap, Subuids: []string{}})
			if failed != nil {
				got <- failed.Error()
				return
			}
			m := s.Computer()
			got <- fmt.Sprint(m.Domain, s.Close())
		}()
		name, ok := <-got
		if !ok {
			t.Skip("a host of its own cannot be made here: ", err)
		}
		if want := fmt.Sprint(c.want, error(nil)); name != want {
			t.Errorf("on %s with %q the computer is %q, want %q", c.host, c.given, name, want)
		}
	}
}

// TestConfigDefaultsReachThrottle checks that the default cost of a password applies to new hashes and to the hash of
// an unknown name. Otherwise the time of a logon would show which names exist.
func TestConfigDefaultsReachThrottle(t *testing.T) {
	for _, c := range []struct{ given, want Hashing }{
		{Hashing{}, Hashing{Memory: 64 << 10, Passes: 3}}, {Hashing{Memory: 8}, Hashing{Memory: 8, Passes: 3}},
		{cheap, cheap},
	} {
		s := check.Must(newStore(Config{Computer: "host", Password: c.given, Subuids: []string{}}))
		check.Equal(t, s.cfg.Password, c.want, "cost of a new hash with the configuration %+v", c.given)
		check.Equal(t, s.throttle.decoy.cost, c.want, "cost for an unknown name with the configuration %+v", c.given)
		check.That(t, s.cfg.Now != nil && s.throttle.pairs.Now != nil, "without a configured clock the store has none")
	}
	now := func() time.Time { return time.Unix(7, 0) }
	s := check.Must(newStore(Config{Computer: "host", Password: cheap, Subuids: []string{}, Now: now}))
	check.That(t, s.cfg.Now() == now() && s.throttle.pairs.Now() == now(), "the configured clock is not used")
}

// TestConfigDefaultsToFilesOfHost checks that a store reads the subordinate ids of the host's files, unless the
// configuration names other files or none (L-24).
func TestConfigDefaultsToFilesOfHost(t *testing.T) {
	for _, c := range []struct{ given, want []string }{
		{nil, []string{"/etc/subuid", "/etc/subgid"}}, {[]string{}, nil}, {[]string{"/ids"}, []string{"/ids"}},
	} {
		s := check.Must(newStore(Config{Computer: "host", Password: cheap, Subuids: c.given}))
		check.SlicesEqual(t, s.subids.Names, c.want, "L-24: the files of subordinate ids with %q", c.given)
	}
}

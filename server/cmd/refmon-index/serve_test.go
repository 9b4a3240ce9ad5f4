package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/queries"
)

// TestContradictoryFlagsAreRejected checks that a run with a NATS server of its own rejects the flags of query servers,
// that --ask needs --socket, that an unknown user may not ask, and that a section of smb.conf excludes sources that
// cannot apply it.
func TestContradictoryFlagsAreRejected(t *testing.T) {
	for _, s := range []serving{{Socket: "/run/query.sock"}, {Ask: []string{"0"}}} {
		err := (&runCmd{messages: messages{Nats: true}, serving: s}).Run(nil)
		check.ErrorIs(t, err, errServed, "--nats with %+v", s)
	}
	err := (&runCmd{serving: serving{Ask: []string{"0"}}}).Run(nil)
	check.ErrorIs(t, err, errAsk, "--ask without --socket")
	if uids, err := (&serving{Ask: []string{"0", "no such user"}}).uids(); err == nil {
		t.Errorf("an unknown user of --ask gives %v, want an error", uids)
	}
	for line := range strings.Lines(string(check.Must(os.ReadFile("/etc/passwd")))) { // many accounts have another gid
		f := strings.Split(line, ":")
		uids := check.Must((&serving{Ask: []string{f[0]}}).uids())
		check.Equal(t, fmt.Sprint(uids), "["+f[2]+"]", "the uid of %s", f[0])
	}
	config := filepath.Join(t.TempDir(), "smb.conf")
	check.NoError(t, os.WriteFile(config, []byte("[docs]\npath = /srv\navailable = no\n"), 0o600))
	for name, c := range map[string]runCmd{"--nats": {messages: messages{Nats: true}}, "--watch": {Watch: "/run/watch"}} {
		c.Share = []string{config + ":docs"}
		if _, _, err := c.share(nil); err == nil {
			t.Errorf("a section of smb.conf with %s is no error", name)
		}
	}
	_, _, err = (&runCmd{Share: []string{"O:SYG:SY"}}).share(nil)
	check.That(t, err != nil && strings.Contains(err.Error(), "--share: want a DACL"), "F-111: %v", err)
	notes := map[string]int{}
	_, guard, err := (&runCmd{Share: []string{config + ":docs"}}).share(func(err error) { notes[err.Error()]++ })
	check.NoError(t, err)
	for range 2 {
		check.NoError(t, check.Err(guard.Apply(check.Must(directory.New(&directory.Accounts{})))))
	}
	check.Equal(t, notes["[docs] available = no matters and is not read"], 1, "one note, for two directories: %v", notes)
}

// TestFailedSocketClosesTheOther checks that the server in the folder of the index ends if that of --socket cannot
// start.
func TestFailedSocketClosesTheOther(t *testing.T) {
	state := t.TempDir()
	none := &serving{Socket: filepath.Join(state, "none", "query.sock")}
	end, err := none.serve(state, nil, func(err error) { t.Error(err) })(nil)
	check.That(t, err != nil && end == nil, "a socket in a missing folder is no error")
	if _, err := os.Stat(filepath.Join(state, queries.SocketName)); !os.IsNotExist(err) {
		t.Errorf("the socket of the index is still there: %v", err)
	}
}

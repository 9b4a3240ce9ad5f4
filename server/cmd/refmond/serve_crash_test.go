package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/winnt"
)

// writers is the number of connections that change accounts concurrently.
const writers = 3

// TestKillLosesNoAcknowledgedChange kills refmond during account changes and logons. Each acknowledged change is
// present afterwards, once and complete, and so are its record and the record of each acknowledged
// logon (L-39, L-50, L-48, U-61). REFMON_KILLS sets the number of kills: 3 by default, 10 with REFMON_DEEP=1.
func TestKillLosesNoAcknowledgedChange(t *testing.T) {
	kills := max(3, randtest.Count(t, "REFMON_KILLS", 10))
	p := build(t)
	var acknowledged []string
	refused := 0
	for round := range kills {
		done, n := p.killRound(round)
		acknowledged = append(acknowledged, done...)
		refused += n
	}
	_, end := p.serve()
	list := p.must("", "list")
	listed := map[string]int{}
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(line, " ")
		listed[name]++
	}
	end()
	created, failures := p.trail()
	t.Logf("%d kills: %d changes and %d refused logons were answered, %d accounts are there", kills, len(acknowledged),
		refused, len(listed)-1)
	if len(acknowledged) < kills*writers || refused < kills {
		t.Errorf("only %d changes and %d refused logons before the kills, want at least %d, at least %d",
			len(acknowledged), refused, kills*writers, kills)
	}
	for _, name := range acknowledged {
		check.That(t, listed[name] == 1 && created[name] == 1,
			"%s was answered: %d times listed, %d records (L-39, L-50), want 1, 1", name, listed[name], created[name])
	}
	check.That(t, failures >= refused,
		"%d refused logons were answered, %d are records (L-49), want at least %d", refused, failures, refused)
}

// killRound starts refmond, adds accounts and fails logons on several connections, and kills refmond after each
// connection got a few replies. It returns the names of the acknowledged accounts and the number of acknowledged failed
// logons.
func (p *program) killRound(round int) (done []string, refused int) {
	p.Helper()
	cmd, end := p.serve()
	defer end()
	var mu sync.Mutex
	var all sync.WaitGroup
	busy := make(chan struct{}, 2*writers) // one from each connection after its replies
	for w := range writers {
		changes, logons := p.dial(p.admin), p.dial(p.socket)
		all.Go(func() {
			repeatUntilError(busy, func(i int) error {
				name := fmt.Sprintf("u%d-%d-%d", round, w, i)
				if _, err := admin.Ask(changes.Administer, admin.Request{Do: admin.AddAccount, Name: name}); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				done = append(done, name)
				return nil
			})
		})
		all.Go(func() {
			repeatUntilError(busy, func(int) error {
				if err := guess(logons); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				refused++
				return nil
			})
		})
	}
	for range 2 * writers {
		<-busy
	}
	check.NoError(p, cmd.Process.Kill())
	all.Wait()
	return done, refused
}

// repeatUntilError calls f until it fails. It reports to busy after the second call or at the end.
func repeatUntilError(busy chan<- struct{}, f func(i int) error) {
	reported := false
	for i := 0; ; i++ {
		err := f(i)
		if !reported && (i == 1 || err != nil) {
			reported = true
			busy <- struct{}{}
		}
		if err != nil {
			return
		}
	}
}

// guess requests a logon with a wrong password, whose record is durable before the answer (U-92). It returns an error
// once the daemon is gone.
func guess(c *client.Conn) error {
	_, st := c.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "zoe", Password: "wrong"}})
	if st != ntstatus.LogonFailure {
		return errors.New(st.String())
	}
	return nil
}

// trail returns the number of creation records of each account, and of records of rejected logons.
func (p *program) trail() (created map[string]int, failures int) {
	p.Helper()
	created = map[string]int{}
	for _, e := range trailOf(p, filepath.Join(p.dir, "state")) {
		switch change, _ := e.Field("Change"); {
		case e.ID == 4625:
			failures++
		case change == "account created":
			name, _ := e.Field("Target")
			created[name]++
		}
	}
	return created, failures
}

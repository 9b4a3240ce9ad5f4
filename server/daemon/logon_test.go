package daemon_test

import (
	"errors"
	"os"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// broken keeps no record.
type broken struct{}

func (broken) Write(audit.Event) error { return errors.New("the disk is full") }

// TestLogonRecord: each connection is a record, and under a policy that fails
// closed no connection is without (W-22).
func TestLogonRecord(t *testing.T) {
	closed, err := audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	})
	if err != nil {
		t.Fatal(err)
	}
	kept := audit.NewMemory(0, 0)
	log := &audit.Log{Sink: kept}
	log.Policy.Store(closed)
	d := start(t, func(c *daemon.Config) { c.Audit = log })
	d.dial()
	found := false
	for e := range kept.Events() {
		found = found || e.ID == 4624
	}
	if !found {
		t.Error("no record of the logon")
	}
	log = &audit.Log{Sink: broken{}}
	log.Policy.Store(closed)
	d = start(t, func(c *daemon.Config) { c.Audit = log })
	if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.AuditFailed.Err()) {
		t.Errorf("a logon without its record: %v", err)
	}
	d.settles()
}

// TestReplaceIdentity: who decides about tokens is replaced under the feet of
// those who are connected; they keep what they have (W-23).
func TestReplaceIdentity(t *testing.T) {
	d := start(t, nil)
	before := d.dial()
	d.SetIdentity(peer.Accounts{Administrators: []uint32{uint32(os.Getuid())}})
	after := d.dial()
	for _, x := range []struct {
		conn *client.Conn
		want bool
	}{{before, false}, {after, true}} {
		th := x.conn.Thread()
		h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		groups, st := th.NtQueryInformationToken(h, winnt.TokenGroups)
		if st != ntstatus.Success || holds(groups.([]token.Group), "S-1-5-32-544") != x.want {
			t.Errorf("%v, %s", groups, st)
		}
	}
}

package drills

import (
	"fmt"
	"testing"
)

// TestReviewerWalk is the walk of a reviewer with a shell as an ordinary user, and with one as the gateway's user:
// reading another user's file, changing the trail and becoming another account (docs/threats.md).
func TestReviewerWalk(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds five programs")
	}
	m := newMachine(t)
	m.configure("")
	m.populate()
	m.begin("refmon-gateway")
	values := fmt.Sprintf("REFMOND=%d STATE=/var/lib/refmon; ", m.runs["refmond"].cmd.Process.Pid)
	for name, uid := range map[string]uint32{"an ordinary user": bob, "the gateway's user": gateway} {
		for _, c := range tries {
			if out, err := m.run(uid, values+c.script); err == nil || !denied.MatchString(out) {
				t.Errorf("%s tries to %s: %s: %q, %v, want an error with %v", name, c.goal, c.script, out, err, denied)
			}
		}
	}
	if out, err := m.run(alice, "cat /mnt/projects/private/secret1"); err != nil || out != "secret 1" {
		t.Errorf("alice afterwards: %q, %v", out, err)
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		status, _, err := m.asks(m.web(), "GET", user, "/projects/private/secret1", "")
		if (status == 200) != (user == "alice") {
			t.Errorf("%s afterwards: %d, %v", user, status, err)
		}
	}
	m.stopAll()
	m.does("refmon audit verify /var/lib/refmon/audit")
}

package daemon_test

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestLongestQuestions: a question of 64 KiB and one about 4096 threads are answered, and none that is longer by one.
func TestLongestQuestions(t *testing.T) {
	d := start(t, nil)
	c := d.dial()
	ask := func(n int, tail string) string {
		return `{"what":"sessions"` + strings.Repeat(" ", n-18-len(tail)) + tail
	}
	threads := func(n int) string { return `{"what":"acting","threads":[4` + strings.Repeat(",4", n-1) + `]}` }
	for name, q := range map[string]struct {
		question string
		want     ntstatus.Status
	}{
		"64 KiB": {ask(64<<10, "}"), 0}, "a byte more": {ask(64<<10+1, "}"), ntstatus.InvalidParameter},
		"4096 threads": {threads(4096), 0}, "one more": {threads(4097), ntstatus.InvalidParameter},
	} {
		if b, err := c.Look([]byte(q.question)); !errors.Is(err, q.want.Err()) || (q.want == 0) != (len(b) > 0) {
			t.Errorf("%s: %.40s, %v, want %v", name, b, err, q.want)
		}
	}
}

// TestDenialInFull: what is told of a denial, each field: the first call is number 2, as 1 is the position before all
// (W-28).
func TestDenialInFull(t *testing.T) {
	d := start(t, nil)
	admin, a, _ := d.people()
	denials := daemon.Question{What: "denials"}
	if got := ask(t, admin, denials); !reflect.DeepEqual(got, daemon.Answer{Next: 1}) {
		t.Errorf("before any: %+v", got)
	}
	if got := ask(t, admin, daemon.Question{What: "calls"}); !reflect.DeepEqual(got, daemon.Answer{Next: 1}) {
		t.Errorf("calls, before any: %+v", got)
	}
	if n := d.Stats(); n.Denied != 0 || n.Watchers != 1 || n.Connections != 3 || n.Users != 1 || n.Refused != 0 {
		t.Errorf("before any: %+v", n)
	}
	begun := time.Now()
	if _, st := a.Thread().NtOpenProcess(winnt.PROCESS_TERMINATE, nil,
		&nt.ClientID{UniqueProcess: admin.Process()}); st != ntstatus.AccessDenied {
		t.Fatal(st)
	}
	got := ask(t, admin, denials)
	if len(got.Calls) != 1 || got.Calls[0].Time.Before(begun.Add(-time.Second)) || got.Calls[0].Time.After(time.Now()) {
		t.Fatalf("%+v", got)
	}
	lines := got.Calls[0].Lines
	got.Calls[0].Lines, got.Calls[0].Time = nil, time.Time{}
	want := daemon.Answer{Next: 2, Calls: []daemon.SeenCall{{Number: 2, Process: uint64(a.Process())}}}
	if !reflect.DeepEqual(got, want) || len(lines) < 2 || !strings.HasPrefix(lines[0], a.Thread().Name()+" ") {
		t.Errorf("%+v, %q, want %+v", got, lines, want)
	}
	if n := d.Stats(); n.Denied != 1 {
		t.Errorf("%d calls were denied", n.Denied)
	}
	if again := ask(t, admin, daemon.Question{What: "denials", After: 2}); !reflect.DeepEqual(again,
		daemon.Answer{Next: 2}) {
		t.Errorf("after it: %+v", again)
	}
}

// odd gives every peer a result that cannot be logged on, or an error.
type odd struct {
	result logon.Result
	err    error
}

func (o odd) LogOn(*peer.Peer, bool) (logon.Result, error) { return o.result, o.err }

// TestNoToken: a client without a token is refused with STATUS_ACCESS_DENIED, whether it is not known or its token
// cannot be made; the log says why, and nothing of it is left (W-14).
func TestNoToken(t *testing.T) {
	spoiled := token.LocalSystem()
	spoiled.EnabledPrivileges, spoiled.Privileges = ^winnt.PrivilegeSet(0), 0
	if _, err := token.New(spoiled); err == nil {
		t.Fatal("the token of the test can be made")
	}
	for name, id := range map[string]odd{
		"not known": {logon.Result{}, errors.New("no account has the uid")}, "no token": {logon.Result{Token: spoiled}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			log := &lines{}
			d := start(t, func(c *daemon.Config) {
				c.Identity, c.Log = id, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.AccessDenied.Err()) {
				t.Errorf("%v, want STATUS_ACCESS_DENIED", err)
			}
			d.settles()
			for end := time.Now().Add(time.Minute); len(log.of(t, "connection ended")) == 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the log says nothing")
				}
			}
			for _, m := range log.of(t, "connection ended") {
				if m["level"] != "WARN" || m["error"] == nil || m["error"] == "" {
					t.Errorf("logged %v", m)
				}
			}
		})
	}
}

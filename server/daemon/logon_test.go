package daemon_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// broken is a sink whose writes fail.
type broken struct{}

func (broken) Write(audit.Event) error { return errors.New("the disk is full") }

// TestUnrecordedAdministratorIsRejected checks that under a fail-closed policy an administrator's connection without a
// record is rejected, and a user's continues (W-22, U-92).
func TestUnrecordedAdministratorIsRejected(t *testing.T) {
	closed := check.Must(audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	}))
	log := &audit.Log{Sink: broken{}}
	log.Policy.Store(closed)
	d := start(t, func(c *daemon.Config) { c.Audit = log })
	user, err := client.Dial(d.socket)
	if err != nil {
		t.Errorf("a user's connection without its record: %v", err)
	} else if err := user.Close(); err != nil {
		t.Error(err)
	}
	d = start(t, func(c *daemon.Config) {
		c.Audit, c.Identity = log, peer.Accounts{Administrators: []uint32{uint32(os.Getuid())}}
	})
	if _, err := client.Dial(d.socket); !errors.Is(err, ntstatus.AuditFailed.Err()) {
		t.Errorf("an administrator's connection without its record: %v", err)
	}
}

// TestNewIdentityAffectsOnlyNewConnections checks that a replaced Identity affects new connections only (W-23).
func TestNewIdentityAffectsOnlyNewConnections(t *testing.T) {
	d := start(t, nil)
	before := d.dial()
	d.SetIdentity(peer.Accounts{Administrators: []uint32{uint32(os.Getuid())}})
	after := d.dial()
	for _, x := range []struct {
		conn *client.Conn
		want bool
	}{{before, false}, {after, true}} {
		groups := information[[]token.Group](x.conn.Thread(), winnt.TokenGroups)
		check.That(t, containsSID(groups, "S-1-5-32-544") == x.want, "%v", groups)
	}
}

// TestAdministratorsSocketGivesFullToken checks the token of the state folder's owner: at the public socket a limited
// one, whose linked full token is for queries only, and at the administrators' socket the full one (L-5, L-21, L-51).
// Nothing of either remains (W-13).
func TestAdministratorsSocketGivesFullToken(t *testing.T) {
	s := stored(t)
	var admin string
	d := start(t, func(c *daemon.Config) {
		admin = filepath.Join(filepath.Dir(c.Socket), "admin")
		c.AdminSocket, c.Identity, c.LSA = admin, peer.Stored{Store: s}, s
	})
	limited := d.dial()
	full, err := client.Dial(admin)
	check.NoError(t, err)
	own, linked, level := elevation(limited)
	if own != winnt.TokenElevationTypeLimited || linked != winnt.TokenElevationTypeFull ||
		level != winnt.SecurityIdentification {
		t.Errorf("at the socket of all: %v, linked to %v at %v (L-51), want %v, %v, %v", own, linked, level,
			winnt.TokenElevationTypeLimited, winnt.TokenElevationTypeFull, winnt.SecurityIdentification)
	}
	if own, linked, _ = elevation(full); own != winnt.TokenElevationTypeFull ||
		linked != winnt.TokenElevationTypeLimited {
		t.Errorf("at the administrators' socket: %v, linked to %v (L-51), want %v, %v", own, linked,
			winnt.TokenElevationTypeFull, winnt.TokenElevationTypeLimited)
	}
	// A program started by an administrator's program is listed as an administrator too.
	child := childOf(t, full)
	listed := map[uint64]bool{}
	for _, s := range ask(t, full, inspect.Query{What: "sessions"}).Sessions {
		listed[s.Process] = s.Full
	}
	if want := map[uint64]bool{uint64(limited.Process()): false, uint64(full.Process()): true,
		uint64(child.Process()): true}; !maps.Equal(listed, want) {
		t.Errorf("L-51: full are %v, want %v", listed, want)
	}
	_, _, _ = limited.Close(), full.Close(), child.Close()
	d.awaitRelease()
	d.SetIdentity(peer.Accounts{})
	if _, err := client.Dial(admin); !errors.Is(err, ntstatus.AccessDenied.Err()) {
		t.Errorf("another than an administrator, at the administrators' socket: %v (L-51)", err)
	}
}

// brokenIdentity gives every peer a result that cannot be logged on, or an error.
type brokenIdentity struct {
	result logon.Result
	err    error
}

func (o brokenIdentity) LogOn(*peer.Peer, bool) (logon.Result, error) { return o.result, o.err }

// TestClientWithoutTokenIsRejected checks that a client without a token is rejected with STATUS_ACCESS_DENIED, be it
// unknown or its token invalid. The log has the reason, and nothing of the client remains (W-14).
func TestClientWithoutTokenIsRejected(t *testing.T) {
	spoiled := token.LocalSystem()
	spoiled.EnabledPrivileges, spoiled.Privileges = ^winnt.PrivilegeSet(0), 0
	check.RequireThat(t, check.Err(token.New(spoiled)) != nil, "the token of the test can be made")
	for name, id := range map[string]brokenIdentity{
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
			d.awaitRelease()
			check.Eventually(t, func() bool { return len(log.withMessage(t, "connection ended")) > 0 },
				"the log has no line about the rejected client")
			check.Eventually(t, func() bool { return d.Stats().Connections == 0 }, "the rejected client is counted")
			for _, m := range log.withMessage(t, "connection ended") {
				check.That(t, m["level"] == "WARN" && m["error"] != nil && m["error"] != "", "logged %v", m)
			}
		})
	}
}

// TestLogonRecordNamesUserAndStatus checks the audit record of a connection: user, program, account and, if
// rejected, the status, which is STATUS_ACCESS_DENIED for an error without one (W-14, W-22).
func TestLogonRecordNamesUserAndStatus(t *testing.T) {
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth}})
	check.NoError(t, err)
	hers := logon.Account{SID: sid.MustParse(`S-1-5-21-1-2-3-1107`), Domain: "BOX", Name: "alice"}
	spec, crowd := token.NetworkUser(hers.SID), token.NetworkUser(hers.SID)
	for i := range token.MaxGroups {
		crowd.Groups = append(crowd.Groups, token.Group{SID: hers.SID.WithRID(uint32(i))})
	}
	asked := map[string]string{"LogonType": "2", "LogonProcessName": "refmond", "AuthenticationPackageName": "unix",
		"IpAddress": "-", "ProcessId": fmt.Sprintf("0x%x", os.Getpid()), "ProcessName": ownName(t),
		"SubjectUserSid": "S-1-5-18"}
	unknown := map[string]string{"TargetUserSid": "S-1-0-0", "TargetDomainName": "-",
		"TargetUserName": fmt.Sprintf("uid %d", os.Getuid())}
	account := map[string]string{"TargetUserSid": hers.SID.String(), "TargetUserName": "alice", "TargetDomainName": "BOX"}
	for name, c := range map[string]struct {
		id    brokenIdentity
		event uint16
		more  map[string]string
		of    map[string]string
	}{
		"known": {brokenIdentity{result: logon.Result{Token: spec, Account: hers}}, 4624, map[string]string{
			"TargetUserSid": hers.SID.String()}, nil},
		"refused by a status": {brokenIdentity{result: logon.Result{Account: hers}, err: fmt.Errorf("no: %w",
			ntstatus.AccountDisabled.Err())}, 4625, map[string]string{"Status": "0xc0000072", "SubStatus": "0x0",
			"FailureReason": "%%2310"}, account},
		"refused by a fault": {brokenIdentity{err: errors.New("no account has the uid")}, 4625,
			map[string]string{"Status": "0xc0000022", "SubStatus": "0x0"}, unknown},
		"too many groups": {brokenIdentity{result: logon.Result{Token: crowd, Account: hers}}, 4625,
			map[string]string{"Status": "0xc000015a", "SubStatus": "0x0"}, account},
	} {
		t.Run(name, func(t *testing.T) {
			kept := audit.NewMemory(0, 0)
			log := &audit.Log{Sink: kept}
			log.Policy.Store(policy)
			d := start(t, func(cfg *daemon.Config) { cfg.Audit, cfg.Identity = log, c.id })
			if conn, err := client.Dial(d.socket); (err == nil) != (c.event == 4624) {
				t.Fatal(err)
			} else if err == nil {
				defer conn.Close()
			}
			want := maps.Clone(asked)
			maps.Copy(want, c.more)
			maps.Copy(want, c.of)
			n := 0
			for e := range kept.Events() {
				if e.ID != 4624 && e.ID != 4625 {
					continue
				}
				if n++; e.ID != c.event {
					t.Errorf("event %d, want %d", e.ID, c.event)
				}
				for field, value := range want {
					if got, ok := e.Field(field); !ok || got != value {
						t.Errorf("%s is %q, %t, want %q", field, got, ok, value)
					}
				}
			}
			check.Equal(t, n, 1, "records of logons")
		})
	}
}

// stored opens a store of accounts in a folder of its own.
func stored(t *testing.T) *lsa.Store {
	t.Helper()
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	check.NoError(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// elevation returns the elevation type of a connection's process, and that of its linked token with the linked
// token's level.
func elevation(c *client.Conn) (own, linked uint32, level winnt.SecurityImpersonationLevel) {
	th := c.Thread()
	other := information[winnt.Handle](th, winnt.TokenLinkedToken)
	return information[uint32](th, winnt.TokenElevationType),
		check.Result(th.NtQueryInformationToken(other, winnt.TokenElevationType)).(uint32),
		check.Result(th.NtQueryInformationToken(other, winnt.TokenImpersonationLevel)).(winnt.SecurityImpersonationLevel)
}

package main

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestAccountChangesAreRecordedWithoutPolicy checks that each change is recorded without an audit policy, changes of
// rights with their documented event ids. Only administrators change accounts (L-50, L-22, L-52).
func TestAccountChangesAreRecordedWithoutPolicy(t *testing.T) {
	none, err := audit.NewPolicy(audit.PolicySpec{})
	check.NoError(t, err)
	m := audit.NewMemory(0, 0)
	log := &audit.Log{Sink: m, Names: &hostAccounts{hosts: &namedHosts{names: map[uint32]string{1000: "chief"}}}}
	log.Policy.Store(none)
	by, to := "S-1-22-1-1000", "S-1-22-1-77"
	var got []string
	for _, c := range []lsa.Change{
		{By: by, What: "right granted", Subject: to, Detail: "SeTcbPrivilege"},
		{By: by, What: "right revoked", Subject: to, Detail: "SeTcbPrivilege"},
		{By: by, What: "right granted", Subject: to, Detail: "SeBatchLogonRight"},
		{By: by, What: "right revoked", Subject: to, Detail: "SeBatchLogonRight"},
		{By: by, What: "account created", Subject: "alice", Detail: "S-1-5-21-1-2-3-1001"},
	} {
		check.NoError(t, recordChange(log, c))
	}
	for e := range m.Events() {
		check.That(t, e.ByAdministrator(), "U-93: %d may not use the reserve of the log", e.ID)
		text := fmt.Sprint(e.ID)
		for f := range e.Fields() {
			if strings.HasPrefix(f.Name, "SubjectUser") || f.Name == "TargetSid" || f.Name == "PrivilegeList" ||
				f.Name == "Change" || f.Name == "Target" || f.Name == "AccessGranted" || f.Name == "AccessRemoved" {
				v, _ := e.Field(f.Name)
				text += " " + v
			}
		}
		got = append(got, text)
	}
	to = " " + by + " chief " + to
	want := []string{"4704" + to + " SeTcbPrivilege", "4705" + to + " SeTcbPrivilege", "4717" + to + " SeBatchLogonRight",
		"4718" + to + " SeBatchLogonRight",
		"64050 " + by + " chief account created alice"}
	check.That(t, slices.Equal(got, want), "records %q, want %q", got, want)
	// Without a sink nothing is written. A change without the SID of its user is still an error.
	for _, log := range []*audit.Log{log, {}} {
		err := recordChange(log, lsa.Change{By: "alice", What: "account created"})
		check.That(t, err != nil, "a change by alice, with the sink %v: no error, want one", log.Sink)
	}
	check.NoError(t, recordChange(&audit.Log{}, lsa.Change{By: by, What: "account created", Subject: "alice"}))
}

// TestUnrecordedAccountChangeIsUndone checks that an account is not changed if the record of the change cannot be
// stored (L-50).
func TestUnrecordedAccountChangeIsUndone(t *testing.T) {
	sink := &failingSink{}
	log := &audit.Log{Sink: sink}
	log.Policy.Store(check.Must(audit.NewPolicy(audit.PolicySpec{Options: audit.Options{
		CrashOnAuditFail: audit.FailOnAuditFail}})))
	s := &service{log: slog.New(slog.DiscardHandler)}
	s.setAuthorities()
	check.NoError(t, s.accounts(&config{settings: settings{State: t.TempDir(), Computer: "host"}}, log, false))
	defer s.store.Close()
	add := func(name string) error {
		return s.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
			e.AddAccount(lsa.Account{Name: name})
			return nil
		})
	}
	check.NoError(t, add("alice"))
	sink.err = unix.ENOSPC
	check.That(t, add("bob") != nil, "L-50: a change without a record succeeds")
	for name, want := range map[string]bool{"alice": true, "bob": false} {
		_, found := s.store.LookupName(name)
		check.Equal(t, found, want, "L-50: %s is in the store", name)
	}
	alice, _ := s.store.LookupName("alice")
	_, starts := (&config{settings: settings{StartAs: true}}).startsAs(s.store)(alice.SID)
	check.That(t, !starts, "an account without a uid can start programs")
}

// TestUnrecordedPolicyChangeIsRefused checks that an audit policy stays if its change cannot be recorded (U-85).
func TestUnrecordedPolicyChangeIsRefused(t *testing.T) {
	s, _, err := demoDaemon(t.TempDir(), &streams{out: io.Discard, err: io.Discard})
	check.NoError(t, err)
	log := s.System().Audit()
	before := log.Policy.Load().Spec().System
	log.Sink = &failingSink{unix.ENOSPC}
	err = s.changePolicy(check.Must(audit.NewPolicy(audit.PolicySpec{})))
	check.That(t, err != nil && maps.Equal(log.Policy.Load().Spec().System, before),
		"U-85: a change without a record: %v, want an error and the old policy", err)
	check.NoError(t, s.stop())
}

// failingSink is an audit sink that returns err.
type failingSink struct{ err error }

func (s *failingSink) Write(audit.Event) error { return s.err }

// TestAccountsOfStoreAndHostAreFound translates names and SIDs in both directions at a running refmond: well-known
// ones, accounts, users of the host and unknown ones (L-13, L-14, L-46). A user of the host logs on by name (L-57).
func TestAccountsOfStoreAndHostAreFound(t *testing.T) {
	p := build(t)
	p.serve()
	p.must("", "add", "boss")
	c := p.dial(p.socket)
	if user, level, st, _ := logOn(c, nt.S4ULogon, `Unix User\root`, "", winnt.LOGON32_LOGON_NETWORK); user !=
		"S-1-22-1-0" || level != winnt.SecurityIdentification {
		t.Errorf("root of the host: %s, %v, %v (L-57), want S-1-22-1-0, %v", user, level, st,
			winnt.SecurityIdentification)
	}
	th := c.Thread()
	h, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	check.Success(p, st)
	names := []string{"Everyone", `BUILTIN\Administrators`, "boss", `Unix User\root`, `Unix Group\root`,
		"zoe-who-is-not-there"}
	found, st := th.LsaLookupNames2(h, names...)
	check.RequireThat(p, st == ntstatus.SomeNotMapped && len(found.SIDs) == len(names),
		"LsaLookupNames2 = %v, %+v, want %v with %d SIDs", st, found, ntstatus.SomeNotMapped, len(names))
	var sids []sid.SID
	for i, want := range []string{"S-1-1-0", "S-1-5-32-544", "-1001", "S-1-22-1-0", "S-1-22-2-0", ""} {
		if got := found.SIDs[i]; want == "" && got.Use != winnt.SidTypeUnknown || want != "" &&
			!strings.HasSuffix(got.SID.String(), want) {
			p.Errorf("%s is %+v, want %s", names[i], got, want)
		}
		sids = append(sids, found.SIDs[i].SID)
	}
	sids[5] = sid.MustParse("S-1-5-21-9-9-9-1103")
	back, st := th.LsaLookupSids(h, sids...)
	check.RequireThat(p, st == ntstatus.SomeNotMapped && len(back.Names) == len(names),
		"LsaLookupSids = %v, %+v, want %v with %d names", st, back, ntstatus.SomeNotMapped, len(names))
	var got []string
	for _, n := range back.Names {
		domain := ""
		if n.DomainIndex >= 0 {
			domain = back.ReferencedDomains[n.DomainIndex].Name
		}
		got = append(got, domain+"|"+n.Name)
	}
	want := []string{"|Everyone", "BUILTIN|Administrators", "HOST|boss", "Unix User|root", "Unix Group|root",
		"|S-1-5-21-9-9-9-1103"}
	check.SlicesEqual(p, got, want, "back")
}

// TestRootConfiguredAsSystemHoldsTcb checks a configuration in which uid 0 is SYSTEM: root's program holds
// SeTcbPrivilege, its logon by name is at level Impersonation, and the linked full token is usable (L-26, L-22, L-36).
func TestRootConfiguredAsSystemHoldsTcb(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root is uid 0")
	}
	p := build(t)
	p.configure("root: NT AUTHORITY\\SYSTEM\n")
	p.serve()
	p.must("secret\n", "add", "boss", "--password")
	p.must("", "group", "join", "Administrators", "boss")
	c := p.dial(p.socket)
	if _, level, st, _ := logOn(c, nt.S4ULogon, "boss", "", winnt.LOGON32_LOGON_NETWORK); st != 0 ||
		level != winnt.SecurityImpersonation {
		t.Errorf("a logon by name: %v, %v (L-36), want %v, 0", level, st, winnt.SecurityImpersonation)
	}
	th := c.Thread()
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_INTERACTIVE,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "boss",
			Password: "secret"}})
	check.Success(t, st)
	linked, st := th.NtQueryInformationToken(out.Token, winnt.TokenLinkedToken)
	check.Success(t, st)
	typ, st := th.NtQueryInformationToken(linked.(winnt.Handle), winnt.TokenTypeInfo)
	elevation, st2 := th.NtQueryInformationToken(linked.(winnt.Handle), winnt.TokenElevationType)
	check.That(t, st == 0 && st2 == 0 && typ == winnt.TokenPrimary && elevation == winnt.TokenElevationTypeFull,
		"the linked token is %v, %v", typ, elevation)
}

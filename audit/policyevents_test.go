package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// failing is a sink that stores records or fails, as set by the test.
type failing struct {
	*audit.Memory
	full bool
}

// Write implements audit.Sink.
func (f *failing) Write(e audit.Event) error {
	if f.full {
		return audit.ErrFull
	}
	return f.Memory.Write(e)
}

// TestLostRecordIsRememberedUntilReset checks that under a fail-closed policy a lost record is remembered until an
// administrator resets the option (U-64, U-85).
func TestLostRecordIsRememberedUntilReset(t *testing.T) {
	sink := &failing{Memory: audit.NewMemory(0, 0)}
	log := &audit.Log{Sink: sink}
	spec := audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}}
	closed := mustPolicy(t, spec)
	log.Policy.Store(closed)
	value := func() audit.CrashOnAuditFail { return log.Policy.Load().Options().CrashOnAuditFail }
	if st := log.Write(audit.LogStarted()); st != ntstatus.Success || value() != audit.FailOnAuditFail {
		t.Errorf("Write of a kept record: %s, CrashOnAuditFail %d, want success and 1", st, value())
	}
	sink.full = true
	if st := log.Write(audit.LogStarted()); st != ntstatus.AuditFailed || value() != audit.AuditFailed {
		t.Errorf("Write of a lost record: %s, CrashOnAuditFail %d, want STATUS_AUDIT_FAILED and 2", st, value())
	}
	admin := audit.Origin{Subject: access.Subject{Primary: tokenOf(t, winnt.SeSecurityPrivilege)}}
	if st := log.ChangePolicy(admin, closed); st != ntstatus.AuditFailed || value() != audit.AuditFailed {
		t.Errorf("resetting the option while the sink rejects records: %s, value %d, want STATUS_AUDIT_FAILED", st, value())
	}
	sink.full = false
	sink.Drain()
	if st := log.ChangePolicy(admin, closed); st != ntstatus.Success || value() != audit.FailOnAuditFail {
		t.Errorf("ChangePolicy back: %s, CrashOnAuditFail %d, want success and 1", st, value())
	}
	events := sink.Drain()
	check.That(t, slices.Equal(ids(events), []int{4621, 4906}) && field(t, events[0], "CrashOnAuditFailValue") == "2" &&
		field(t, events[1], "CrashOnAuditFailValue") == "1",
		"events %v, want 4621 with value 2 and 4906 with value 1", events)
}

// losing is a sink in which another operation loses a record while the first change of the policy is being written.
type losing struct {
	failing
	log *audit.Log
}

// Write implements audit.Sink.
func (f *losing) Write(e audit.Event) error {
	if e.ID == 4719 && !f.full {
		f.full = true
		f.log.Write(audit.LogStarted())
		defer func() { f.full = false }()
		return f.Memory.Write(e)
	}
	return f.failing.Write(e)
}

// TestLossDuringPolicyChangeIsRecorded checks that a change of the policy resets no loss of a record that it has not
// recorded (U-64, U-85).
func TestLossDuringPolicyChangeIsRecorded(t *testing.T) {
	sink := &losing{failing: failing{Memory: audit.NewMemory(0, 0)}}
	log := &audit.Log{Sink: sink}
	sink.log = log
	options := audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}
	log.Policy.Store(mustPolicy(t, audit.PolicySpec{Options: options}))
	next := mustPolicy(t, audit.PolicySpec{Options: options,
		System: map[audit.Subcategory]audit.Setting{audit.AuditPolicyChange: audit.OnBoth,
			audit.SecurityStateChange: audit.OnBoth, audit.SystemIntegrity: audit.OnBoth, audit.FileSystem: audit.OnBoth}})
	admin := audit.Origin{Subject: access.Subject{Primary: tokenOf(t, winnt.SeSecurityPrivilege)}}
	check.Success(t, log.ChangePolicy(admin, next))
	check.That(t, log.Policy.Load() == next, "U-85: the new policy is not in force")
	got := ids(sink.Drain())
	check.That(t, slices.Equal(got[max(len(got)-2, 0):], []int{4621, 4906}),
		"U-85: records %d, want 4621 and 4906 last", got)
}

// TestEachChangedAccountPolicyIsRecordedOnce checks that each account whose own policy changes is recorded once,
// sorted by SID, whether it had a policy before, afterwards, or both (U-85).
func TestEachChangedAccountPolicyIsRecordedOnce(t *testing.T) {
	type users = map[sid.SID]map[audit.Subcategory]audit.UserSetting
	before, after := users{}, users{}
	var want []string
	for i := range uint32(40) {
		who := sid.MustParse("S-1-5-21-1-2-3").WithRID(1000 + i)
		own := func(s audit.Setting) map[audit.Subcategory]audit.UserSetting {
			return map[audit.Subcategory]audit.UserSetting{audit.FileSystem: {Include: s}}
		}
		if i%4 != 1 {
			before[who] = own(audit.OnSuccess)
		}
		switch {
		case i%4 == 3:
			after[who] = own(audit.OnSuccess) // as before: no record
			continue
		case i%4 != 2:
			after[who] = own(audit.OnFailure)
		}
		want = append(want, who.String())
	}
	for range 5 { // maps have no order
		var got []string
		for _, e := range audit.PolicyChanged(origin(t), mustPolicy(t, audit.PolicySpec{Users: before}),
			mustPolicy(t, audit.PolicySpec{Users: after})) {
			got = append(got, field(t, e, "TargetUserSid"))
		}
		check.RequireThat(t, slices.Equal(got, want), "U-85: records of\n%v, want\n%v", got, want)
	}
}

// watching is a sink that looks at the policy in force while it takes a record.
type watching struct {
	log *audit.Log
	saw []*audit.Policy
}

func (w *watching) Write(audit.Event) error {
	w.saw = append(w.saw, w.log.Policy.Load())
	return nil
}

// A new policy takes effect after its records are written, and only if the privilege is enabled (U-2).
func TestPolicyAppliesAfterItsRecords(t *testing.T) {
	w := &watching{}
	log := &audit.Log{Sink: w}
	w.log = log
	next := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}})
	held := targetToken(t, winnt.SeSecurityPrivilege.Bit(), 0)
	st := log.ChangePolicy(audit.Origin{Subject: access.Subject{Primary: held}}, next)
	check.That(t, st == ntstatus.PrivilegeNotHeld && len(w.saw) == 0 && log.Policy.Load() == audit.DefaultPolicy(),
		"U-2: ChangePolicy with the privilege disabled: %v, want STATUS_PRIVILEGE_NOT_HELD and no record", st)
	enabled := targetToken(t, winnt.SeSecurityPrivilege.Bit(), winnt.SeSecurityPrivilege.Bit())
	st = log.ChangePolicy(audit.Origin{Subject: access.Subject{Primary: enabled}}, next)
	check.That(t, st == ntstatus.Success && len(w.saw) != 0 && log.Policy.Load() == next,
		"U-2: ChangePolicy: %v, %d records, want success after its records", st, len(w.saw))
	for _, p := range w.saw {
		check.That(t, p == audit.DefaultPolicy(), "U-2: the policy was in force before its records")
	}
	var a audit.Active
	other := mustPolicy(t, audit.PolicySpec{})
	check.That(t, !a.CompareAndSwap(other, next) && a.Load() == audit.DefaultPolicy(),
		"CompareAndSwap replaced another policy than the given one")
	check.That(t, a.CompareAndSwap(audit.DefaultPolicy(), next) && a.Load() == next &&
		a.On(audit.FileSystem, audit.Failure) && a.Opens() &&
		!a.CompareAndSwap(audit.DefaultPolicy(), other) && a.Load() == next && a.CompareAndSwap(next, other) &&
		a.Load() == other, "the policy in force was not replaced")
	a.Store(nil)
	check.That(t, a.Load() == audit.DefaultPolicy(), "Store(nil) does not put the default policy in force")
	for _, stored := range []bool{false, true} { // nothing stored, and the default policy
		var a audit.Active
		if stored {
			a.Store(audit.DefaultPolicy())
		}
		check.That(t, a.CompareAndSwap(audit.DefaultPolicy(), next) && a.Opens() && a.On(audit.FileSystem, audit.Failure) &&
			!a.On(audit.AuditPolicyChange, audit.Success), "default stored %t: the masks are not the new policy's", stored)
	}
	for s := range audit.Subcategories {
		want := slices.Contains([]audit.Subcategory{audit.FileSystem, audit.Registry, audit.KernelObject, audit.SAM,
			audit.RemovableStorage, audit.DirectoryServiceAccess, audit.SensitivePrivilegeUse, audit.NonSensitivePrivilegeUse},
			s)
		for _, v := range []audit.Setting{audit.OnSuccess, audit.OnFailure} {
			a.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{s: v}}))
			check.Equal(t, a.Opens(), want, "%s %s: opens can have a record", s, v)
		}
	}
}

// TestPolicyRecordsHaveAllFields checks that a policy change's record shows category, subcategory and each change,
// and the old and the new list (U-2, U-85).
func TestPolicyRecordsHaveAllFields(t *testing.T) {
	from := called(t)
	from.Names = census{}
	held := targetToken(t, winnt.SeSecurityPrivilege.Bit(), winnt.SeSecurityPrivilege.Bit())
	from.Subject.Client = held.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	type users = map[sid.SID]map[audit.Subcategory]audit.UserSetting
	system := func(s audit.Subcategory, v audit.Setting) map[audit.Subcategory]audit.Setting {
		return map[audit.Subcategory]audit.Setting{s: v}
	}
	before := mustPolicy(t, audit.PolicySpec{System: system(audit.FileSystem, audit.OnSuccess),
		Users: users{groupG: {audit.Logon: {Include: audit.OnSuccess, Exclude: audit.OnFailure}}}, GlobalSACLs: lists("File",
			"S:(AU;SA;FR;;;WD)"), Options: audit.Options{CrashOnAuditFail: audit.AuditFailed}})
	after := mustPolicy(t, audit.PolicySpec{System: system(audit.FileSystem, audit.OnFailure),
		Users: users{groupG: {audit.Logon: {Include: audit.OnFailure, Exclude: audit.OnSuccess}}}, GlobalSACLs: lists("Key",
			"S:(AU;FA;KR;;;WD)"), Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	subject := strings.ReplaceAll(accountOf("Target", targetSID, "0x4001"), "Target", "Subject")
	const change = "v0 success Audit Policy Change: "
	const file = "SubcategoryId=%%12800|SubcategoryGuid={0CCE921D-69AE-11D9-BED3-505054503030}|"
	const logon = "CategoryId=%%8273|SubcategoryId=%%12544|SubcategoryGuid={0CCE9215-69AE-11D9-BED3-505054503030}|"
	const global = "ObjectServer=LSA|ObjectType=Global SACL|"
	want := []string{
		"4719 " + change + subject + "CategoryId=%%8274|" + file + "AuditPolicyChanges=%%8448,%%8451|{P}",
		"4912 " + change + subject + "TargetUserSid=" + groupG.String() + "|" + logon +
			"AuditPolicyChanges=%%8452,%%8455,%%8457,%%8458|{P}",
		"4817 " + change + subject + global + "ObjectName=File|OldSd=S:(AU;SA;FR;;;WD)|NewSd=-|{P}",
		"4817 " + change + subject + global + "ObjectName=Key|OldSd=-|NewSd=S:(AU;FA;KR;;;WD)|{P}",
		"4621 v0 success Security State Change: CrashOnAuditFailValue=2|",
		"4906 " + change + "CrashOnAuditFailValue=1|",
	}
	checkWhole(t, audit.PolicyChanged(from, before, after), want...)
	// An empty global SACL is a list.
	empty := audit.PolicyChanged(from, mustPolicy(t, audit.PolicySpec{GlobalSACLs: lists("File", "S:")}),
		mustPolicy(t, audit.PolicySpec{}))
	checkWhole(t, empty, "4817 "+change+subject+global+"ObjectName=File|OldSd=S:|NewSd=-|{P}")
	log, sink := newLog(t)
	log.Names, from.Names = census{}, nil
	log.Policy.Store(before)
	if st := log.ChangePolicy(from, after); st != ntstatus.Success || log.Policy.Load() != after {
		t.Errorf("U-2: ChangePolicy: %v, want success and the new policy in force", st)
	}
	checkWhole(t, sink.Drain(), want...)
}

package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestPolicyParts: accounts' own policies, global SACLs and CrashOnAuditFail are
// recorded when they change, and nothing else is (U-85).
func TestPolicyParts(t *testing.T) {
	alice := sid.MustParse("S-1-5-21-1-2-3-1107")
	system := map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnSuccess}
	before := mustPolicy(t, audit.PolicySpec{System: system})
	after := mustPolicy(t, audit.PolicySpec{
		System: system,
		Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			alice: {audit.FileSystem: {Include: audit.OnFailure, Exclude: audit.OnSuccess}},
		},
		Options:     audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
		GlobalSACLs: map[string]*sd.ACL{"File": sddl.MustParse("S:(AU;SA;FR;;;WD)").SACL()},
	})
	there := audit.PolicyChanged(origin(t), before, after)
	if !slices.Equal(ids(there), []int{4912, 4817, 4906}) {
		t.Fatalf("%v", ids(there))
	}
	for _, c := range []struct {
		at          int
		field, want string
	}{
		{0, "TargetUserSid", alice.String()}, {0, "SubcategoryId", "%%12800"}, {0, "CategoryId", "%%8274"},
		{0, "AuditPolicyChanges", "%%8455, %%8457"},
		{1, "ObjectServer", "LSA"}, {1, "ObjectType", "Global SACL"}, {1, "ObjectName", "File"}, {1, "OldSd", "-"},
		{1, "NewSd", "S:(AU;SA;FR;;;WD)"}, {2, "CrashOnAuditFailValue", "1"},
	} {
		if got := field(t, there[c.at], c.field); got != c.want {
			t.Errorf("%d: %s is %q, want %q", there[c.at].ID, c.field, got, c.want)
		}
	}
	for _, e := range there {
		for name, want := range map[string]string{"SubjectUserSid": origin(t).Subject.Primary.User().SID.String(),
			"ProcessName": origin(t).ProcessName} {
			if got, ok := e.Field(name); ok && got != want {
				t.Errorf("%d: %s is %q, want %q", e.ID, name, got, want)
			}
		}
	}
	back := audit.PolicyChanged(origin(t), after, before)
	if !slices.Equal(ids(back), []int{4912, 4817, 4906}) || field(t, back[0], "AuditPolicyChanges") != "%%8454, %%8456" {
		t.Errorf("back: %v", back)
	}
	if same := audit.PolicyChanged(origin(t), after, after); len(same) != 0 {
		t.Errorf("no change is recorded as %v", ids(same))
	}
}

// failing is a sink that keeps records while it is told to.
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

// TestLostIsRemembered: under a fail-closed policy a lost record is remembered
// until an administrator sets the option back (U-64, U-85).
func TestLostIsRemembered(t *testing.T) {
	sink := &failing{Memory: audit.NewMemory(0, 0)}
	log := &audit.Log{Sink: sink}
	spec := audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}}
	closed := mustPolicy(t, spec)
	log.Policy.Store(closed)
	value := func() audit.CrashOnAuditFail { return log.Policy.Load().Options().CrashOnAuditFail }
	if st := log.Write(audit.LogStarted()); st != ntstatus.Success || value() != audit.FailOnAuditFail {
		t.Errorf("a kept record: %s, %d", st, value())
	}
	sink.full = true
	if st := log.Write(audit.LogStarted()); st != ntstatus.AuditFailed || value() != audit.AuditFailed {
		t.Errorf("a lost one: %s, %d", st, value())
	}
	admin := audit.Origin{Subject: access.Subject{Primary: tokenOf(t, winnt.SeSecurityPrivilege)}}
	if st := log.ChangePolicy(admin, closed); st != ntstatus.AuditFailed || value() != audit.AuditFailed {
		t.Errorf("set back while nothing is kept: %s, %d", st, value())
	}
	sink.full = false
	sink.Drain()
	if st := log.ChangePolicy(admin, closed); st != ntstatus.Success || value() != audit.FailOnAuditFail {
		t.Errorf("set back: %s, %d", st, value())
	}
	events := sink.Drain()
	if !slices.Equal(ids(events), []int{4621, 4906}) || field(t, events[0], "CrashOnAuditFailValue") != "2" ||
		field(t, events[1], "CrashOnAuditFailValue") != "1" {
		t.Errorf("%v", events)
	}
}

// TestPolicyOfManyAccounts: each account whose own policy changes has its records once, in the
// order of the SIDs, whether it had a policy before, has one afterwards, or both (U-85).
func TestPolicyOfManyAccounts(t *testing.T) {
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
		if !slices.Equal(got, want) {
			t.Fatalf("U-85: records of\n%v, want\n%v", got, want)
		}
	}
}

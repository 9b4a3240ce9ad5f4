package audit_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// U-1: the default records three subcategories, both outcomes, and no other.
func TestDefaultPolicyRecordsThreeSubcategories(t *testing.T) {
	on := map[audit.Subcategory]bool{audit.AuditPolicyChange: true, audit.SecurityStateChange: true,
		audit.SystemIntegrity: true}
	var active audit.Active
	for s := range audit.Subcategories {
		for _, o := range []audit.Outcome{audit.Success, audit.Failure} {
			check.Equal(t, audit.DefaultPolicy().Records(s, o, userU, false), on[s], "U-1: default records %s %s", s, o)
			check.Equal(t, active.On(s, o), on[s], "zero Active: On(%s, %s)", s, o)
		}
	}
	check.That(t, !active.Opens(), "the zero Active records opens, want none")
	zero := mustPolicy(t, audit.PolicySpec{})
	check.That(t, zero.System(audit.SystemIntegrity) == audit.OnBoth && zero.System(audit.FileSystem) == 0,
		"the policy of a nil System map records files, or does not record System Integrity")
}

// U-1: excludes remove outcomes, includes add them, administrators cannot be excluded.
func TestAdministratorsCannotBeExcluded(t *testing.T) {
	const s = audit.FileSystem
	for _, c := range []struct {
		name   string
		system audit.Setting
		user   audit.UserSetting
		admin  bool
		want   audit.Setting
	}{
		{"nothing", 0, audit.UserSetting{}, false, 0},
		{"system only", audit.OnSuccess, audit.UserSetting{}, false, audit.OnSuccess},
		{"UC-13 include failure", 0, audit.UserSetting{Include: audit.OnFailure}, false, audit.OnFailure},
		{"UC-14 exclude success", audit.OnBoth, audit.UserSetting{Exclude: audit.OnSuccess}, false, audit.OnFailure},
		{"UC-14 exclude success, administrator", audit.OnBoth, audit.UserSetting{Exclude: audit.OnSuccess}, true,
			audit.OnBoth},
		{"both on the same bit: include comes last", audit.OnSuccess,
			audit.UserSetting{Include: audit.OnSuccess, Exclude: audit.OnSuccess}, false, audit.OnSuccess},
	} {
		p := mustPolicy(t, audit.PolicySpec{
			System: map[audit.Subcategory]audit.Setting{s: c.system},
			Users:  map[sid.SID]map[audit.Subcategory]audit.UserSetting{userU: {s: c.user}},
		})
		for _, o := range []audit.Outcome{audit.Success, audit.Failure} {
			check.Equal(t, p.Records(s, o, userU, c.admin), c.want.Has(o), "U-1 %s: Records(%s)", c.name, o)
			check.Equal(t, p.Records(s, o, groupG, c.admin), c.system.Has(o),
				"U-1 %s: Records(%s) for another account", c.name, o)
			check.That(t, p.Anyone(s, o) == (c.system.Has(o) || c.user.Include.Has(o)),
				"%s: Anyone(%s) = %v, want the opposite", c.name, o, p.Anyone(s, o))
		}
	}
}

func TestPolicySpecRoundTrips(t *testing.T) {
	spec := audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.Registry: audit.OnFailure, audit.SAM: audit.OnSuccess},
		Users:   map[sid.SID]map[audit.Subcategory]audit.UserSetting{userU: {audit.FileSystem: {Include: audit.OnSuccess}}},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail, FullPrivilegeAuditing: true},
	}
	spec.GlobalSACLs = lists("Key", "S:(AU;SA;KR;;;WD)")
	key := spec.GlobalSACLs["Key"]
	p := mustPolicy(t, spec)
	delete(spec.GlobalSACLs, "Key")
	if got := p.Spec().GlobalSACLs; len(got) != 1 || got["Key"] != key || p.GlobalSACL("Key") != key {
		t.Errorf("global SACLs of the policy: %v, want that of Key alone", got)
	}
	delete(p.Spec().GlobalSACLs, "Key") // a copy, which does not affect the policy
	check.Equal(t, p.GlobalSACL("Key"), key, "global SACL of Key after a change of the returned spec")
	delete(spec.Users, userU) // a policy does not change with its PolicySpec
	back := p.Spec()
	check.That(t, maps.Equal(back.System, spec.System) &&
		back.Users[userU][audit.FileSystem].Include == audit.OnSuccess && back.Options == spec.Options,
		"Spec() = %+v, want that of the policy", back)
	for name, bad := range map[string]audit.PolicySpec{
		"unknown subcategory": {System: map[audit.Subcategory]audit.Setting{0x4C: audit.OnBoth}},
		"unknown bits":        {System: map[audit.Subcategory]audit.Setting{audit.Registry: 4}},
		"SID is missing":      {Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{{}: nil}},
		"only File and Key":   {GlobalSACLs: map[string]*sd.ACL{"Event": nil}},
		`for type ""`:         {GlobalSACLs: map[string]*sd.ACL{"": nil}},
		"CrashOnAuditFail 3":  {Options: audit.Options{CrashOnAuditFail: 3}},
	} {
		if _, err := audit.NewPolicy(bad); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("NewPolicy, %s: error %v, want one with that text", name, err)
		}
	}
}

// The identifiers are those of ntsecapi.h and of the published tables: GUID,
// task, category code.
func TestSubcategoriesHavePublishedIdentifiers(t *testing.T) {
	for _, c := range []struct {
		s            audit.Subcategory
		name, guid   string
		task         uint16
		category     audit.Category
		categoryCode string
	}{
		{audit.SecurityStateChange, "Security State Change", "0cce9210-69ae-11d9-bed3-505054503030", 12288,
			audit.CategorySystem, "%%8272"},
		{audit.FileSystem, "File System", "0cce921d-69ae-11d9-bed3-505054503030", 12800, audit.CategoryObjectAccess,
			"%%8274"},
		{audit.Registry, "Registry", "0cce921e-69ae-11d9-bed3-505054503030", 12801, audit.CategoryObjectAccess, "%%8274"},
		{audit.KernelObject, "Kernel Object", "0cce921f-69ae-11d9-bed3-505054503030", 12802,
			audit.CategoryObjectAccess, "%%8274"},
		{audit.HandleManipulation, "Handle Manipulation", "0cce9223-69ae-11d9-bed3-505054503030", 12807,
			audit.CategoryObjectAccess, "%%8274"},
		{audit.SensitivePrivilegeUse, "Sensitive Privilege Use", "0cce9228-69ae-11d9-bed3-505054503030", 13056,
			audit.CategoryPrivilegeUse, "%%8275"},
		{audit.NonSensitivePrivilegeUse, "Non Sensitive Privilege Use", "0cce9229-69ae-11d9-bed3-505054503030", 13057,
			audit.CategoryPrivilegeUse, "%%8275"},
		{audit.TokenRightAdjusted, "Token Right Adjusted Events", "0cce924a-69ae-11d9-bed3-505054503030", 13317,
			audit.CategoryDetailedTracking, "%%8276"},
		{audit.AuditPolicyChange, "Audit Policy Change", "0cce922f-69ae-11d9-bed3-505054503030", 13568,
			audit.CategoryPolicyChange, "%%8277"},
		{audit.AuthorizationPolicyChange, "Authorization Policy Change", "0cce9231-69ae-11d9-bed3-505054503030", 13570,
			audit.CategoryPolicyChange, "%%8277"},
		{audit.DirectoryServiceAccess, "Directory Service Access", "0cce923b-69ae-11d9-bed3-505054503030", 14080,
			audit.CategoryDirectoryServiceAccess, "%%8279"},
		{0x42, "Kerberos Authentication Service", "0cce9242-69ae-11d9-bed3-505054503030", 14339,
			audit.CategoryAccountLogon, "%%8280"},
		{0x4B, "Access Rights", "0cce924b-69ae-11d9-bed3-505054503030", 12555, audit.CategoryLogon, "%%8273"},
	} {
		if c.s.String() != c.name || c.s.GUID().String() != c.guid || c.s.Task() != c.task ||
			c.s.Category() != c.category || c.s.Category().Code() != c.categoryCode {
			t.Errorf("%s: %s %d %s %s", c.name, c.s.GUID(), c.s.Task(), c.s.Category(), c.s.Category().Code())
		}
		for _, text := range []string{c.name, strings.ToUpper(c.name), c.guid, "{" + strings.ToUpper(c.guid) + "}"} {
			s, err := audit.ParseSubcategory(text)
			check.That(t, err == nil && s == c.s, "ParseSubcategory(%q) = %v, %v, want %v, nil", text, s, err, c.s)
		}
	}
	check.Equal(t, audit.CategoryObjectAccess.GUID().String(), "6997984a-797a-11d9-bed3-505054503030",
		"GUID of Object Access")
	check.Equal(t, audit.Setting(0xF1).String(), "success", "name of a setting with unknown bits")
	count, tasks := 0, map[uint16]audit.Subcategory{}
	for s := range audit.Subcategories {
		count++
		other, ok := tasks[s.Task()]
		check.That(t, !ok, "%s and %s share task %d", s, other, s.Task())
		tasks[s.Task()] = s
		var back audit.Subcategory
		text, err := s.MarshalText()
		check.That(t, err == nil && back.UnmarshalText(text) == nil && back == s,
			"%s: text form %s, read back as %s (%v), want the same", s, text, back, err)
	}
	const last = audit.CategoryAccountLogon
	check.Equal(t, fmt.Sprint(audit.CategorySystem, last, last+1, last.GUID(), (last+1).GUID()),
		"System Account Logon Category(9) 69979850-797a-11d9-bed3-505054503030 00000000-0000-0000-0000-000000000000",
		"categories")
	check.That(t, check.Err(audit.Subcategory(0x4C).MarshalText()) != nil, "text of an unknown subcategory: no error")
	check.That(t, count == 60, "%d subcategories, documented are 60, want 60", count)
	for _, text := range []string{"Files", "{File System}", ""} {
		_, err := audit.ParseSubcategory(text)
		check.That(t, err != nil, "ParseSubcategory(%q) gives no error", text)
	}
}

// The words of Active are those of the policy that was stored last.
func TestActiveBitsFollowStoredPolicy(t *testing.T) {
	var active audit.Active
	policies := []*audit.Policy{nil, standardPolicy(t),
		mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}})}
	for round := range 200 {
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() { active.Store(policies[(round+i)%len(policies)]) })
		}
		wg.Wait()
		p := active.Load()
		for _, o := range []audit.Outcome{audit.Success, audit.Failure} {
			for s := range audit.Subcategories {
				check.Require(t, active.On(s, o), p.Anyone(s, o), "round %d: On(%s, %s)", round, s, o)
			}
		}
		check.Require(t, active.Opens(), p.Anyone(audit.FileSystem, audit.Success), "round %d: Opens()", round)
	}
}

// The lists of section 2.1: thirteen sensitive privileges, seven exempt ones.
// U-17, U-42.
func TestSensitivePrivilegesMatchWindows(t *testing.T) {
	sensitive := []string{"AssignPrimaryToken", "Audit", "Backup", "CreateToken", "Debug", "EnableDelegation",
		"Impersonate", "LoadDriver", "Restore", "Security", "SystemEnvironment", "TakeOwnership", "Tcb"}
	ordinary := []string{"ChangeNotify", "CreateGlobal", "CreatePagefile", "CreatePermanent", "CreateSymbolicLink",
		"IncreaseBasePriority", "IncreaseQuota", "IncreaseWorkingSet", "LockMemory", "MachineAccount", "ManageVolume",
		"ProfileSingleProcess", "Relabel", "RemoteShutdown", "Shutdown", "SyncAgent", "SystemProfile", "Systemtime",
		"TimeZone", "TrustedCredManAccess", "Undock", "DelegateSessionUserImpersonate"}
	recorded := func(names []string, want audit.Subcategory) {
		for _, n := range names {
			p := check.Must(winnt.ParsePrivilege("Se" + n + "Privilege"))
			check.Equal(t, audit.PrivilegeSubcategory(p.Bit()), want, "U-42: %s is recorded under", p) // UC-69
		}
	}
	recorded(sensitive, audit.SensitivePrivilegeUse)
	recorded(ordinary, audit.NonSensitivePrivilegeUse)
	n := len(sensitive) + len(ordinary)
	check.That(t, n == int(winnt.LastPrivilege-winnt.FirstPrivilege)+1,
		"%d privileges are in one of the lists, not all, want %d", n, int(winnt.LastPrivilege-winnt.FirstPrivilege)+1)
	mixed := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeTcbPrivilege)
	check.That(t, audit.PrivilegeSubcategory(mixed) == audit.SensitivePrivilegeUse,
		"U-42: subcategory %v, want Sensitive Privilege Use for one sensitive privilege", audit.PrivilegeSubcategory(mixed))
	exempt := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeDebugPrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeAssignPrimaryTokenPrivilege, winnt.SeAuditPrivilege, winnt.SeBackupPrivilege, winnt.SeRestorePrivilege)
	var all winnt.PrivilegeSet
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		all |= p.Bit()
	}
	got := audit.DefaultPolicy().AuditedPrivileges(all)
	check.That(t, got == all&^exempt, "U-17: not recorded by default: %v, want %v", (all &^ got).Names(), exempt.Names())
	full := mustPolicy(t, audit.PolicySpec{Options: audit.Options{FullPrivilegeAuditing: true}})
	check.Equal(t, full.AuditedPrivileges(all), all,
		"U-17: audited privileges with FullPrivilegeAuditing")
}

// TestUnknownSubcategoryIsNeverRecorded checks that nothing is recorded under an unknown subcategory number, whatever
// else is recorded (U-1). The number shares its bits in the policy's words with a known one.
func TestUnknownSubcategoryIsNeverRecorded(t *testing.T) {
	all := map[audit.Subcategory]audit.Setting{}
	mine := map[audit.Subcategory]audit.UserSetting{}
	for s := range audit.Subcategories {
		all[s], mine[s] = audit.OnBoth, audit.UserSetting{Include: audit.OnBoth}
	}
	p := mustPolicy(t, audit.PolicySpec{System: all,
		Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{userU: mine}})
	valid := 0
	for n := range 256 {
		s := audit.Subcategory(n)
		_, is := all[s]
		if is {
			valid++
		}
		for _, o := range []audit.Outcome{audit.Success, audit.Failure} {
			if s.Valid() != is || p.Anyone(s, o) != is || p.Records(s, o, userU, false) != is || p.System(s).Has(o) != is {
				t.Errorf("U-1: %d, %s: recorded for any account %t, for the account %t, by the system %t, want %t", n,
					o, p.Anyone(s, o), p.Records(s, o, userU, false), p.System(s).Has(o), is)
			}
		}
	}
	check.That(t, valid == len(all) && valid != 0, "%d valid subcategories, want %d", valid, len(all))
}

// Unknown bits are refused in both parts of an account's policy, included and excluded.
func TestPolicyRefusesUnknownBits(t *testing.T) {
	for _, v := range []audit.UserSetting{{Include: 4}, {Exclude: 4}, {Include: 1, Exclude: 0x80}} {
		_, err := audit.NewPolicy(audit.PolicySpec{Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			userU: {audit.Logon: v}}})
		check.That(t, err != nil && strings.Contains(err.Error(), "unknown bits"),
			"%+v: error %v, want \"unknown bits\"", v, err)
	}
	last := audit.Options{CrashOnAuditFail: audit.AuditFailed}
	p, err := audit.NewPolicy(audit.PolicySpec{Options: last})
	check.That(t, err == nil && p.Options().CrashOnAuditFail == audit.AuditFailed,
		"the last value of CrashOnAuditFail: %v", err)
}

func ExamplePolicy_Records() {
	alice, bob := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnFailure},
		Users:  map[sid.SID]map[audit.Subcategory]audit.UserSetting{alice: {audit.FileSystem: {Include: audit.OnSuccess}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Records(audit.FileSystem, audit.Success, alice, false))
	fmt.Println(policy.Records(audit.FileSystem, audit.Success, bob, false))
	// Output:
	// true
	// false
}

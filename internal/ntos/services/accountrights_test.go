package services_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// rightsWorld returns a computer where one user holds two privileges and a logon right, and another user holds
// nothing.
func rightsWorld(t *testing.T) *world {
	t.Helper()
	member := func(rid uint32, name string, p winnt.PrivilegeSet, r logon.Rights) logon.Member {
		return logon.Member{Person: logon.Person{Privileges: p, Rights: r, Account: logon.Account{
			SID: sid.MustParse("S-1-5-21-1-2-3").WithRID(rid), Use: winnt.SidTypeUser, Name: name}}}
	}
	m := check.Must(logon.NewMemory(logon.Settings{Members: []logon.Member{member(1001, "ann",
		winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeDebugPrivilege), logon.SeDenyNetworkLogonRight),
		member(1002, "bob", 0, 0)}}))
	return newWorld(t, kernel.Config{LSA: m})
}

// TestEnumerateAccountRightsReturnsAssignedRights checks that the rights of an account are those assigned to it. An
// account without rights gets the same status as an unknown account (L-77).
func TestEnumerateAccountRightsReturnsAssignedRights(t *testing.T) {
	w := rightsWorld(t)
	th, _ := w.thread(w.of("administrator", token.Administrator(sid.MustParse(svc))))
	policy := check.Result(th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES))
	for account, c := range map[string]struct {
		status ntstatus.Status
		rights []string
	}{
		"S-1-5-21-1-2-3-1001": {ntstatus.Success,
			[]string{"SeBackupPrivilege", "SeDebugPrivilege", "SeDenyNetworkLogonRight"}},
		"S-1-5-21-1-2-3-1002": {ntstatus.ObjectNameNotFound, nil},
		"S-1-5-21-9-9-9-1001": {ntstatus.ObjectNameNotFound, nil},
		"S-1-1-0":             {ntstatus.ObjectNameNotFound, nil},
	} {
		got, st := th.LsaEnumerateAccountRights(policy, sid.MustParse(account))
		want(t, account, st, c.status)
		slices.Sort(got)
		check.SlicesEqual(t, got, c.rights, "L-77: LsaEnumerateAccountRights(%s)", account)
	}
	want(t, "the null SID", check.Status(th.LsaEnumerateAccountRights(policy, sid.SID{})), ntstatus.InvalidParameter)
}

// TestAccountRightsNeedAnAdministrator checks that the handle needs POLICY_LOOKUP_NAMES, and that the effective token
// must be an administrator's at the time of the call (L-77).
func TestAccountRightsNeedAnAdministrator(t *testing.T) {
	w := rightsWorld(t)
	ann := sid.MustParse("S-1-5-21-1-2-3-1001")
	limited := token.Administrator(sid.MustParse(svc))
	for i, g := range limited.Groups {
		if g.SID == sid.Administrators {
			limited.Groups[i].Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
	}
	limited.Owner = sid.SID{}
	for name, c := range map[string]struct {
		spec token.Spec
		st   ntstatus.Status
	}{
		"administrator": {token.Administrator(sid.MustParse(svc)), ntstatus.Success},
		"system":        {token.LocalSystem(), ntstatus.Success},
		"limited":       {limited, ntstatus.AccessDenied},
		"user":          {token.StandardUser(sid.MustParse(svc)), ntstatus.AccessDenied},
		"ann herself":   {token.StandardUser(ann), ntstatus.AccessDenied},
	} {
		th, _ := w.thread(w.of(name, c.spec))
		policy := check.Result(th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES))
		rights, st := th.LsaEnumerateAccountRights(policy, ann)
		want(t, name, st, c.st)
		check.That(t, st == ntstatus.Success || len(rights) == 0,
			"L-77: LsaEnumerateAccountRights refused %s but returned %q, want no rights", name, rights)
		// The status does not reveal whether an account has rights.
		if c.st != ntstatus.Success {
			_, st = th.LsaEnumerateAccountRights(policy, ann.Prefix().WithRID(1002))
			want(t, name+", an account without rights", st, c.st)
		}
	}
	th, k := w.thread(w.of("server", token.Administrator(sid.MustParse(svc))))
	policy := check.Result(th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES))
	_, st := th.LsaEnumerateAccountRights(check.Result(th.LsaOpenPolicy(winnt.POLICY_VIEW_LOCAL_INFORMATION)), ann)
	want(t, "a handle without POLICY_LOOKUP_NAMES", st, ntstatus.AccessDenied)
	for level, wanted := range map[winnt.SecurityImpersonationLevel]ntstatus.Status{
		winnt.SecurityIdentification: ntstatus.BadImpersonationLevel,
		winnt.SecurityImpersonation:  ntstatus.AccessDenied,
	} {
		check.Success(t, k.PsImpersonateClient(k.Thread(), w.token(k, client, level), false, false, level))
		_, st = th.LsaEnumerateAccountRights(policy, ann)
		k.PsRevertToSelf()
		want(t, "a client at "+level.String(), st, wanted)
	}
}

// TestAuditOptionJoinsSubcategories checks that the option of a category has each outcome that one of its
// subcategories records, that options are in the order of POLICY_AUDIT_EVENT_TYPE, and that the handle needs
// POLICY_VIEW_AUDIT_INFORMATION (L-78).
func TestAuditOptionJoinsSubcategories(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.of("administrator", token.Administrator(sid.MustParse(svc))))
	policy := check.Result(th.LsaOpenPolicy(winnt.POLICY_VIEW_AUDIT_INFORMATION))
	type options = []winnt.PolicyAuditEventOptions
	for name, c := range map[string]struct {
		system map[audit.Subcategory]audit.Setting
		users  map[sid.SID]map[audit.Subcategory]audit.UserSetting
		mode   bool
		want   options
	}{
		"nothing": {system: map[audit.Subcategory]audit.Setting{}, want: options{4, 4, 4, 4, 4, 4, 4, 4, 4}},
		"two subcategories of a category": {system: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: audit.OnSuccess, audit.KernelObject: audit.OnFailure}, mode: true,
			want: options{4, 4, 3, 4, 4, 4, 4, 4, 4}},
		"one in each of several": {system: map[audit.Subcategory]audit.Setting{audit.SystemIntegrity: audit.OnFailure,
			audit.Logon: audit.OnSuccess, audit.SensitivePrivilegeUse: audit.OnBoth, audit.ProcessCreation: audit.OnSuccess,
			audit.AuditPolicyChange: audit.OnBoth, audit.UserAccountManagement: audit.OnSuccess,
			audit.DirectoryServiceAccess: audit.OnFailure, 0x3F: audit.OnSuccess}, mode: true,
			want: options{2, 1, 4, 3, 1, 3, 1, 2, 1}},
		"one user's policy": {system: map[audit.Subcategory]audit.Setting{},
			users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
				sid.MustParse(client): {audit.Logon: {Include: audit.OnBoth}}},
			want: options{4, 4, 4, 4, 4, 4, 4, 4, 4}},
	} {
		p := check.Must(audit.NewPolicy(audit.PolicySpec{System: c.system, Users: c.users}))
		w.sys.Audit().Policy.Store(p)
		info := check.Result(th.LsaQueryInformationPolicy(policy, winnt.PolicyAuditEventsInformation))
		check.That(t, info.AuditingMode == c.mode && slices.Equal(info.EventAuditingOptions, c.want),
			"L-78: %s: audit events information %+v, want mode %v and options %v", name, info, c.mode, c.want)
	}
	_, st := th.LsaQueryInformationPolicy(policy, winnt.PolicyAccountDomainInformation)
	want(t, "the domain by a handle that views the audit policy", st, ntstatus.AccessDenied)
	views := check.Result(th.LsaOpenPolicy(winnt.POLICY_VIEW_LOCAL_INFORMATION))
	_, st = th.LsaQueryInformationPolicy(views, winnt.PolicyAuditEventsInformation)
	want(t, "the audit policy by a handle that views the rest", st, ntstatus.AccessDenied)
	user, _ := w.thread(w.process("user"))
	_, st = user.LsaOpenPolicy(winnt.POLICY_VIEW_AUDIT_INFORMATION)
	want(t, "a standard user opens it", st, ntstatus.AccessDenied)
	_, st = user.Services().LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{PolicyHandle: 0x777,
		InformationClass: winnt.PolicyAuditEventsInformation})
	want(t, "no handle", st, ntstatus.InvalidHandle)
}

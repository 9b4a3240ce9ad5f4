package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// recorder writes one kind of record.
type recorder struct {
	name  string
	needs audit.Subcategory
	id    int
	write func(l *audit.Log) ntstatus.Status
}

// recorders returns a function for each kind of record that a log writes, with the
// subcategory that it needs and its event.
func recorders(t *testing.T) []recorder {
	held := specU()
	held.Privileges = winnt.Privileges(winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege)
	off := mustToken(t, held)
	held.EnabledPrivileges = held.Privileges
	on := mustToken(t, held)
	before := sddl.MustParse("O:BAG:SYD:S:(AU;SA;WD;;;WD)")
	after := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;WD;;;WD)")
	quiet := sddl.MustParse("O:BAG:SYD:S:")
	const sacl, dacl uint32 = winnt.SACL_SECURITY_INFORMATION, winnt.DACL_SECURITY_INFORMATION
	used := winnt.SeTakeOwnershipPrivilege.Bit()
	h := audit.HandleAudit{GenerateOnClose: true, Audited: winnt.DELETE | 1, Pending: 1}
	from := called(t) // the client is the user of the others
	open := func(desired winnt.AccessMask, text string, tok *token.Token) func(l *audit.Log) ntstatus.Status {
		return func(l *audit.Log) ntstatus.Status {
			r := access.Request{Descriptor: sddl.MustParse(text), Desired: desired, Type: winnt.FileObject,
				Subject: access.Subject{Primary: from.Subject.Primary, Level: winnt.SecurityImpersonation,
					Client: tok.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)}}
			dec := check.Must(access.SeAccessCheck(&r))
			other := audit.Origin{ProcessID: from.ProcessID, Subject: access.Subject{Primary: tokenSystem(t)}} // not read
			return check.Status(l.Opened(&audit.Opening{Origin: other, Object: reportFile, Request: &r, Decision: dec}))
		}
	}
	target := audit.Target{ProcessID: 0x99, ProcessName: `C:\child.exe`, Token: tokenU(t)}
	return []recorder{
		{"open", audit.FileSystem, 4656, open(1, standardSD, tokenU(t))},
		{"open refused", audit.FileSystem, 4656, open(2, standardSD, tokenU(t))},
		{"open by privilege", audit.SensitivePrivilegeUse, 4674, open(winnt.WRITE_OWNER, "O:BAG:SYD:", on)},
		{"permissions", audit.AuthorizationPolicyChange, 4670, func(l *audit.Log) ntstatus.Status {
			return l.SecuritySet(from, audit.Object{Type: "Process"}, before, after, dacl)
		}},
		{"permissions of a file", audit.FileSystem, 4670, func(l *audit.Log) ntstatus.Status {
			return l.SecuritySet(from, reportFile, before, after, dacl)
		}},
		{"audit settings", audit.AuditPolicyChange, 4907, func(l *audit.Log) ntstatus.Status {
			return l.SecuritySet(from, reportFile, before, quiet, sacl)
		}},
		{"adjusted", audit.TokenRightAdjusted, 4703, func(l *audit.Log) ntstatus.Status {
			return l.PrivilegesAdjusted(from, off, on)
		}},
		{"service", audit.SensitivePrivilegeUse, 4673, func(l *audit.Log) ntstatus.Status {
			return l.ServiceCalled(from, "s", "t", used, audit.Success)
		}},
		{"service from the kernel", audit.SensitivePrivilegeUse, 4673, func(l *audit.Log) ntstatus.Status {
			return l.ServiceCalledFromKernel(from, "s", "t", used, audit.Failure)
		}},
		{"privileged object", audit.SensitivePrivilegeUse, 4674, func(l *audit.Log) ntstatus.Status {
			return l.PrivilegesUsed(from, reportFile, 1, used, audit.Success)
		}},
		{"first use", audit.FileSystem, 4663, func(l *audit.Log) ntstatus.Status {
			return check.Status(l.Used(from, reportFile, h, 1, nil))
		}},
		{"close", audit.HandleManipulation, 4658, func(l *audit.Log) ntstatus.Status {
			return l.Closed(from, reportFile, h)
		}},
		{"delete", audit.FileSystem, 4660, func(l *audit.Log) ntstatus.Status {
			return l.Deleted(from, reportFile, h)
		}},
		{"duplicate", audit.HandleManipulation, 4690, func(l *audit.Log) ntstatus.Status {
			return l.Duplicated(from, 4, 1, 8, 2)
		}},
		{"process", audit.ProcessCreation, 4688, func(l *audit.Log) ntstatus.Status {
			return l.ProcessCreated(from, target, `C:\parent.exe`)
		}},
		{"primary token", audit.ProcessCreation, 4696, func(l *audit.Log) ntstatus.Status {
			return l.TokenAssigned(from, target)
		}},
		{"exit", audit.ProcessTermination, 4689, func(l *audit.Log) ntstatus.Status {
			return l.ProcessExited(from, ntstatus.Success)
		}},
		{"label", audit.AuthorizationPolicyChange, 4911, func(l *audit.Log) ntstatus.Status {
			return l.SecuritySet(from, reportFile, quiet, sddl.MustParse("O:BAG:SYD:S:(ML;;NW;;;HI)"),
				winnt.LABEL_SECURITY_INFORMATION)
		}},
		{"share", audit.DetailedFileShare, 5145, func(l *audit.Log) ntstatus.Status {
			other := audit.Origin{Subject: access.Subject{Primary: tokenSystem(t)}} // not read
			return l.ShareChecked(other, &audit.ShareCheck{Request: access.Request{Subject: from.Subject, Desired: 1,
				Type: winnt.FileObject, Descriptor: quiet}})
		}},
	}
}

// TestEachRecordNeedsItsSubcategory checks that each record needs its own subcategory and no other.
// If the sink cannot keep it, a fail-closed policy fails the call (U-18, U-64).
func TestEachRecordNeedsItsSubcategory(t *testing.T) {
	for _, c := range recorders(t) {
		for s := range audit.Subcategories {
			log, sink := newLog(t, s)
			st := c.write(log)
			events := sink.Drain()
			want := []int{c.id}
			if s != c.needs {
				want = nil
			}
			if st != ntstatus.Success || !slices.Equal(ids(events), want) {
				if c.id == 4670 && s == audit.AuthorizationPolicyChange { // a file's is recorded by either
					continue
				}
				t.Errorf("%s under %v: %v, events %v, want %v", c.name, s, st, ids(events), want)
			}
			for _, e := range events {
				// The client is named, by the names that the log has.
				if field(t, e, "SubjectUserSid") != clientSID || field(t, e, "SubjectUserName") != "alice" ||
					field(t, e, "PrimaryUserSid") != processSID {
					t.Errorf("U-20, U-21: %s: %s", c.name, formatEvent(e))
				}
				check.That(t, e.Subcategory == c.needs || c.id == 4670 || c.id == 4658, "%s: subcategory %v", c.name, e.Subcategory)
			}
		}
		log := &audit.Log{Sink: broken(), Names: people{}, Computer: "dc1", Clock: clock}
		for crash, want := range map[audit.CrashOnAuditFail]ntstatus.Status{audit.ProceedOnAuditFail: ntstatus.Success,
			audit.FailOnAuditFail: ntstatus.AuditFailed, audit.AuditFailed: ntstatus.AuditFailed} {
			log.Policy.Store(mustPolicy(t, audit.PolicySpec{
				System:  map[audit.Subcategory]audit.Setting{c.needs: audit.OnBoth},
				Options: audit.Options{CrashOnAuditFail: crash},
			}))
			check.Equal(t, c.write(log), want, "U-64: %s, CrashOnAuditFail %d", c.name, crash)
		}
	}
}

// TestAccountPolicyAppliesToItsRecords checks that an account's own policy applies to each kind of record of that
// account, and to no other account's (U-1).
func TestAccountPolicyAppliesToItsRecords(t *testing.T) {
	for _, c := range recorders(t) {
		for _, of := range []sid.SID{userU, groupG, sid.MustParse(processSID), sid.LocalSystem} {
			one := func(u audit.UserSetting) map[sid.SID]map[audit.Subcategory]audit.UserSetting {
				return map[sid.SID]map[audit.Subcategory]audit.UserSetting{of: {c.needs: u}}
			}
			on := map[audit.Subcategory]audit.Setting{c.needs: audit.OnBoth}
			for name, p := range map[string]struct {
				spec audit.PolicySpec
				want int
			}{
				"excluded": {audit.PolicySpec{System: on, Users: one(audit.UserSetting{Exclude: audit.OnBoth})}, 0},
				"included": {audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{},
					Users: one(audit.UserSetting{Include: audit.OnBoth})}, 1},
			} {
				if of != userU {
					p.want = 1 - p.want // the policy of another account
				}
				log, sink := newLog(t)
				log.Policy.Store(mustPolicy(t, p.spec))
				if st := c.write(log); st != ntstatus.Success || sink.Len() != p.want {
					t.Errorf("U-1: %s, %v %s: %v, %d records, want %d", c.name, of, name, st, sink.Len(), p.want)
				}
			}
		}
	}
}

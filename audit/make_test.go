package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func names(e audit.Event) []string {
	var out []string
	for f := range e.Fields() {
		out = append(out, f.Name)
	}
	return out
}

// TestRecordsMatchTheCatalogue checks that the records of our constructors have the catalogue's fields in order, and
// that each kind can be made. A log without space stores the records about administrators only (U-93).
func TestRecordsMatchTheCatalogue(t *testing.T) {
	from := audit.Origin{ProcessID: 8, ProcessName: "p", Subject: access.Subject{Primary: tokenSystem(t)}}
	forUser := audit.Origin{Subject: access.Subject{Primary: tokenSystem(t), Client: tokenU(t),
		Level: winnt.SecurityImpersonation}}
	forItself := forUser // an audit service accepts the process's own token as the client (U-31)
	forItself.Subject.Primary = forUser.Subject.Client
	noProcess := forUser
	noProcess.Subject.Primary = nil
	primary := []string{"PrimaryUserSid", "PrimaryUserName", "PrimaryDomainName", "PrimaryLogonId"}
	o := audit.Object{Type: "File", Name: "f"}
	all := 0
	for k := range audit.Kinds {
		all++
		e, err := audit.Make(k.ID, outcomeFor(k), from, nil)
		check.That(t, err == nil && slices.Equal(names(e), slices.Collect(k.Fields())) && e.Version == k.Version &&
			e.Outcome == outcomeFor(k), "Make(%d): %v, fields %v, want those of the catalogue", k.ID, err, names(e))
		for f := range e.Fields() {
			if f.Name == "CommandLine" || f.Name == "AdditionalInfo2" {
				check.Equal(t, f.Text(), "", "U-57: %d %s without a value", k.ID, f.Name)
			} else if !strings.HasPrefix(f.Name, "Subject") && f.Name != "ProcessId" && f.Name != "ProcessName" {
				check.Equal(t, f.Text(), "-", "U-57: %d %s without a value", k.ID, f.Name)
			}
		}
		check.That(t, e.Subcategory == 0 || e.Subcategory.Valid(),
			"Make(%d): subcategory %s, want a valid one or 0", k.ID, e.Subcategory)
		check.That(t, e.ByAdministrator() && e.Essential(), "U-93: Make(%d) by an administrator: not essential", k.ID)
		user, err := audit.Make(k.ID, outcomeFor(k), forUser, nil)
		check.That(t, err == nil && !user.ByAdministrator() && user.Essential() == (k.ID == 4634 || k.ID == 4689),
			"U-93: Make(%d) for a user: %v, essential %v", k.ID, err, user.Essential())
		want := names(e)
		for _, from := range []audit.Origin{forItself, noProcess} {
			e, err := audit.Make(k.ID, outcomeFor(k), from, nil)
			check.That(t, err == nil && slices.Equal(names(e), want),
				"U-20: Make(%d) without another primary token: %v, fields %v, want %v", k.ID, err, names(e), want)
		}
		if slices.Contains(want, "SubjectUserSid") {
			want = append(want, primary...)
		}
		check.SlicesEqual(t, names(user), want, "U-20: Make(%d) for a client", k.ID)
		if got, err := audit.ParseEvent(e.AppendJSON(nil)); err != nil || !slices.Equal(names(got), names(e)) {
			t.Errorf("ParseEvent of event %d: %v, want the same fields", k.ID, err)
		}
	}
	check.Equal(t, all, 67, "kinds")
	before, after := tokenOf(t), tokenOf(t, winnt.SeBackupPrivilege)
	adjusted, ok := audit.RightsAdjusted(from, before, after)
	check.RequireThat(t, ok, "the adjustment changed no privilege")
	for _, e := range []audit.Event{
		audit.HandleRequested(from, o, audit.HandleRequest{}), audit.HandleClosed(from, o),
		audit.ObjectDeleted(from, o),
		audit.ObjectAccessed(from, o, 1, nil), audit.PermissionsChanged(from, o, nil, nil, 0),
		audit.AuditSettingsChanged(from, o, nil, nil), audit.DirectoryAccessed(from, o, audit.DirectoryOperation{}),
		audit.HandleDuplicated(from, 1, 2, 3, 4), audit.PrivilegedService(from, "s", "t", 0, audit.Success),
		audit.PrivilegedObject(from, o, 0, 0, audit.Success), adjusted, audit.AuditsDiscarded(1, audit.Header{}),
		audit.LogStarted(), audit.LogStopped(), audit.LogNearlyFull(90), audit.LogFull(),
	} {
		k, ok := audit.KindOf(e.ID)
		want := slices.Collect(k.Fields())
		check.That(t, ok && slices.Equal(names(e), want) && e.Version == k.Version, "%d has %v, the catalogue %v",
			e.ID, names(e), want)
		check.Equal(t, e.ByAdministrator(), slices.Contains(want, "SubjectUserSid"), "U-93: %d by an administrator", e.ID)
	}
	for admin, by := range map[bool]audit.Origin{true: from, false: forUser} {
		for _, e := range []audit.Event{audit.LogCleared(by, 9, [32]byte{}), audit.ShareExposed(by, "s", "p", "e"),
			audit.AccountsChanged(by, sid.LocalSystem, "access revoked", "a", "files"), audit.ObjectDeleted(by, o)} {
			check.Equal(t, e.ByAdministrator(), admin, "U-93: %d by an administrator", e.ID)
		}
	}
	system, user, nobody := adjusted.Of(tokenSystem(t)), adjusted.Of(tokenU(t)), adjusted.Of(nil)
	check.That(t, system.ByAdministrator() && !user.ByAdministrator() && !nobody.ByAdministrator(),
		"U-93: a record about an administrator, a user and no account: want only the first by an administrator")
	_, field := audit.Make(4656, audit.Success, from, audit.Values{"NoField": {"x"}})
	_, outcome := audit.Make(4663, audit.Failure, from, nil)
	_, unknown := audit.Make(1, audit.Success, from, nil)
	check.That(t, field != nil && outcome != nil && unknown != nil, "Make with a field of another event: %v, with an "+
		"undocumented outcome: %v, of an unknown event: %v; want three errors", field, outcome, unknown)
}

func outcomeFor(k audit.Kind) audit.Outcome {
	if k.Outcomes == audit.OnFailure {
		return audit.Failure
	}
	return audit.Success
}

func tokenOf(t *testing.T, privileges ...winnt.Privilege) *token.Token {
	t.Helper()
	held := winnt.Privileges(privileges...)
	return check.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-500")}, Privileges: held,
		EnabledPrivileges: held}))
}

// TestPolicyChangeNeedsPrivilegeAndRecord checks that changing the policy needs SeSecurityPrivilege, and that each
// change is recorded even if policy changes are not audited (U-2; UC-44).
func TestPolicyChangeNeedsPrivilegeAndRecord(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	log := &audit.Log{Sink: sink}
	off := check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnFailure},
	}))
	plain := audit.Origin{Subject: access.Subject{Primary: tokenOf(t)}}
	if st := log.ChangePolicy(plain, off); st != ntstatus.PrivilegeNotHeld || sink.Len() != 0 {
		t.Errorf("without the privilege: %v, %d records, want %v, 0", st, sink.Len(), ntstatus.PrivilegeNotHeld)
	}
	admin := audit.Origin{Subject: access.Subject{Primary: tokenOf(t, winnt.SeSecurityPrivilege)}}
	between := audit.Origin{Subject: access.Subject{Primary: admin.Subject.Primary,
		Client: plain.Subject.Primary.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation),
		Level:  winnt.SecurityImpersonation}}
	st := log.ChangePolicy(between, off)
	check.That(t, st == ntstatus.PrivilegeNotHeld && sink.Len() == 0,
		"U-2: for a client without the privilege: %v, %d records, want %v, 0", st, sink.Len(), ntstatus.PrivilegeNotHeld)
	if st := log.ChangePolicy(admin, off); st != ntstatus.Success || log.Policy.Load() != off {
		t.Errorf("ChangePolicy with the privilege: %v, want success and the new policy", st)
	}
	check.Equal(t, log.ChangePolicy(admin, nil), ntstatus.Success, "back to the default")
	check.Equal(t, sink.Len(), 8, "records of both changes")
}

// lists returns the global SACL of one type.
func lists(typ, text string) map[string]*sd.ACL {
	return map[string]*sd.ACL{typ: sddl.MustParse(text).SACL()}
}

// TestListFieldsAcceptSeveralItems checks that each list field of the catalogue accepts several items in its form,
// and that every other field uses the first text (U-57).
func TestListFieldsAcceptSeveralItems(t *testing.T) {
	joined := map[string]string{
		"AccessList": "a\r\n\t\t\t\tb\r\n\t\t\t\t", "AccessReason": "a\r\n\t\t\t\tb\r\n\t\t\t\t",
		"Properties": "a\r\n\t\t\t\tb\r\n\t\t\t\t", "PrivilegeList": "a\r\n\t\t\tb",
		"EnabledPrivilegeList": "a\r\n\t\t\tb", "DisabledPrivilegeList": "a\r\n\t\t\tb", "AuditPolicyChanges": "a, b",
		"SidList": "a, b", "GroupMembership": "a, b",
	}
	seen := map[string]bool{}
	for k := range audit.Kinds {
		for name := range k.Fields() {
			want, list := joined[name]
			if strings.HasPrefix(name, "Subject") {
				continue // these fields come from the origin
			}
			if !list {
				want = "a"
			}
			seen[name] = true
			e, err := audit.Make(k.ID, outcomeFor(k), audit.Origin{}, audit.Values{name: {"a", "b"}})
			check.That(t, err == nil && field(t, e, name) == want,
				"U-57: %d %s: %v, %q, want %q", k.ID, name, err, field(t, e, name), want)
			back, err := audit.ParseEvent(e.AppendJSON(nil))
			check.That(t, err == nil && field(t, back, name) == want,
				"U-57: %d %s is read back as %q (%v), want %q", k.ID, name, field(t, back, name), err, want)
			e, err = audit.Make(k.ID, outcomeFor(k), audit.Origin{}, audit.Values{name: nil})
			check.That(t, err == nil && field(t, e, name) == "-",
				"U-57: %d %s without a value: %v, %q, want -", k.ID, name, err, field(t, e, name))
		}
	}
	const end = "\r\n\t\t\t\t"
	for text, mask := range map[string][]string{"16": {"16", "b"}, "%%1538" + end: {"%%1538"},
		"%%1538" + end + "%%4433" + end: {"%%1538", "%%4433"}} {
		e, err := audit.Make(4674, audit.Success, audit.Origin{}, audit.Values{"AccessMask": mask})
		check.That(t, err == nil && field(t, e, "AccessMask") == text,
			"U-22: mask %q: %v, %q, want %q", mask, err, field(t, e, "AccessMask"), text)
	}
	for name := range joined {
		check.That(t, seen[name], "no kind has a field %s", name)
	}
}

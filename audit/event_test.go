package audit_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// everyEvent makes one event of each kind.
func everyEvent(t testing.TB, from audit.Origin) []audit.Event {
	o := audit.Object{Type: "File", Name: `\Device\Share\report.txt`, Handle: 0x4C}
	before := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)")
	after := sddl.MustParse("O:BAG:SYD:P(A;;FA;;;BA)S:(AU;FA;FA;;;WD)")
	old := specU()
	old.Privileges, old.EnabledPrivileges = winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeChangeNotifyPrivilege), 0
	changed := old
	changed.EnabledPrivileges = winnt.Privileges(winnt.SeBackupPrivilege)
	adjusted, ok := audit.RightsAdjusted(from, mustToken(t, old), mustToken(t, changed))
	check.RequireThat(t, ok, "4703: a privilege changed")
	return []audit.Event{
		audit.AuditsDiscarded(17, audit.Header{}),
		audit.HandleRequested(from, o, audit.HandleRequest{Access: 0x120089, Descriptor: before}),
		audit.HandleClosed(from, o),
		audit.ObjectDeleted(from, o),
		audit.DirectoryAccessed(from, audit.Object{Type: "DirectoryService", Handle: 8},
			audit.DirectoryOperation{Access: 0x10}),
		audit.ObjectAccessed(from, o, 1, before),
		audit.PermissionsChanged(from, o, before, after, winnt.DACL_SECURITY_INFORMATION),
		audit.PrivilegedService(from, "Refmon Server", "Refmon", winnt.Privileges(winnt.SeTcbPrivilege), audit.Success),
		audit.PrivilegedObject(from, audit.Object{}, winnt.ACCESS_SYSTEM_SECURITY,
			winnt.Privileges(winnt.SeSecurityPrivilege), audit.Failure),
		audit.HandleDuplicated(from, 0x10, 0x1A4, 0x14, 0x1B8),
		adjusted,
		audit.AuditSettingsChanged(from, o, before, after),
	}
}

func origin(t testing.TB) audit.Origin {
	return audit.Origin{Subject: access.Subject{Primary: tokenU(t)}, Names: people{}, ProcessID: 0x1A4,
		ProcessName: `C:\srv\files.exe`}
}

// Tasks of the events, UC-27, UC-40, UC-41, UC-67; keywords of both outcomes.
func TestEventsHaveDocumentedTasksAndKeywords(t *testing.T) {
	tasks := map[uint16]uint16{4612: 12290, 4656: 12800, 4658: 12800, 4660: 12800, 4662: 14080, 4663: 12800,
		4670: 13570, 4673: 13056, 4674: 13056, 4690: 12807, 4703: 13317, 4907: 13568}
	for _, e := range everyEvent(t, origin(t)) {
		check.Equal(t, e.Task(), tasks[e.ID], "event %d has task", e.ID)
		want := uint64(0x8020000000000000)
		if e.Outcome == audit.Failure {
			want = 0x8010000000000000
		}
		check.That(t, e.Keywords() == want, "event %d %s: keywords %#x, want %#x", e.ID, e.Outcome, e.Keywords(), want)
	}
}

// A record has "-" for a name that cannot be found, and always the SID. An anonymous client has S-1-5-7 (U-21).
func TestUnknownNamesAreDashes(t *testing.T) {
	from := origin(t)
	from.Names = nil
	e := audit.HandleClosed(from, audit.Object{})
	if field(t, e, "SubjectUserName") != "-" || field(t, e, "SubjectDomainName") != "-" ||
		field(t, e, "SubjectUserSid") != userU.String() {
		t.Errorf("U-21: unknown name is %s, want - with the SID %v", field(t, e, "SubjectUserName"), userU)
	}
	from.Subject = access.Subject{Primary: tokenSystem(t), Client: tokenU(t), Level: winnt.SecurityAnonymous}
	from.Names = people{}
	e = audit.HandleClosed(from, audit.Object{})
	check.That(t, field(t, e, "SubjectUserName") == "-" && field(t, e, "SubjectDomainName") == "-",
		"U-21: name of an account that Names does not find: %s\\%s, want - for both", field(t, e, "SubjectDomainName"),
		field(t, e, "SubjectUserName"))
	check.That(t, field(t, e, "SubjectUserSid") == "S-1-5-7" && field(t, e, "SubjectLogonId") == "0x3e6",
		"U-21: anonymous client is %s, want S-1-5-7 of session 0x3e6", field(t, e, "SubjectUserSid"))
	e = audit.HandleClosed(audit.Origin{}, audit.Object{})
	check.That(t, field(t, e, "SubjectUserSid") == "S-1-0-0" && field(t, e, "SubjectLogonId") == "0x0",
		"unknown subject is %s, want the null SID S-1-0-0", field(t, e, "SubjectUserSid"))
}

// Process 4 has an empty name unless one is given. Any other process whose name is unknown has "-" (U-57).
func TestProcess4HasEmptyName(t *testing.T) {
	from := origin(t)
	for _, c := range []struct {
		id         uint64
		name, want string
	}{{4, "", ""}, {4, "System", "System"}, {8, "", "-"}} {
		from.ProcessID, from.ProcessName = c.id, c.name
		check.Equal(t, field(t, audit.HandleClosed(from, audit.Object{}), "ProcessName"), c.want, "ProcessName of process %d",
			c.id)
	}
}

// AccessList: standard rights first by code, then specific ones by bit, and
// the codes of each type.
func TestRightsAreInOrderOfCodes(t *testing.T) {
	for _, c := range []struct {
		typ  string
		mask winnt.AccessMask
		want string
	}{
		{"File", 0x1F01FF, "1537 1538 1539 1540 1541 4416 4417 4418 4419 4420 4421 4422 4423 4424"},
		{"File", winnt.ACCESS_SYSTEM_SECURITY | winnt.MAXIMUM_ALLOWED | 0x8000, "1542 1543 4431"},
		{"Key", 0x2003F, "1538 4432 4433 4434 4435 4436 4437"},
		{"Key", 0x300, "4440 4441"},
		{"Token", 0x1FF, "4592 4593 4594 4595 4596 4597 4598 4599 4600"},
		{"Process", 0x803, "4480 4481 4491"},
		{"Thread", 0x200, "4569"},
		{"Job", 0x10, "5140"},
		{"Event", 3, "4384 4385"},
		{"Section", 0x10, "4516"},
		{"Directory", 8, "4371"},
		{"Port", 1, "4464"},
		{"Widget", 0x10005, "1537 1552 1554"},
		{"File", winnt.GENERIC_ALL, ""},
	} {
		var got []string
		for r := range audit.Rights(c.typ, c.mask) {
			got = append(got, strconv.Itoa(int(r.Code)))
		}
		check.That(t, strings.Join(got, " ") == c.want, "%s %s: codes %v, want %s", c.typ, c.mask, got, c.want)
	}
	for _, c := range []struct {
		typ  string
		bit  winnt.AccessMask
		want string
	}{
		{"File", 1, "ReadData"}, {"File", 0x8000, "Undefined Access (no effect) Bit 15"}, {"Widget", 4,
			"Unknown specific access (bit 2)"}, {"Token", 2, "Duplicate"}, {"Key", 0x10000, "DELETE"},
	} {
		for r := range audit.Rights(c.typ, c.bit) {
			check.That(t, r.Text == c.want && r.Bit == c.bit, "%s %s: %q, want %q", c.typ, c.bit, r.Text, c.want)
		}
	}
	// The caller may stop early.
	for range audit.Rights("File", 0x1F01FF) {
		break
	}
	for range audit.Rights("File", 0x1FF) {
		break
	}
	for range audit.HandleRequested(origin(t), audit.Object{Type: "File"},
		audit.HandleRequest{Access: 0x1F01FF}).Accesses() {
		break
	}
	for range audit.Kinds {
		break
	}
	for range audit.Subcategories {
		break
	}
}

// A privilege that the process holds disabled makes no elevation, nor does a lower level. The record has only the
// privileges that the process does not have, and both levels (I-48).
func TestUnsafeElevationComparesClientWithProcess(t *testing.T) {
	const debug, shutdown = winnt.SeDebugPrivilege, winnt.SeShutdownPrivilege
	spec := func(level sid.SID, present ...winnt.Privilege) token.Spec {
		s := specU()
		s.Integrity, s.Privileges = level, winnt.Privileges(present...)
		return s
	}
	client := spec(sid.MediumLevel, debug, shutdown)
	client.EnabledPrivileges = client.Privileges
	from := origin(t)
	from.Subject.Primary = mustToken(t, spec(sid.HighLevel, debug, shutdown))
	call := audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2, Client: mustToken(t, client)}
	_, ok := audit.UnsafeElevation(from, call)
	check.That(t, !ok, "a client with the process's disabled privileges, below its level: an event, want none")
	from.Subject.Primary = mustToken(t, spec(sid.MediumLevel, shutdown))
	call.Client = mustToken(t, spec(sid.HighLevel, debug, shutdown))
	e, ok := audit.UnsafeElevation(from, call)
	check.RequireThat(t, ok, "a client with another privilege and a higher level: no event, want one")
	check.SlicesEqual(t, items(e, "PrivilegeList"), []string{"SeDebugPrivilege"}, "privileges that only the client has")
	check.Equal(t, field(t, e, "SubjectIntegrity"), "S-1-16-8192", "level of the process")
	check.Equal(t, field(t, e, "TargetIntegrity"), "S-1-16-12288", "level of the client")
}

// The call of a service without a name, of a subsystem without a name, has "-" in place of the names.
func TestServiceWithoutNameIsDash(t *testing.T) {
	e := audit.PrivilegedService(origin(t), "", "", winnt.Privileges(winnt.SeTcbPrivilege), audit.Success)
	for _, name := range []string{"ObjectServer", "Service"} {
		check.Equal(t, field(t, e, name), "-", "%s of an empty name", name)
	}
}

// The reasons of a record name each kind of unsafe elevation (I-48, I-99).
func TestUnsafeElevationMarksReasons(t *testing.T) {
	weak := specU()
	held := specU()
	held.Privileges, held.EnabledPrivileges = winnt.Privileges(winnt.SeShutdownPrivilege), 0
	from := origin(t)
	from.Subject.Primary = mustToken(t, held)
	held.EnabledPrivileges = held.Privileges
	strong := specU()
	strong.User.SID = groupG
	strong.Privileges = winnt.Privileges(winnt.SeDebugPrivilege)
	high := specU()
	high.Integrity = sid.MustParse("S-1-16-12288")
	both := high
	both.Privileges = strong.Privileges
	client := specU()
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	for _, c := range []struct {
		name  string
		call  audit.Elevation
		spec  token.Spec
		cause string // "" is no event
	}{
		{"I-48 privilege", audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2}, strong, "Privilege"},
		{"I-48 integrity", audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2}, high, "Integrity"},
		{"I-48 privilege and integrity", audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2}, both,
			"Privilege, Integrity"},
		{"I-48 integrity, and I-99", audit.Elevation{KernelMode: true, Level: winnt.SecurityIdentification}, high,
			"Integrity, Level"},
		{"I-48 system thread", audit.Elevation{KernelMode: true, SystemThread: true, CopyOnOpen: true, Level: 2}, strong, ""},
		{"I-48 user mode", audit.Elevation{CopyOnOpen: true, Level: 2}, strong, ""},
		{"I-48 a privilege that the process holds", audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2}, held, ""},
		{"I-48 no stronger", audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: 2}, weak, ""},
		{"I-99 level below the token's", audit.Elevation{Level: winnt.SecurityIdentification}, client, "Level"},
		{"I-99 copied on open", audit.Elevation{CopyOnOpen: true, Level: winnt.SecurityIdentification}, client, ""},
		{"I-99 same level", audit.Elevation{Level: winnt.SecurityDelegation}, client, ""},
		{"I-99 a level below impersonation, of a primary token", audit.Elevation{Level: winnt.SecurityIdentification}, weak,
			"Level"},
		{"I-99 anonymous, of a primary token", audit.Elevation{}, weak, "Level"},
		{"I-99 impersonation, of a primary token", audit.Elevation{Level: winnt.SecurityImpersonation}, weak, ""},
		{"I-99 delegation, of a primary token", audit.Elevation{Level: winnt.SecurityDelegation}, weak, ""},
	} {
		c.call.Client, c.call.Thread = mustToken(t, c.spec), 0x200
		e, ok := audit.UnsafeElevation(from, c.call)
		if ok != (c.cause != "") {
			t.Errorf("%s: event %v, want %v", c.name, ok, c.cause != "")
			continue
		}
		if ok && (field(t, e, "Cause") != c.cause || field(t, e, "SubjectUserSid") != userU.String() ||
			field(t, e, "TargetUserSid") != c.spec.User.SID.String()) {
			t.Errorf("%s: cause %s, subject %s, target %s", c.name, field(t, e, "Cause"),
				field(t, e, "SubjectUserSid"), field(t, e, "TargetUserSid"))
		}
	}
	if _, ok := audit.UnsafeElevation(origin(t), audit.Elevation{KernelMode: true}); ok {
		t.Error("UnsafeElevation without a client gives an event, want none")
	}
	// Levels, yes and no are written as message codes (U-57a).
	for level, code := range map[winnt.SecurityImpersonationLevel]string{0: "%%1831", 1: "%%1832", 2: "%%1833",
		3: "%%1840", 4: "-"} {
		e, ok := audit.UnsafeElevation(origin(t), audit.Elevation{KernelMode: true, CopyOnOpen: true, Level: level,
			Client: mustToken(t, strong)})
		if !ok || field(t, e, "ImpersonationLevel") != code || field(t, e, "CopyOnOpen") != "%%1842" ||
			field(t, e, "EffectiveOnly") != "%%1843" {
			t.Errorf("U-57a: level %d is %s", level, field(t, e, "ImpersonationLevel"))
		}
	}
}

// Size counts the bytes of a long text. For a small record it is at least a quarter of its JSON.
func TestEventSizeCoversItsTexts(t *testing.T) {
	from := origin(t)
	small := audit.HandleClosed(from, audit.Object{})
	for _, n := range []int{1000, 30_000} {
		long := strings.Repeat("x", n)
		from.ProcessName = long
		e := audit.HandleClosed(from, audit.Object{})
		d := e.Size() - small.Size()
		check.That(t, d >= n-16 && d <= n, "size grows by %d for %d bytes more, want up to 16 less", d, n)
	}
	least := len(small.AppendJSON(nil)) / 4
	check.That(t, small.Size() >= least, "a record is counted as %d bytes, want at least %d", small.Size(), least)
}

// LeftOut adds the number of records that were left out, unless it is 0.
func TestLeftOutAddsCount(t *testing.T) {
	e := audit.LogFull()
	_, ok := e.LeftOut(0).Field("RecordsLeftOut")
	check.That(t, !ok && formatEvent(e.LeftOut(0)) == formatEvent(e), "LeftOut(0) changed the record")
	check.Equal(t, formatEvent(e.LeftOut(1)), formatEvent(e)+"RecordsLeftOut=1|", "a record left out")
}

package audit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// source returns a random source with the seed of package randtest.
func source(t testing.TB) *rand.Rand {
	return rand.New(rand.NewPCG(randtest.Seed(t), 0))
}

var (
	userU  = sid.MustParse("S-1-5-21-1-2-3-1107")
	groupG = sid.MustParse("S-1-5-21-1-2-3-2001")
	groupH = sid.MustParse("S-1-5-21-1-2-3-2002")
)

const enabled = winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED

func mustToken(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	tok, err := token.New(s)
	check.RequireThat(t, err == nil, "token: %v", err)
	return tok
}

// specU returns user U, medium, member of Everyone and Users.
func specU() token.Spec {
	return token.Spec{
		User:      token.Group{SID: userU},
		Groups:    []token.Group{{SID: sid.Everyone, Attributes: enabled}, {SID: sid.Users, Attributes: enabled}},
		Integrity: sid.MustParse("S-1-16-8192"), MandatoryPolicy: 1,
		AuthenticationID: 0x5A1B2,
	}
}

func tokenU(t testing.TB) *token.Token { return mustToken(t, specU()) }

// tokenSystem returns the process token of a server running as LocalSystem.
func tokenSystem(t testing.TB) *token.Token {
	return mustToken(t, token.Spec{
		User: token.Group{SID: sid.LocalSystem},
		Groups: []token.Group{{SID: sid.Administrators, Attributes: enabled},
			{SID: sid.Everyone, Attributes: enabled}},
		Integrity:         sid.MustParse("S-1-16-16384"),
		Privileges:        winnt.Privileges(winnt.SeAuditPrivilege, winnt.SeTcbPrivilege, winnt.SeSecurityPrivilege),
		EnabledPrivileges: winnt.Privileges(winnt.SeAuditPrivilege),
		AuthenticationID:  winnt.SYSTEM_LUID,
	})
}

func mustPolicy(t testing.TB, spec audit.PolicySpec) *audit.Policy {
	t.Helper()
	return check.Must(audit.NewPolicy(spec))
}

// standardPolicy returns the setup of the conformance cases: File System and
// Handle Manipulation, success and failure.
func standardPolicy(t testing.TB) *audit.Policy {
	return mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth,
		audit.HandleManipulation: audit.OnBoth}})
}

// standardSD is the descriptor of the conformance cases.
const standardSD = "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SAFA;0x3;;;WD)"

// opened holds the records of one open of a file.
type opened struct {
	events []audit.Event
	handle audit.HandleAudit
	status ntstatus.Status
	dec    access.Decision
}

// open decides and records an open of a file by a subject.
func open(t testing.TB, p *audit.Policy, subject access.Subject, descriptor string, desired winnt.AccessMask) opened {
	t.Helper()
	return openObject(t, p, winnt.FileObject, subject, sddl.MustParse(descriptor), desired)
}

func openObject(t testing.TB, p *audit.Policy, typ *winnt.ObjectType, subject access.Subject, d *sd.Descriptor,
	desired winnt.AccessMask) opened {
	t.Helper()
	var sink audit.Memory
	log := audit.Log{Sink: &sink, Names: people{}, Computer: "dc1", Clock: clock}
	log.Policy.Store(p)
	r := access.Request{Descriptor: d, Subject: subject, Desired: desired, Type: typ}
	dec := check.Must(access.SeAccessCheck(&r))
	var o opened
	o.dec = dec
	o.handle, o.status = log.Opened(&audit.Opening{
		Origin:  audit.Origin{ProcessID: 0x1A4, ProcessName: `C:\srv\files.exe`},
		Object:  audit.Object{Type: typ.Name, Name: `\Device\Share\report.txt`, Handle: 0x4C},
		Request: &r, Decision: dec,
	})
	o.events = sink.Drain()
	return o
}

// clock returns 2024-03-01 12:00:00.1234567 UTC.
func clock() int64 { return 133_537_680_001_234_567 }

// people names a few accounts. For the others it returns names that no record may have (U-21).
type people struct{}

func (people) Account(s sid.SID) (name, domain string, ok bool) {
	switch s {
	case userU:
		return "alice", "REFMON", true
	case sid.LocalSystem:
		return "DC1$", "REFMON", true
	}
	return "unresolved", "REFMON", false
}

// field returns the text of an event's field. It fails the test if the event does not have it.
func field(t testing.TB, e audit.Event, name string) string {
	t.Helper()
	text, ok := e.Field(name)
	check.RequireThat(t, ok, "event %d has no field %s", e.ID, name)
	return text
}

// items returns the entries of an event's field.
func items(e audit.Event, name string) []string {
	for f := range e.Fields() {
		if f.Name == name {
			return slices.Collect(f.Items())
		}
	}
	return nil
}

func ids(events []audit.Event) []int {
	var out []int
	for _, e := range events {
		out = append(out, int(e.ID))
	}
	return out
}

// census returns a different name and domain for each SID.
type census struct{}

func (census) Account(s sid.SID) (name, domain string, ok bool) {
	return "name-" + s.String(), "domain-" + s.String(), true
}

const (
	clientSID  = "S-1-5-21-1-2-3-1107"
	processSID = "S-1-5-21-1-2-3-3001"
	targetSID  = "S-1-5-21-1-2-3-4001"
)

// called returns the origin of a call by a server for its client. Server and client differ in user, session, level,
// privileges and restricting SIDs.
func called(t testing.TB) audit.Origin {
	server, client := specU(), specU()
	server.User.SID, server.AuthenticationID = sid.MustParse(processSID), 0x3001
	server.Restricted = []token.Group{{SID: groupG}}
	client.AuthenticationID, client.Type, client.Level = 0x1107, winnt.TokenImpersonation, winnt.SecurityImpersonation
	client.Restricted = []token.Group{{SID: groupG}, {SID: groupH}}
	return audit.Origin{Subject: access.Subject{Primary: mustToken(t, server), Client: mustToken(t, client),
		Level: winnt.SecurityImpersonation}, ProcessID: 0x1A4, ProcessName: `C:\srv.exe`}
}

// accountOf returns the four fields of an account as census names it.
func accountOf(prefix, s, session string) string {
	return fmt.Sprintf("%[1]sUserSid=%[2]s|%[1]sUserName=name-%[2]s|%[1]sDomainName=domain-%[2]s|%[1]sLogonId=%[3]s|",
		prefix, s, session)
}

// formatEvent writes out all that a record holds but its number, time and computer: the header,
// each field in its order, and each right with its reason and its entry.
func formatEvent(e audit.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d v%d %s %s: ", e.ID, e.Version, e.Outcome, e.Subcategory)
	for f := range e.Fields() {
		fmt.Fprintf(&b, "%s=%s|", f.Name, strings.Join(slices.Collect(f.Items()), ","))
	}
	for a := range e.Accesses() {
		fmt.Fprintf(&b, " [%s %d %s %d %s]", a.Bit, a.Code, a.Text, a.Reason, a.ACE)
	}
	return b.String()
}

// inFull expands the short forms of a row: S are the subject's four fields, P those of the process's own account, T
// the target's, A the process's id and name.
func inFull(row string) string {
	return strings.NewReplacer("{S}", accountOf("Subject", clientSID, "0x1107"), "{P}", accountOf("Primary", processSID,
		"0x3001"), "{T}", accountOf("Target", targetSID, "0x4001"), "{A}", `ProcessId=0x1a4|ProcessName=C:\srv.exe|`,
		"{0}", "{00000000-0000-0000-0000-000000000000}").Replace(row)
}

func checkWhole(t *testing.T, got []audit.Event, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d records, want %d: %v", len(got), len(want), ids(got))
		return
	}
	for i, e := range got {
		text := formatEvent(e)
		check.That(t, text == inFull(want[i]), "record %d\n got %q\nwant %q", i, text, inFull(want[i]))
	}
}

// targetToken returns a token of a third account.
func targetToken(t testing.TB, privileges, enabled winnt.PrivilegeSet) *token.Token {
	s := specU()
	s.User.SID, s.AuthenticationID = sid.MustParse(targetSID), 0x4001
	s.Privileges, s.EnabledPrivileges = privileges, enabled
	return mustToken(t, s)
}

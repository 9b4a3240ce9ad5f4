package access_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Abbreviations in the table.
var (
	sec   = privileges(winnt.SeSecurityPrivilege)
	take  = privileges(winnt.SeTakeOwnershipPrivilege)
	both  = privileges(winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege)
	relab = privileges(winnt.SeRelabelPrivilege)

	usedSec   = winnt.Privileges(winnt.SeSecurityPrivilege)
	usedTake  = winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	usedBoth  = usedSec | usedTake
	usedRelab = winnt.Privileges(winnt.SeRelabelPrivilege)

	aa = sid.MustParse("S-1-5-32-579")
)

// plainCases are the conformance cases that one token, one mask and one descriptor decide. A case with several
// requests has a letter for each.
var plainCases = []plainCase{
	{id: "AC-001", sd: "…(A;;0x1;;;U)", desired: 1, want: 1},
	{id: "AC-002", sd: "…(A;;0x1;;;U)", desired: 3},
	{id: "AC-003", sd: "…(D;;0x1;;;G)(A;;0x3;;;U)", desired: 1},
	{id: "AC-004", sd: "…(A;;0x3;;;U)(D;;0x1;;;G)", desired: 1, want: 1},
	{id: "AC-005", sd: "…(D;;0x1;;;G)(A;;0x3;;;U)", desired: 2, want: 2},
	{id: "AC-006", sd: "…", desired: 1},
	{id: "AC-007", sd: "O:BAG:SY", desired: 1, want: 1},
	{id: "AC-008", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: 0x1F01FF, want: 0x1F01FF},
	{id: "AC-009", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: maxMask, want: 0xF003F, typ: winnt.KeyObject},
	{id: "AC-010", sd: "U:", desired: 0x60000, want: 0x60000},
	{id: "AC-011", sd: "U:", desired: 0x10000},
	{id: "AC-012", sd: "U:", desired: maxMask, want: 0x60000},
	{id: "AC-013", sd: "U:(D;;WD;;;WD)", desired: 0x40000, want: 0x40000},
	{id: "AC-014", sd: "U:(D;;RC;;;U)", desired: 0x20000, want: 0x20000},
	{id: "AC-015", sd: "U:(A;;0x1;;;OW)", desired: 0x20000},
	{id: "AC-016", sd: "U:(A;;0x1;;;OW)", desired: 1, want: 1},
	{id: "AC-017", sd: "U:(A;IO;0x1;;;OW)", desired: 0x20000, want: 0x20000},
	{id: "AC-018", sd: "U:(A;;RC;;;OW)", desired: maxMask, want: 0x20000},
	{id: "AC-019", sd: "U:(D;;WD;;;OW)", desired: 0x40000},
	{id: "AC-020", sd: "…(A;;0x1;;;OW)", desired: 1},
	{id: "AC-021", sd: "owned by G:", desired: 0x40000, want: 0x40000},
	{id: "AC-022", sd: "owned by G:", desired: 0x40000, change: groupG(denyOnly)},
	{id: "AC-023", sd: "…(A;IO;0x1;;;WD)", desired: 1},
	{id: "AC-024", sd: "…(D;IO;0x1;;;WD)(A;;0x1;;;WD)", desired: 1, want: 1},
	{id: "AC-025", sd: "…(D;ID;0x1;;;WD)(A;;0x1;;;WD)", desired: 1},
	{id: "AC-026", sd: "…(A;;0x1;;;WD)(A;;0x2;;;AU)", desired: 3, want: 3},
	{id: "AC-027", sd: "…(A;;0x1;;;WD)(D;;0x2;;;WD)", desired: 1, want: 1},
	{id: "AC-028", sd: "…(A;;0x1;;;WD)(D;;0x2;;;WD)(A;;0x4;;;WD)", desired: maxMask, want: 5},
	{id: "AC-029", sd: "…(D;;0x1;;;WD)(A;;0x7;;;WD)", desired: maxMask, want: 6},
	{id: "AC-030", sd: "…(A;;0x7;;;WD)(D;;0x1;;;WD)", desired: maxMask, want: 7},
	{id: "AC-031", sd: "…(A;;0x1;;;WD)", desired: maxMask | 2},
	{id: "AC-032", sd: "…(A;;0x1;;;WD)", desired: maxMask | 1, want: 1},
	{id: "AC-033", sd: "…", desired: maxMask},
	{id: "AC-034", sd: "…(D;;0xffffffff;;;WD)", desired: maxMask},
	{id: "AC-035", sd: "…(A;;GR;;;WD)", desired: 1, want: 1},
	{id: "AC-037", sd: "…(A;;0x1;;;WD)", desired: saclBit, status: ntstatus.PrivilegeNotHeld},
	{id: "AC-038", sd: "…(A;;0x1;;;WD)", desired: saclBit | 1, want: saclBit | 1, change: sec, used: usedSec},
	{id: "AC-039", sd: "…", desired: saclBit, want: saclBit, change: sec, used: usedSec},
	{id: "AC-040", sd: "…(A;;0x1;;;WD)", desired: maxMask, want: 1, change: sec},
	{id: "AC-041", sd: "…(A;;0x01000001;;;WD)", desired: saclBit, status: ntstatus.PrivilegeNotHeld},
	{id: "AC-042", sd: "…", desired: 0x80000, want: 0x80000, change: take, used: usedTake},
	{id: "AC-043", sd: "…(D;;WO;;;WD)", desired: 0x80000, want: 0x80000, change: take, used: usedTake},
	{id: "AC-044", sd: "…(A;;0x1;;;WD)", desired: maxMask, want: 1, change: take},
	{id: "AC-045", sd: "…(A;;0x1;;;WD)", desired: 0x01080001, want: 0x01080001, change: both, used: usedBoth},
	{id: "AC-046", sd: "…(A;;0x1;;;WD)", desired: 0x01080002, change: both, used: usedBoth},
	{id: "AC-047", sd: "…(A;;0x1;;;WD)", desired: maxMask | 0x01080000, want: 0x01080001, change: both, used: usedBoth},
	{id: "AC-048", sd: "…", desired: 0x80000, change: func(s *token.Spec) { s.Privileges = usedTake }},
	{id: "AC-049a", sd: "…(A;;0x1;;;CO)", desired: 1},
	{id: "AC-049b", sd: "…(A;;0x1;;;PS)", desired: 1},
	{id: "AC-050a", sd: "…(A;;0x1;;;PS)", desired: 1, want: 1, ask: selfIs(caseU)},
	{id: "AC-050b", sd: "…(A;;0x1;;;PS)", desired: 1, ask: selfIs(caseOther)},
	{id: "AC-051a", sd: "…(A;;0x1;;;G)", desired: 1, change: groupG(denyOnly)},
	{id: "AC-051b", sd: "…(D;;0x1;;;G)(A;;0x1;;;U)", desired: 1, change: groupG(denyOnly)},
	{id: "AC-052", sd: "…(D;;0x1;;;G)(A;;0x1;;;U)", desired: 1, want: 1, change: groupG(token.GroupDisabled)},
	{id: "AC-053", sd: "…(A;;0x1;;;U)", desired: 1, change: func(s *token.Spec) { s.User.Attributes = denyOnly }},
	{id: "AC-066a", sd: "…(A;;0x1;;;U)", desired: 1, change: restricted(sid.Everyone)},
	{id: "AC-066b", sd: "…(A;;0x1;;;WD)", desired: 1, want: 1, change: restricted(sid.Everyone)},
	{id: "AC-067", sd: "…(A;;0x1;;;U)(A;;0x1;;;WD)", desired: 1, want: 1, change: restricted(sid.Everyone)},
	{id: "AC-068", sd: "U:", desired: 0x20000, change: restricted(sid.Restricted)},
	//
	{id: "AC-069a", sd: "…(A;;0x1F01FF;;;U)", desired: 0x120089, want: 0x120089,
		change: all(restricted(sid.WriteRestricted), writeRestricted)},
	{id: "AC-069b", sd: "…(A;;0x1F01FF;;;U)", desired: 2, change: all(restricted(sid.WriteRestricted), writeRestricted)},
	{id: "AC-070a", sd: "…(A;;FA;;;WD)", desired: 1, want: 1, change: low},
	{id: "AC-070b", sd: "…(A;;FA;;;WD)", desired: 2, change: low},
	{id: "AC-070c", sd: "…(A;;FA;;;WD)", desired: maxMask, want: 0x1200A9, change: low},
	{id: "AC-071a", sd: "…(A;;FA;;;WD)S:(ML;;NWNR;;;HI)", desired: 1, change: low},
	{id: "AC-071b", sd: "…(A;;FA;;;WD)S:(ML;;NWNR;;;HI)", desired: 0x20, want: 0x20, change: low},
	{id: "AC-072", sd: "…(A;;FA;;;WD)S:(ML;;NW;;;LW)", desired: 2, want: 2, change: low},
	{id: "AC-073", sd: "…(A;;FA;;;WD)", desired: 0x80000, want: 0x80000, change: all(low, relab), used: usedRelab},
	//
	{id: "AC-074", sd: "…(A;;FA;;;WD)", desired: 2, want: 2,
		change: all(low, func(s *token.Spec) { s.MandatoryPolicy = 0 })},
	//
	{id: "AC-075", sd: "…(A;;FA;;;U)", desired: 1, change: appContainer},
	//
	{id: "AC-076a", sd: "…(A;;FA;;;U)(A;;FR;;;P)", desired: 1, want: 1, change: appContainer},
	{id: "AC-076b", sd: "…(A;;FA;;;U)(A;;FR;;;AC)", desired: 1, want: 1, change: appContainer},
	{id: "AC-076c", sd: "…(A;;FA;;;U)(A;;FR;;;CAP)", desired: 1, want: 1, change: appContainer},
	{id: "AC-077a", sd: "…(A;;FA;;;U)(A;;FR;;;AC)", desired: 1, change: lpac},
	{id: "AC-077b", sd: "…(A;;FA;;;U)(A;;FR;;;S-1-15-2-2)", desired: 1, want: 1, change: lpac},
	{id: "AC-078", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: 1, change: appContainer},
	{id: "AC-079", sd: "…(A;;FA;;;U)(A;;FA;;;P)", desired: 2, want: 2, change: appContainer},
	{id: "AC-080", sd: "…(A;;FA;;;U)(A;;FA;;;P)S:(ML;;NW;;;HI)", desired: 2, change: appContainer},
	{id: "AC-081a", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 0x20000, want: 0x20000},
	{id: "AC-081b", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1},
	{id: "AC-082", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1, want: 1,
		change: trust("S-1-19-1024-8192")},
	{id: "AC-082a", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1, want: 1,
		change: trust("S-1-19-512-8192")},
	{id: "AC-082b", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1, change: trust("S-1-19-1024-4096")},
	{id: "AC-082c", sd: "…(A;;GA;;;WD)S:(TL;;RC;;;S-1-19-1024-4096)", desired: 1, change: trust("S-1-19-512-8192")},
	{id: "AC-083", sd: "…(A;;GA;;;WD)S:(FL;;RC;;;WD;(@User.x==1))", desired: 1},
	{id: "AC-084", sd: `…(XA;;0x1f;;;WD;(@User.Title=="PM"))`, desired: 0x10, want: 0x10,
		change: userClaims(texts("Title", "pm"))},
	{id: "AC-085", sd: `…(XA;;0x1f;;;WD;(@User.Title=="PM"))`, desired: 0x10},
	{id: "AC-086", sd: "…(XD;;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", desired: 1},
	{id: "AC-087", sd: "…(XD;;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", desired: 1, want: 1, change: userClaims(ints("x", 2))},
	{id: "AC-088", sd: `…(XA;;0x1f;;;AA;(@Device.colour == {"orange","blue"}))`, desired: 0x10, want: 0x10,
		change: all(groups(sid.Everyone, aa), deviceClaims(texts("colour", "orange", "blue")))},
	{id: "AC-089", sd: `…(XA;;0x1f;;;AA;(@Device.colour == "blue"))`, desired: 0x10,
		change: all(groups(sid.Everyone, aa), deviceClaims(texts("colour", "orange", "blue")))},
	{id: "AC-090", sd: `…(XA;;0x1f;;;AA;(@Device.legs >= 1))`, desired: 0x10, want: 0x10,
		change: all(groups(sid.Everyone, aa), deviceClaims(ints("legs", 4)))},
	{id: "AC-091", sd: `…(XA;;0x1f;;;AA;(Device_Member_of{SID(BA)} && Member_of{SID(WD)}))`, desired: 0x10, want: 0x10,
		change: all(groups(sid.Everyone, aa), deviceGroups(sid.Administrators, sid.Guests))},
	{id: "AC-092a", sd: `…(XA;;0x1f;;;AA;(Device_Member_of{SID(AA)} || Member_of{SID(WD)}))`, desired: 0x10,
		want: 0x10, change: all(groups(sid.Everyone, aa), deviceGroups(sid.Administrators, sid.Guests))},
	{id: "AC-092b", sd: `…(XA;;0x1f;;;AA;(Device_Member_of{SID(AA)} || Member_of{SID(WR)}))`, desired: 0x10,
		change: all(groups(sid.Everyone, aa), deviceGroups(sid.Administrators, sid.Guests))},
	{id: "AC-093a", sd: `…(XA;;0x1f;;;AA;(! (Member_of{SID(BA)})))`, desired: 0x10, want: 0x10,
		change: groups(sid.Everyone, aa)},
	{id: "AC-093b", sd: `…(XA;;0x1f;;;AA;(!(!( Member_of{SID(BA)}))))`, desired: 0x10,
		change: groups(sid.Everyone, aa)},
	{id: "AC-094", sd: `…(XA;;0x1ff;;;WD;(Member_of_Any{SID(S-1-222-333)}))`, desired: 1,
		change: all(groups(), func(s *token.Spec) { s.User.SID = sid.MustParse("S-1-222-333") })},
	{id: "AC-095",
		sd:      `…(XA;;0x1f;;;AA;(@Device.colour Contains @Resource.colour))S:(RA;;;;;WD;("colour",TS,0x0,"blue","red"))`,
		desired: 0x10, want: 0x10, change: all(groups(sid.Everyone, aa), deviceClaims(texts("colour", "blue", "red")))},
	{id: "AC-096a", sd: "…(0x09;;0x1;;;WD;#01020304)(A;;0x1;;;WD)", desired: 1, want: 1},
	{id: "AC-096b", sd: "…(0x0a;;0x1;;;WD;#01020304)(A;;0x1;;;WD)", desired: 1},
	{id: "AC-097", sd: "…(OA;;0x1;11111111-0000-0000-0000-000000000000;;WD)", desired: 1},
	{id: "AC-098", sd: "…(OD;;0x1;11111111-0000-0000-0000-000000000000;;WD)(A;;0x1;;;WD)", desired: 1},
	{id: "AC-105a", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 2, ask: rulePolicy("")},
	{id: "AC-105b", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 1, want: 1, ask: rulePolicy("")},
	{id: "AC-106", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 2, want: 2, ask: rulePolicy("(@Resource.none == 1)")},
	{id: "AC-111a", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", desired: 1, want: 1},
	{id: "AC-111b", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", desired: 1, ask: rulePolicy("")},
	{id: "AC-112a", sd: "…(XA;;0x1;;;WD;(Member_of{SID(BA)}))", desired: 1, change: denyOnlyBA},
	{id: "AC-112b", sd: "…(XD;;0x1;;;WD;(Member_of{SID(BA)}))(A;;0x1;;;WD)", desired: 1, change: denyOnlyBA},
	//
	{id: "AC-108a", sd: "…", desired: 0x120089, want: 0x120089, change: privileges(winnt.SeBackupPrivilege),
		used: winnt.Privileges(winnt.SeBackupPrivilege), ask: intent(true, false)},
	{id: "AC-108b", sd: "…", desired: 2, change: privileges(winnt.SeBackupPrivilege), ask: intent(true, false)},
	{id: "AC-109", sd: "…", desired: 1, change: privileges(winnt.SeBackupPrivilege)},
	{id: "AC-110", sd: "…(A;;0x1;;;WD)S:(AU;SAFA;0x1;;;WD)", desired: 1, want: 1},
	{id: "AC-117", sd: "…", desired: 0x80000, change: all(low, take)},
	{id: "AC-118", sd: "…(A;;FA;;;WD)", desired: saclBit, status: ntstatus.PrivilegeNotHeld, change: low},
	{id: "AC-120a", sd: "…(XA;;0x1;;;WD;(@User.n))", desired: 1, want: 1, change: userClaims(ints("n", 0, 1))},
	{id: "AC-120b", sd: "…(XA;;0x1;;;WD;(@User.s Contains {}))", desired: 1, change: userClaims(texts("s", "x"))},
	{id: "AC-120c", sd: "…(XA;;0x1;;;WD;(@User.s Not_Any_of {}))", desired: 1, want: 1,
		change: userClaims(texts("s", "x"))},
}

func denyOnlyBA(s *token.Spec) {
	s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: denyOnly})
}

// rulePolicy configures the policy S-1-17-1 with one rule that leaves FILE_GENERIC_READ to everyone. appliesTo is the
// rule's condition, "" for none.
func rulePolicy(appliesTo string) func(*access.Request) {
	return func(r *access.Request) {
		rule := access.Rule{Name: "read only", Descriptor: mustDescriptor("D:(A;;FR;;;WD)")}
		if appliesTo != "" {
			x, _, err := claims.ParseExpr(appliesTo, claims.ParseOptions{})
			if err != nil {
				panic(err)
			}
			rule.AppliesTo = x
		}
		r.Policies = &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"), Name: "p",
			Rules: []access.Rule{rule}}}}
	}
}

// plainCase is a conformance case with one request by one token.
type plainCase struct {
	id      string
	sd      string
	desired winnt.AccessMask
	want    winnt.AccessMask // 0 means STATUS_ACCESS_DENIED, unless status is set
	status  ntstatus.Status
	used    winnt.PrivilegeSet
	change  func(*token.Spec)
	typ     *winnt.ObjectType // nil means file
	ask     func(*access.Request)
}

func (c *plainCase) request(t testing.TB) *access.Request {
	spec := baseSpec()
	if c.change != nil {
		c.change(&spec)
	}
	tok := mustToken(t, spec)
	r := &access.Request{Descriptor: mustSD(t, c.sd), Subject: access.SubjectOf(tok), Desired: c.desired, Type: c.typ}
	if r.Subject.Client != nil { // the process has an unrelated token
		r.Subject.Primary = mustToken(t, token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-1")},
			Integrity: sid.SystemLevel})
	}
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	if c.ask != nil {
		c.ask(r)
	}
	return r
}

func (c *plainCase) wanted() access.Decision {
	d := access.Decision{Granted: c.want, Verdict: ntstatus.Decided(c.status), PrivilegesUsed: c.used}
	if c.want == 0 && c.status == 0 {
		d.Verdict = ntstatus.Decided(ntstatus.AccessDenied)
	}
	return d
}

// Every entry point returns the decision of the conformance cases.
func TestEntryPointsAgreeOnConformanceCases(t *testing.T) {
	for _, c := range plainCases {
		t.Run(c.id, func(t *testing.T) {
			r := c.request(t)
			if r.Descriptor.Owner().IsZero() || r.Descriptor.Group().IsZero() { // A-19 concerns NtAccessCheck only
				p := r.Descriptor.Parts()
				if p.Owner.IsZero() {
					p.Owner = sid.Administrators
				}
				if p.Group.IsZero() {
					p.Group = sid.LocalSystem
				}
				r.Descriptor = sd.New(p)
			}
			for face, got := range faces(t, r) {
				want := c.wanted()
				check.That(t, got == want, "%s of %#x on %s: %+v, want %+v", face, uint32(c.desired), c.sd, got, want)
			}
		})
	}
}

// A mode has its name in the documents (KPROCESSOR_MODE): KernelMode or UserMode. The zero value is user mode.
func TestModesHaveDocumentedNames(t *testing.T) {
	for mode, want := range map[access.Mode]string{access.Kernel: "KernelMode", 0: "UserMode"} {
		check.Equal(t, mode.String(), want, "mode %d", mode)
	}
}

// The effective token is the client's if there is a client, even an empty one, and otherwise the process's. Below the
// level Impersonation it holds no privilege (A-30, T-102).
func TestEffectiveTokenIsTheClients(t *testing.T) {
	backup, restore := winnt.SeBackupPrivilege, winnt.SeRestorePrivilege
	with := func(p winnt.Privilege) *token.Token {
		spec := baseSpec()
		privileges(p)(&spec)
		return mustToken(t, spec)
	}
	process, client, zero := with(backup), with(restore), new(token.Token)
	for _, primary := range []*token.Token{nil, zero, process} {
		for _, impersonated := range []*token.Token{nil, zero, client} {
			for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
				s := access.Subject{Primary: primary, Client: impersonated, Level: level}
				var want *token.Token
				below := false
				switch {
				case impersonated == client:
					want, below = client, level < winnt.SecurityImpersonation
				case impersonated == zero:
					below = level < winnt.SecurityImpersonation
				case primary == process:
					want = process
				}
				name := fmt.Sprintf("process %t, client %t (%t), level %v", primary == process, impersonated == client,
					impersonated == zero, level)
				check.That(t, s.Effective() == want && s.BelowImpersonation() == below,
					"%s: effective token %p, below Impersonation %t; want %p, %t", name, s.Effective(), s.BelowImpersonation(), want,
					below)
				check.That(t, s.Holds(backup) == (want == process && !below) && s.Holds(restore) == (want == client && !below),
					"%s: holds the process's privilege %t, the client's %t; want only that of the "+"effective token", name,
					s.Holds(backup), s.Holds(restore))
			}
		}
	}
	if s := access.SubjectOf(process); s.Primary != process || s.Client != process || s.Level != process.Level() {
		t.Errorf("SubjectOf an impersonation token: %+v; want it as process and client, at level %v", s, process.Level())
	}
	spec := baseSpec()
	spec.Type, spec.Level = winnt.TokenPrimary, 0
	if own := mustToken(t, spec); access.SubjectOf(own) != (access.Subject{Primary: own}) {
		t.Errorf("SubjectOf a primary token: %+v, want the token as the process only", access.SubjectOf(own))
	}
	check.That(t, access.SubjectOf(nil) == (access.Subject{}),
		"SubjectOf(nil) = %+v, want the zero Subject", access.SubjectOf(nil))
	if s := (*access.Subject)(nil); s.Effective() != nil || s.BelowImpersonation() || s.Holds(backup) {
		t.Error("a nil subject has a token, a level or a privilege, want none")
	}
}

// FuzzCheck decodes any bytes as a descriptor and compares random requests of a random token with the oracle. Nothing
// panics, and every entry point agrees with the oracle.
func FuzzCheck(f *testing.F) {
	for i, text := range []string{
		"O:BAG:SYD:(A;;FA;;;WD)",                                   // plain
		"O:BAG:SYD:NO_ACCESS_CONTROL",                              // NULL DACL
		"O:BAG:SYS:(ML;;NWNR;;;HI)(SP;;;;;S-1-17-1)",               // no DACL, SACL with label and policy
		"D:(XA;;FA;;;WD;(@User.x == 1))(XD;;FA;;;WD;(@User.x==2))", // conditions
		"O:OWG:SYD:(OA;;FA;01000000-0000-0000-0000-000000000000;;WD)(A;IO;FA;;;OW)(D;;FA;;;PS)",
		`O:BAD:(A;;FA;;;AC)S:(RA;;;;;WD;("r",TS,0x0,"a"))(FL;;0x1;;;WD;(@Resource.r=="a"))(TL;;RC;;;S-1-19-512-8192)`,
	} {
		d := check.Must(sddl.Parse(text))
		f.Add(d.Binary(), uint64(i))
	}
	f.Add([]byte{1, 0, 4, 0x80}, uint64(0)) // a truncated header
	f.Fuzz(func(t *testing.T, b []byte, s uint64) {
		w := questions.World{Rand: rand.New(rand.NewPCG(s, 1))}
		client, primary := mustToken(t, w.Spec()), mustToken(t, w.Spec())
		d, err := sd.Decode(b)
		if err != nil {
			check.That(t, check.Err(access.CheckBytes(client, b, 1, questions.Types[0])) != nil,
				"CheckBytes accepted a descriptor that sd.Decode rejects: %x", b)
			return
		}
		if d.DACL().Len()+d.SACL().Len() > 100 {
			return // the oracle is slow
		}
		for range 4 {
			r := w.Request(d, client, primary)
			checkText(t, compareWithTwin(t, r, map[access.ReasonKind]int{}))
		}
	})
}

// An access check allocates nothing, whichever stage decides it.
func TestCheckDoesNotAllocate(t *testing.T) {
	tok, d := benchToken(t, 20), benchSD(t, 900000)
	raw := d.Binary()
	request := &access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Desired: 1, Type: winnt.FileObject}
	gates := map[string]func(){
		"Check":          func() { benchDecision, _ = access.Check(tok, d, 1, winnt.FileObject) },
		"Check, maximum": func() { benchDecision, _ = access.Check(tok, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject) },
		"Check, denied":  func() { benchDecision, _ = access.Check(tok, d, 0x01000000, winnt.FileObject) },
		"CheckBytes":     func() { benchDecision, _ = access.CheckBytes(tok, raw, 1, winnt.FileObject) },
		"SeAccessCheck":  func() { benchDecision, _ = access.SeAccessCheck(request) },
		"NtAccessCheck":  func() { _, benchDecision = access.NtAccessCheck(request) },
		"SeFastTraverseCheck": func() {
			access.SeFastTraverseCheck(d, &request.Subject, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)
		},
	}
	for name, c := range map[string]plainCase{
		"owner":      {sd: "U:(A;;FA;;;WD)", desired: 0x60001},
		"label":      {sd: "…(A;;FA;;;WD)S:(ML;;NW;;;HI)", desired: 2},
		"trust":      {sd: "…(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", desired: 1},
		"restricted": {sd: "…(A;;FA;;;WD)", desired: 2, change: restricted(sid.Everyone)},
		"container":  {sd: "…(A;;FA;;;WD)(A;;FR;;;AC)", desired: 1, change: appContainer},
		"privileges": {sd: "…", desired: 0x01080000, change: both},
		"self":       {sd: "…(A;;0x1;;;PS)", desired: 1, ask: selfIs(caseU)},
		"policy":     {sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 1, ask: rulePolicy("")},
	} {
		r := c.request(t)
		gates[name] = func() { benchDecision, _ = access.SeAccessCheck(r) }
	}
	for name, f := range gates {
		n := testing.AllocsPerRun(100, f)
		check.That(t, n == 0, "%s: %v allocations, want 0", name, n)
	}
}

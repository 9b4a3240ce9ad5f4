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
)

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

// otherProcess returns the token of a process that has nothing to do with the client.
func otherProcess(t testing.TB) *token.Token {
	return mustToken(t, token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-1")}, Integrity: sid.SystemLevel})
}

// plainCase is a case with one request by one token.
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
		r.Subject.Primary = otherProcess(t)
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

// A mode has its name in the documents (KPROCESSOR_MODE): KernelMode or UserMode. The zero value is user mode.
func TestModesHaveDocumentedNames(t *testing.T) {
	for mode, want := range map[access.Mode]string{access.Kernel: "KernelMode", 0: "UserMode"} {
		check.Equal(t, mode.String(), want, "mode %d", mode)
	}
}

// Substitute replaces PRINCIPAL_SELF only by a principal, but OWNER RIGHTS even by a missing owner, whom no one has.
// It does not replace the result, nor any other SID.
func TestSubstituteReplacesOnce(t *testing.T) {
	none := sid.SID{}
	for _, c := range []struct{ entry, self, owner, want sid.SID }{
		{sid.PrincipalSelf, caseU, caseG, caseU},
		{sid.PrincipalSelf, none, caseG, sid.PrincipalSelf},
		{sid.PrincipalSelf, sid.OwnerRights, caseG, sid.OwnerRights},
		{sid.OwnerRights, caseU, caseG, caseG},
		{sid.OwnerRights, caseU, none, none},
		{sid.OwnerRights, caseU, sid.PrincipalSelf, sid.PrincipalSelf},
		{sid.CreatorOwner, caseU, caseG, sid.CreatorOwner},
		{sid.CreatorGroup, caseU, caseG, sid.CreatorGroup},
		{none, caseU, caseG, none},
	} {
		got := access.Substitute(c.entry, c.self, c.owner)
		check.Equal(t, got, c.want, "A-3: Substitute(%v, %v, %v)", c.entry, c.self, c.owner)
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
					"%s: holds the process's privilege %t, the client's %t; want only the effective token's", name,
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

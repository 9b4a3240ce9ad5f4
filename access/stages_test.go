package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The table under A-62: what a lower subject may be granted, by policy. Every
// right of the type is asked for in turn, of a DACL that grants all.
func TestIntegrityTable(t *testing.T) {
	types := []*winnt.ObjectType{winnt.FileObject, winnt.KeyObject, winnt.ProcessObject}
	for _, row := range []struct {
		policy  string
		allowed [3]winnt.AccessMask
	}{
		{"", [3]winnt.AccessMask{0x1F01FF, 0xF003F, 0x1FFFFF}},
		{"NW", [3]winnt.AccessMask{0x1200A9, 0x120019, 0x121411}},
		{"NR", [3]winnt.AccessMask{0x1F0176, 0x1F0026, 0x1FFBEF}},
		{"NWNR", [3]winnt.AccessMask{0x100020, 0x100000, 0x101001}},
		{"NX", [3]winnt.AccessMask{0x1F01DF, 0xF003F, 0xFEFFE}},
		{"NWNX", [3]winnt.AccessMask{0x120089, 0x20019, 0x20410}},
		{"NRNX", [3]winnt.AccessMask{0x1F0156, 0xF0026, 0xFEBEE}},
		{"NWNRNX", [3]winnt.AccessMask{0, 0, 0}},
	} {
		for i, typ := range types {
			r := ask(t, "…(A;;0xffffffff;;;WD)S:(ML;;"+row.policy+";;;HI)", 0, low)
			r.Type = typ
			var got winnt.AccessMask
			for bit := winnt.AccessMask(1); bit <= winnt.SYNCHRONIZE; bit <<= 1 {
				r.Desired = bit
				if d, err := access.SeAccessCheck(r); err != nil {
					t.Fatal(err)
				} else if d.Allowed() {
					got |= bit
				}
			}
			// Policy 0 limits nothing and the table shows mapping.all.
			if row.policy == "" {
				got &= typ.Mapping.All
			}
			if got != row.allowed[i] {
				t.Errorf("A-62: policy %q, %s: %#x, want %#x", row.policy, typ.Name, uint32(got),
					uint32(row.allowed[i]))
			}
		}
	}
}

// stageCases go beyond section 14: rules it has no row for.
var stageCases = []plainCase{
	// the ceiling stops privileges and intent, but not
	// ACCESS_SYSTEM_SECURITY where writing is not forbidden.
	{id: "A-47 owner", sd: "U:S:(ML;;NW;;;HI)", desired: 0x40000},
	{id: "A-53 intent", sd: "…S:(ML;;NW;;;HI)", desired: 2, change: privileges(winnt.SeRestorePrivilege),
		used: winnt.Privileges(winnt.SeRestorePrivilege), ask: intent(false, true)},
	{id: "A-62 sacl under NW", sd: "…S:(ML;;NW;;;HI)", desired: saclBit, change: sec, used: usedSec},
	{id: "A-62 sacl under NR", sd: "…S:(ML;;NR;;;HI)", desired: saclBit, want: saclBit, change: sec, used: usedSec},
	{id: "A-63 sacl under a trust label", sd: "…S:(TL;;0x0;;;S-1-19-512-8192)", desired: saclBit, want: saclBit,
		change: sec, used: usedSec},
	{id: "A-63 container below a high label", sd: "…(A;;FA;;;U)(A;;FA;;;P)S:(ML;;NW;;;ME)", desired: 2, want: 2,
		change: appContainer},
	{id: "A-60 no integrity level in the label", sd: "…(A;;FA;;;WD)S:(ML;;NR;;;WD)", desired: 2, change: low},
	{id: "A-60 the first label counts", sd: "…(A;;FA;;;WD)S:(ML;;NW;;;LW)(ML;;NW;;;HI)", desired: 2, want: 2,
		change: low},
	{id: "A-60 inherit-only label", sd: "…(A;;FA;;;WD)S:(ML;IOCI;NW;;;HI)", desired: 2, want: 2},
	{id: "A-65 two filters", sd: "…(A;;FA;;;WD)S:(FL;;0x3;;;WD;(@User.x==1))(FL;;0x5;;;WD;(@User.x==1))",
		desired: maxMask, want: 1},
	{id: "A-65 true", sd: "…(A;;0x3;;;WD)S:(FL;;0x1;;;WD;(Member_of{SID(WD)}))", desired: maxMask, want: 3},
	{id: "A-51 relabel above the ceiling", sd: "…", desired: 0x80000, want: 0x80000, change: relab, used: usedRelab},
	{id: "A-52 take ownership first", sd: "…", desired: 0x80000, want: 0x80000,
		change: privileges(winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege), used: usedTake},
	{id: "A-54 both", sd: "…", desired: maxMask, want: 0x011F01BF,
		change: privileges(winnt.SeBackupPrivilege,
			winnt.SeRestorePrivilege), used: winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege),
		ask: intent(true, true)},
	{id: "A-54 sacl without SeSecurity", sd: "…", desired: saclBit, want: saclBit,
		change: privileges(winnt.SeBackupPrivilege), used: winnt.Privileges(winnt.SeBackupPrivilege), ask: intent(true,
			false)},
	{id: "A-55 debug", sd: "…", desired: 1, change: privileges(winnt.SeDebugPrivilege, winnt.SeTcbPrivilege,
		winnt.SeChangeNotifyPrivilege)},
	{id: "A-53 privilege survives restriction", sd: "…", desired: 0x80000, want: 0x80000,
		change: all(restricted(sid.Restricted), take), used: usedTake},
	{id: "A-53 privilege survives the container", sd: "…", desired: saclBit, want: saclBit,
		change: all(appContainer, sec), used: usedSec},
	{id: "A-4 everyone is not implied", sd: "…(A;;0x1;;;WD)", desired: 1, change: restricted(sid.Restricted)},
	{id: "A-90 maximum", sd: "…(A;;0x7;;;U)(A;;0x3;;;RC)", desired: maxMask, want: 3,
		change: restricted(sid.Restricted)},
	{id: "A-90 empty list", sd: "…(A;;0x1;;;WD)", desired: 1, change: func(s *token.Spec) { s.IsRestricted = true }},
	{id: "A-91 maximum", sd: "…(A;;FA;;;U)(A;;0x2;;;WR)", desired: maxMask, want: 0x1200EB,
		change: all(restricted(sid.WriteRestricted), writeRestricted)},
	{id: "A-92", sd: "…(D;;0x1;;;RC)(A;;0x1;;;WD)(A;;0x1;;;RC)", desired: 1,
		change: restricted(sid.Restricted, sid.Everyone)},
	{id: "A-93", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: 1, want: 1, change: restricted(sid.Restricted)},
	{id: "A-56 owner among the restricting", sd: "U:", desired: 0x20000, want: 0x20000, change: restricted(caseU)},
	{id: "A-95 owner is not the package", sd: "U:", desired: 0x20000, change: appContainer},
	{id: "A-95 owner and package", sd: "U:(A;;RC;;;P)", desired: 0x20000, want: 0x20000, change: appContainer},
	{id: "A-94 the token's own group", sd: "…(A;;0x1;;;AC)", desired: 1,
		change: all(appContainer, groups(sid.AllAppPackages))},
	{id: "A-94 deny", sd: "…(A;;FA;;;U)(D;;0x1;;;P)(A;;FR;;;AC)", desired: 1, change: appContainer},
	{id: "A-96 maximum", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: maxMask, change: appContainer},
	{id: "A-100 recovery: owner", sd: "U:(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-103 owner", sd: "U:S:(SP;;;;;S-1-17-1)", desired: 0x40000, want: 0x40000, ask: rulePolicy("")},
	{id: "A-103 owner in a container", sd: "U:(A;;RC;;;P)S:(SP;;;;;S-1-17-1)", desired: 0x20000, want: 0x20000,
		change: appContainer, ask: rulePolicy("")},
	{id: "A-103 privilege", sd: "…S:(SP;;;;;S-1-17-1)", desired: 0x80000, want: 0x80000, change: take, used: usedTake,
		ask: rulePolicy("")},
	{id: "A-101 a rule never adds", sd: "…S:(SP;;;;;S-1-17-1)", desired: 1, ask: rulePolicy("")},
	{id: "A-101 resource attribute", sd: `…(A;;FA;;;WD)S:(RA;;;;;WD;("r",TI,0x0,1))(SP;;;;;S-1-17-1)`, desired: 2,
		ask: rulePolicy("(@Resource.r == 1)")},
	{id: "A-101 maximum", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: maxMask, want: 0x120089,
		ask: rulePolicy("")},
	{id: "A-110 local attribute", sd: "…(XA;;0x1;;;WD;(x == 1))", desired: 1, want: 1,
		change: func(s *token.Spec) { s.LocalAttributes = claimSet(ints("X", 1)) }},
	{id: "A-112 malformed types are unknown", sd: `…(XA;;0x1;;;WD;(@User.x == "1"))`, desired: 1,
		change: userClaims(ints("x", 1))},
	{id: "A-116 restricted pass", sd: "…(XA;;0x1;;;WD;(Member_of{SID(AU)}))", desired: 1,
		change: restricted(sid.Everyone)},
	{id: "A-117 malformed", sd: "…(0x0a;;0x1;;;WD;#61727478ffffffff)(A;;0x1;;;WD)", desired: 1},
	{id: "A-4 a restricted condition asks the restricting device groups",
		sd:      "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))",
		desired: 1, change: all(restricted(sid.Everyone), deviceGroups(sid.Administrators), restrictedDevice(sid.Guests))},
	{id: "A-4 a restricted condition of its own device", sd: "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))", desired: 1,
		want: 1, change: all(restricted(sid.Everyone), deviceGroups(sid.Administrators),
			restrictedDevice(sid.Administrators))},
	{id: "A-116 a device group for deny only does not allow", sd: "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))",
		desired: 1, change: denyOnlyDevice},
	{id: "A-116 a device group for deny only denies", sd: "…(XD;;0x1;;;WD;(Device_Member_of{SID(BA)}))(A;;0x1;;;WD)",
		desired: 1, change: denyOnlyDevice},
	{id: "A-53 maximum, and the right to the SACL past the ceiling", sd: "…(A;;0x1;;;WD)", desired: maxMask | saclBit,
		change: all(low, sec), used: usedSec},
	{id: "A-57 a denial of what the owner has does not end the walk", sd: "U:(D;;WD;;;WD)(A;;0x1;;;WD)", desired: 0x40001,
		want: 0x40001},
	{id: "A-60 a label for children before the object's",
		sd: "…(A;;FA;;;WD)S:(ML;CIIO;NW;;;HI)(ML;;NW;;;LW)", desired: 2,
		want: 2, change: low},
	{id: "A-64 a trust label for children before the object's",
		sd: "…(A;;FA;;;WD)S:(TL;CIIO;RC;;;S-1-19-1024-8192)(TL;;0x1;;;S-1-19-512-8192)", desired: 1, want: 1},
	{id: "A-65 a filter for children before the object's",
		sd:      "…(A;;FA;;;WD)S:(FL;CIIO;RC;;;WD;(@User.x==1))(FL;;0x1;;;WD;(@User.x==1))",
		desired: 1, want: 1},
	{id: "A-100 a policy for children before the object's", sd: "…(A;;FA;;;WD)S:(SP;CIIO;;;;S-1-17-9)(SP;;;;;S-1-17-1)",
		desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-100 the policy is that of its own entry",
		sd:      "…(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(SP;;;;;S-1-17-1)(AU;FA;FA;;;WD)",
		desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-62 a label without a policy takes nothing",
		sd: "…(A;;0x200;;;WD)S:(ML;;0x0;;;HI)", desired: 0x200, want: 0x200,
		change: low},
	{id: "A-62 no read up takes READ_CONTROL, whatever the type maps", sd: "…(A;;RC;;;WD)S:(ML;;NRNWNX;;;HI)",
		desired: 0x20000, change: low, ask: func(r *access.Request) {
			r.Mapping = &winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 0x1F0007}
		}},
	{id: "A-63 a filter leaves the right to the SACL", sd: "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))",
		desired: saclBit | 1, want: saclBit | 1, change: sec, used: usedSec},
	{id: "A-63 a trust label leaves the right to the SACL", sd: "…(A;;FA;;;WD)S:(TL;;0x1;;;S-1-19-512-8192)",
		desired: saclBit | 1, want: saclBit | 1, change: sec, used: usedSec},
	{id: "A-65 a filter behind one that holds", sd: "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(Member_of{SID(WD)}))" +
		"(FL;;RC;;;WD;(@User.x==1))", desired: 1},
	{id: "A-65 two filters leave what both leave", sd: "…(A;;FA;;;WD)S:(FL;;0x3;;;WD;(@User.x==1))" +
		"(FL;;0x6;;;WD;(@User.x==1))", desired: maxMask, want: 2},
	{id: "A-65 a group for deny only does not fulfil a filter", sd: "…(A;;FA;;;WD)S:(FL;;RC;;;WD;(Member_of{SID(BA)}))",
		desired: 1, change: denyOnlyBA},
	{id: "A-72 a callback does not decide a condition", sd: "…(XA;;0x1;;;WD;(@User.x==1))", desired: 1,
		change: userClaims(ints("x", 2)), ask: func(r *access.Request) {
			r.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
		}},
	{id: "A-92 a denial of the user's groups denies the restricting SIDs nothing",
		sd: "…(A;;0x1;;;U)(D;;0x1;;;G)(A;;0x1;;;RC)", desired: 1, want: 1, change: restricted(sid.Restricted)},
	{id: "A-94 a denial counts for the package, though the user has the group",
		sd: "…(A;;FA;;;U)(D;;0x1;;;AC)(A;;FR;;;P)", desired: 1, change: all(appContainer, groups(sid.AllAppPackages))},
	{id: "A-94 a group that the user has for deny only is the package's", sd: "…(A;;FA;;;U)(A;;FR;;;AC)", desired: 1,
		want: 1, change: all(appContainer, func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.AllAppPackages, Attributes: denyOnly})
		})},
	{id: "A-94 a capability that is not enabled", sd: "…(A;;FA;;;U)(A;;FR;;;CAP)", desired: 1,
		change: all(appContainer, func(s *token.Spec) { s.Capabilities[0].Attributes = winnt.SE_GROUP_ENABLED_BY_DEFAULT })},
	{id: "A-96, A-101 a rule without a DACL grants a package nothing", sd: "…(A;;FA;;;U)(A;;FR;;;P)S:(SP;;;;;S-1-17-1)",
		desired: 1, change: appContainer, ask: ruleOf(&access.Rule{Descriptor: mustDescriptor("D:NO_ACCESS_CONTROL")})},
	{id: "A-102 a staged descriptor stands for no missing one", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)",
		desired: 2, want: 2, ask: ruleOf(&access.Rule{Staged: mustDescriptor("D:(D;;FA;;;WD)")})},
	{id: "A-3 SELF in a condition", sd: "…(XA;;0x1;;;WD;(Member_of{SID(PS)}))", desired: 1, want: 1, ask: selfIs(caseU)},
	{id: "A-3 another's SELF in a condition", sd: "…(XA;;0x1;;;WD;(Member_of{SID(PS)}))", desired: 1,
		ask: selfIs(caseOther)},
	{id: "A-3 OWNER RIGHTS in a condition is the object's owner", sd: "U:(XA;;0x1;;;WD;(Member_of{SID(OW)}))", desired: 1,
		want: 1},
	{id: "A-3 OWNER RIGHTS in a condition is not the client's", sd: "…(XA;;0x1;;;WD;(Member_of{SID(OW)}))", desired: 1},
	{id: "A-46 nothing but special bits", sd: "…(A;;0x03000000;;;WD)", desired: maxMask},
}

func restrictedDevice(sids ...sid.SID) func(*token.Spec) {
	return func(s *token.Spec) {
		for _, x := range sids {
			s.RestrictedDeviceGroups = append(s.RestrictedDeviceGroups, token.Group{SID: x})
		}
	}
}

func denyOnlyDevice(s *token.Spec) {
	s.DeviceGroups = []token.Group{{SID: sid.Administrators, Attributes: denyOnly}}
}

// ruleOf configures S-1-17-1 with one rule.
func ruleOf(rule *access.Rule) func(*access.Request) {
	return func(r *access.Request) {
		r.Policies = &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"),
			Rules: []access.Rule{*rule}}}}
	}
}

// Each case is decided alike where an entry of no rights for SELF makes the check
// resolve every entry's SID: what that one is for has no part in the others.
func TestEntriesResolvedAlike(t *testing.T) {
	nothing, err := sd.NewACE(sd.AccessAllowed, 0, 0, sid.PrincipalSelf)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(plainCases[:len(plainCases):len(plainCases)], stageCases...) {
		r := c.request(t)
		if r.Descriptor == nil || !r.Descriptor.HasDACL() || !r.Self.IsZero() {
			continue
		}
		p := r.Descriptor.Parts()
		if p.DACL, err = sd.NewACL(append(p.DACL.Slice(), nothing)...); err != nil {
			t.Fatal(err)
		}
		r.Descriptor, r.Self = sd.New(p), sid.MustParse("S-1-5-21-7-7-7-7777")
		if got, err := access.SeAccessCheck(r); err != nil || got != c.wanted() {
			t.Errorf("A-3, %s: %+v, %v; want %+v", c.id, got, err, c.wanted())
		}
	}
}

func TestStages(t *testing.T) {
	for _, c := range stageCases {
		t.Run(c.id, func(t *testing.T) {
			for face, got := range faces(t, c.request(t)) {
				if want := c.wanted(); got != want {
					t.Errorf("%s of %#x on %s: %+v, want %+v", face, uint32(c.desired), c.sd, got, want)
				}
			}
		})
	}
}

// a staged descriptor never changes a decision.
func TestStagedRule(t *testing.T) {
	r := ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2)
	rulePolicy("(@Resource.none == 1)")(r)
	r.Policies.Policies[0].Rules[0].Staged = mustDescriptor("D:(D;;FA;;;WD)")
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-102: %+v, %v", d, err)
	}
	r = ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", 2)
	rulePolicy("")(r)
	r.Policies.Recovery = mustDescriptor("D:(A;;FA;;;WD)")
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-100, another recovery policy: %+v, %v", d, err)
	}
	r.Policies = &access.PolicySet{} // configured, but without policies
	if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 2 {
		t.Errorf("A-100, no policies: %+v, %v", d, err)
	}
}

// the explanation names the rule that took the right away by its own place, rules
// that do not apply counted.
func TestRuleThatDenies(t *testing.T) {
	for at := range 4 {
		r := ask(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2)
		rulePolicy("")(r)
		rules := make([]access.Rule, 4)
		for i := range rules {
			rules[i] = access.Rule{Name: fmt.Sprint("rule ", i), Descriptor: mustDescriptor("D:(A;;FA;;;WD)")}
		}
		rules[at].Descriptor = mustDescriptor("D:(A;;0x1;;;WD)")
		r.Policies.Policies[0].Rules = rules
		d, x, err := access.Explain(r)
		if err != nil || d.Allowed() {
			t.Fatalf("%v, %v", d, err)
		}
		found := false
		for _, row := range x.Reasons {
			if reason := row.Reason; reason.Kind == access.CentralAccessRule {
				found = true
				if reason.Index != at || reason.Name != rules[at].Name {
					t.Errorf("rule %d denies, the reason names %d, %q", at, reason.Index, reason.Name)
				}
			}
		}
		if !found {
			t.Errorf("rule %d denies, and no reason names a rule", at)
		}
	}
}

// what Unknown does to entries that allow and that deny.
func TestUnknownCondition(t *testing.T) {
	for truth, want := range map[claims.Truth][2]ntstatus.Status{
		claims.True:    {ntstatus.Success, ntstatus.AccessDenied},
		claims.False:   {ntstatus.AccessDenied, ntstatus.Success},
		claims.Unknown: {ntstatus.AccessDenied, ntstatus.AccessDenied},
	} {
		cond := map[claims.Truth]string{claims.True: "(@User.x == 1)", claims.False: "(@User.x == 2)",
			claims.Unknown: "(!(@User.y == 1))"}[truth]
		for i, text := range []string{"…(XA;;0x1;;;WD;" + cond + ")", "…(XD;;0x1;;;WD;" + cond + ")(A;;0x1;;;WD)"} {
			r := ask(t, text, 1, userClaims(ints("x", 1)))
			if d, err := access.SeAccessCheck(r); err != nil || d.Status() != want[i] {
				t.Errorf("%s: %+v, %v; want %v", text, d, err, want[i])
			}
		}
	}
}

// what was granted before is not granted by an intent again,
// so its privilege is not told where nothing is left for it.
func TestIntentLeavesWhatWasGranted(t *testing.T) {
	backup := winnt.Privileges(winnt.SeBackupPrivilege)
	for _, c := range []struct {
		previous winnt.AccessMask
		used     winnt.PrivilegeSet
	}{
		{0, backup}, {1, backup}, {0x011200A8, backup}, {0x011200A9, 0}, {0xFFFFFFF, 0},
	} {
		r := ask(t, "…", maxMask, privileges(winnt.SeBackupPrivilege))
		r.Intent, r.Previous = access.Intent{Backup: true}, c.previous
		d, err := access.SeAccessCheck(r)
		if err != nil || !d.Allowed() || d.PrivilegesUsed != c.used || d.Granted != 0x011200A9|c.previous {
			t.Errorf("previously %v: %v, %v; want the privileges %v", c.previous, d, err, c.used)
		}
	}
}

// an impersonation token may be asked about its privileges from
// SecurityIdentification on, a primary token always.
func TestPrivilegeCheckLevels(t *testing.T) {
	held := winnt.SeBackupPrivilege.Bit()
	for typ, levels := range map[winnt.TokenType][]winnt.SecurityImpersonationLevel{winnt.TokenPrimary: {0},
		winnt.TokenImpersonation: {0, 1, 2, 3}} {
		for _, level := range levels {
			spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
			spec.Type, spec.Level = typ, level
			spec.EnabledPrivileges |= held
			tok, err := token.New(spec)
			if err != nil {
				t.Fatal(err)
			}
			ok, found, st := access.PrivilegeCheck(tok, held, true)
			if typ == winnt.TokenImpersonation && level == winnt.SecurityAnonymous {
				if ok || found != 0 || st != ntstatus.BadImpersonationLevel {
					t.Errorf("%v at %v: %t, %v, %v", typ, level, ok, found, st)
				}
			} else if !ok || found != held || st != ntstatus.Success {
				t.Errorf("%v at %v: %t, %v, %v", typ, level, ok, found, st)
			}
		}
	}
}

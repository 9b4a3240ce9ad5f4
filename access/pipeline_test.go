package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The callback decides entries whose data is not a condition.
func TestCallbackDecidesUnknownData(t *testing.T) {
	for truth, want := range map[claims.Truth][2]bool{claims.True: {true, false}, claims.False: {false, true},
		claims.Unknown: {false, false}} {
		for i, text := range []string{"…(0x09;;0x1;;;WD;#01020304)", "…(0x0a;;0x1;;;WD;#01020304)(A;;0x1;;;WD)"} {
			r := newRequest(t, text, 1)
			r.Options.Callback = func(a sd.ACE, tok *token.Token) claims.Truth {
				check.That(t, a.AppData() == "\x01\x02\x03\x04" && tok != nil,
					"callback called with data %x and token %v, want 01020304 and a token", a.AppData(), tok)
				return truth
			}
			d, _ := access.SeAccessCheck(r)
			check.That(t, d.Allowed() == want[i], "A-72: %s, callback returns %v: %+v, want allowed %t", text, truth, d, want[i])
		}
	}
}

// stageCases are cases that the published ones lack.
var stageCases = []plainCase{
	{id: "AC-105a", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 2, ask: rulePolicy("")}, // a rule narrows
	{id: "AC-105b", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 1, want: 1, ask: rulePolicy("")},
	{id: "AC-106", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: 2, want: 2,
		ask: rulePolicy("(@Resource.none == 1)")},
	{id: "AC-111b", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", desired: 1, ask: rulePolicy("")},
	{id: "AC-108a", sd: "…", desired: 0x120089, want: 0x120089, change: privileges(winnt.SeBackupPrivilege),
		used: winnt.Privileges(winnt.SeBackupPrivilege), ask: intent(true, false)},
	{id: "AC-108b", sd: "…", desired: 2, change: privileges(winnt.SeBackupPrivilege), ask: intent(true, false)},
	// a label also limits privileges and intent. It does not limit ACCESS_SYSTEM_SECURITY if writing is
	// allowed.
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
	{id: "A-60 the first label counts", sd: "…(A;;FA;;;WD)S:(ML;;NW;;;LW)(ML;;NW;;;HI)", desired: 2, want: 2, change: low},
	{id: "A-60 inherit-only label", sd: "…(A;;FA;;;WD)S:(ML;IOCI;NW;;;HI)", desired: 2, want: 2},
	{id: "A-65 two filters", sd: "…(A;;FA;;;WD)S:(FL;;0x3;;;WD;(@User.x==1))(FL;;0x5;;;WD;(@User.x==1))",
		desired: maxMask, want: 1},
	{id: "A-65 true", sd: "…(A;;0x3;;;WD)S:(FL;;0x1;;;WD;(Member_of{SID(WD)}))", desired: maxMask, want: 3},
	{id: "A-51 relabel above the ceiling", sd: "…", desired: 0x80000, want: 0x80000, change: relab, used: usedRelab},
	{id: "A-52 take ownership first", sd: "…", desired: 0x80000, want: 0x80000,
		change: privileges(winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege), used: usedTake},
	{id: "A-54 both", sd: "…", desired: maxMask, want: 0x011F01BF,
		change: privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege),
		used:   winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege), ask: intent(true, true)},
	{id: "A-54 sacl without SeSecurity", sd: "…", desired: saclBit, want: saclBit,
		change: privileges(winnt.SeBackupPrivilege), used: winnt.Privileges(winnt.SeBackupPrivilege), ask: intent(true,
			false)},
	{id: "A-55 debug", sd: "…", desired: 1, change: privileges(winnt.SeDebugPrivilege, winnt.SeTcbPrivilege,
		winnt.SeChangeNotifyPrivilege)},
	{id: "A-53 privilege survives restriction", sd: "…", desired: 0x80000, want: 0x80000,
		change: join(restricted(sid.Restricted), take), used: usedTake},
	{id: "A-53 privilege survives the container", sd: "…", desired: saclBit, want: saclBit,
		change: join(appContainer, sec), used: usedSec},
	{id: "A-4 everyone is not implied", sd: "…(A;;0x1;;;WD)", desired: 1, change: restricted(sid.Restricted)},
	{id: "A-90 maximum", sd: "…(A;;0x7;;;U)(A;;0x3;;;RC)", desired: maxMask, want: 3, change: restricted(sid.Restricted)},
	{id: "A-90 empty list", sd: "…(A;;0x1;;;WD)", desired: 1, change: func(s *token.Spec) { s.IsRestricted = true }},
	{id: "A-91 maximum", sd: "…(A;;FA;;;U)(A;;0x2;;;WR)", desired: maxMask, want: 0x1200EB,
		change: join(restricted(sid.WriteRestricted), writeRestricted)},
	{id: "A-92", sd: "…(D;;0x1;;;RC)(A;;0x1;;;WD)(A;;0x1;;;RC)", desired: 1,
		change: restricted(sid.Restricted, sid.Everyone)},
	{id: "A-93", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: 1, want: 1, change: restricted(sid.Restricted)},
	{id: "A-42 a right that the type does not have", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: maxMask | 0x1000,
		want: 0x1F11FF},
	{id: "A-56 owner among the restricting", sd: "U:", desired: 0x20000, want: 0x20000, change: restricted(caseU)},
	{id: "A-95 owner is not the package", sd: "U:", desired: 0x20000, change: appContainer},
	{id: "A-95 owner and package", sd: "U:(A;;RC;;;P)", desired: 0x20000, want: 0x20000, change: appContainer},
	{id: "A-94 the token's own group", sd: "…(A;;0x1;;;AC)", desired: 1,
		change: join(appContainer, groups(sid.AllAppPackages))},
	{id: "A-94 deny", sd: "…(A;;FA;;;U)(D;;0x1;;;P)(A;;FR;;;AC)", desired: 1, change: appContainer},
	{id: "A-96 maximum", sd: "O:BAG:SYD:NO_ACCESS_CONTROL", desired: maxMask, change: appContainer},
	{id: "A-100 recovery: owner", sd: "U:(A;;FA;;;WD)S:(SP;;;;;S-1-17-9)", desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-103 owner", sd: "U:S:(SP;;;;;S-1-17-1)", desired: 0x40000, want: 0x40000, ask: rulePolicy("")},
	{id: "A-103 owner in a container", sd: "U:(A;;RC;;;P)S:(SP;;;;;S-1-17-1)", desired: 0x20000, want: 0x20000,
		change: appContainer, ask: rulePolicy("")},
	{id: "A-103 owner in a container, a rule without a DACL", sd: "U:(A;;RC;;;P)S:(SP;;;;;S-1-17-1)", desired: 0x20000,
		want: 0x20000, change: appContainer,
		ask: ruleOf(access.Rule{Descriptor: mustDescriptor("D:NO_ACCESS_CONTROL")})},
	{id: "A-103 privilege", sd: "…S:(SP;;;;;S-1-17-1)", desired: 0x80000, want: 0x80000, change: take, used: usedTake,
		ask: rulePolicy("")},
	{id: "A-101 a rule never adds", sd: "…S:(SP;;;;;S-1-17-1)", desired: 1, ask: rulePolicy("")},
	{id: "A-101 resource attribute", sd: `…(A;;FA;;;WD)S:(RA;;;;;WD;("r",TI,0x0,1))(SP;;;;;S-1-17-1)`, desired: 2,
		ask: rulePolicy("(@Resource.r == 1)")},
	{id: "A-101 maximum", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", desired: maxMask, want: 0x120089, ask: rulePolicy("")},
	{id: "A-110 local attribute", sd: "…(XA;;0x1;;;WD;(x == 1))", desired: 1, want: 1,
		change: func(s *token.Spec) { s.LocalAttributes = claimSet(ints("X", 1)) }},
	{id: "A-110 the first readable resource attribute of the object",
		sd: `…(XA;;0x1;;;WD;(@Resource.x == 1))S:(RA;CIIO;;;;WD;("x",TI,0x0,2))(0x12;;;;;WD;#01020304)` +
			`(RA;;;;;WD;("y",TI,0x0,2))(RA;CI;;;;WD;("X",TI,0x0,1))(RA;;;;;WD;("x",TI,0x0,2))`, desired: 1, want: 1},
	{id: "A-151 a deny-only claim does not allow", sd: "…(XA;;0x1;;;WD;(@User.x == 1))", desired: 1,
		change: denyOnlyClaim},
	{id: "A-151 a deny-only claim of the device does not allow", sd: "…(XA;;0x1;;;WD;(@Device.x == 1))", desired: 1,
		change: denyOnlyClaim},
	{id: "A-151 a deny-only claim is NULL, also negated", sd: "…(XA;;0x1;;;WD;(!(@User.x == 2)))", desired: 1,
		change: denyOnlyClaim},
	{id: "A-151 a deny-only claim does not exist", sd: "…(XA;;0x1;;;WD;(Not_Exists @User.x))", desired: 1, want: 1,
		change: denyOnlyClaim},
	{id: "A-151 a deny-only claim denies", sd: "…(XD;;0x1;;;WD;(@User.x == 1))(A;;0x3;;;WD)", desired: maxMask, want: 2,
		change: denyOnlyClaim},
	{id: "A-151 a deny-only claim with another value", sd: "…(XD;;0x1;;;WD;(@User.x == 2))(A;;0x3;;;WD)",
		desired: maxMask, want: 3, change: denyOnlyClaim},
	{id: "A-151 a deny-only resource attribute", desired: 1,
		sd: `…(XA;;0x1;;;WD;(@Resource.x == 1))S:(RA;;;;;WD;("x",TI,0x4,1))`},
	{id: "A-153 a write-restricted owner is not among the restricting SIDs", sd: "U:", desired: maxMask,
		change: join(restricted(sid.Everyone), writeRestricted)},
	{id: "A-153 a write-restricted owner is among the restricting SIDs", sd: "U:", desired: maxMask, want: 0x60000,
		change: join(restricted(caseU), writeRestricted)},
	{id: "A-64 a label that is no trust SID", sd: "…(A;;FA;;;WD)S:(TL;;0x1;;;S-1-18-512-0)", desired: 2,
		change: trust("S-1-19-512-8192")},
	{id: "A-110 attributes of token and object for the restricting SIDs", desired: 1, want: 1,
		sd:     `…(XA;;0x1;;;WD;(x == 1 && @Resource.r == 1))S:(RA;;;;;WD;("r",TI,0x0,1))`,
		change: join(restricted(sid.Everyone), func(s *token.Spec) { s.LocalAttributes = claimSet(ints("x", 1)) })},
	{id: "A-112 malformed types are unknown", sd: `…(XA;;0x1;;;WD;(@User.x == "1"))`, desired: 1,
		change: userClaims(ints("x", 1))},
	{id: "A-116 restricted pass", sd: "…(XA;;0x1;;;WD;(Member_of{SID(AU)}))", desired: 1,
		change: restricted(sid.Everyone)},
	{id: "A-116 the restricted pass has the claims that the restriction left", desired: maxMask, want: 10,
		sd: "…(XA;;0x1;;;WD;(@Device.x == 1))(XA;;0x2;;;WD;(@Device.y == 1))" +
			"(XA;;0x4;;;WD;(@User.x == 1))(XA;;0x8;;;WD;(@User.y == 1))",
		change: join(restricted(sid.Everyone), func(s *token.Spec) {
			s.DeviceClaims, s.RestrictedDeviceClaims = claimSet(ints("x", 1), ints("y", 1)), claimSet(ints("y", 1))
			s.UserClaims, s.RestrictedUserClaims = s.DeviceClaims, s.RestrictedDeviceClaims
		})},
	{id: "A-117 malformed", sd: "…(0x0a;;0x1;;;WD;#61727478ffffffff)(A;;0x1;;;WD)", desired: 1},
	{id: "A-4 a restricted condition asks the restricting device groups",
		sd:      "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))",
		desired: 1, change: join(restricted(sid.Everyone), deviceGroups(sid.Administrators), restrictedDevice(sid.Guests))},
	{id: "A-4 a restricted condition of its own device", sd: "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))", desired: 1,
		want: 1, change: join(restricted(sid.Everyone), deviceGroups(sid.Administrators),
			restrictedDevice(sid.Administrators))},
	{id: "A-4 a restricted denial asks the restricting device groups",
		sd:      "…(XD;;0x1;;;WD;(Device_Member_of{SID(BA)}))(A;;0x1;;;WD)",
		desired: 1, change: join(restricted(sid.Everyone), deviceGroups(sid.Guests), restrictedDevice(sid.Administrators))},
	{id: "A-4 a restricted denial asks the restricting SIDs", sd: "…(XD;;0x1;;;WD;(Member_of{SID(BG)}))(A;;0x1;;;WD)",
		desired: 1, change: restricted(sid.Everyone, sid.Guests)},
	{id: "A-116 a device group for deny only does not allow", sd: "…(XA;;0x1;;;WD;(Device_Member_of{SID(BA)}))",
		desired: 1, change: denyOnlyDevice},
	{id: "A-116 a device group for deny only denies", sd: "…(XD;;0x1;;;WD;(Device_Member_of{SID(BA)}))(A;;0x1;;;WD)",
		desired: 1, change: denyOnlyDevice},
	{id: "A-53 maximum, and the right to the SACL past the ceiling", sd: "…(A;;0x1;;;WD)", desired: maxMask | saclBit,
		change: join(low, sec), used: usedSec},
	{id: "A-57 a denial of what the owner has does not end the walk", sd: "U:(D;;WD;;;WD)(A;;0x1;;;WD)", desired: 0x40001,
		want: 0x40001},
	{id: "A-60 a label for children before the object's", sd: "…(A;;FA;;;WD)S:(ML;CIIO;NW;;;HI)(ML;;NW;;;LW)",
		desired: 2, want: 2, change: low},
	{id: "A-64 a trust label for children before the object's",
		sd: "…(A;;FA;;;WD)S:(TL;CIIO;RC;;;S-1-19-1024-8192)(TL;;0x1;;;S-1-19-512-8192)", desired: 1, want: 1},
	{id: "A-65 a filter for children before the object's",
		sd: "…(A;;FA;;;WD)S:(FL;CIIO;RC;;;WD;(@User.x==1))(FL;;0x1;;;WD;(@User.x==1))", desired: 1, want: 1},
	{id: "A-100 a policy for children before the object's", sd: "…(A;;FA;;;WD)S:(SP;CIIO;;;;S-1-17-9)(SP;;;;;S-1-17-1)",
		desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-100 the policy is that of its own entry",
		sd:      "…(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(SP;;;;;S-1-17-1)(AU;FA;FA;;;WD)",
		desired: 1, want: 1, ask: rulePolicy("")},
	{id: "A-34 a generic right granted previously", sd: "…", desired: 1, want: winnt.FILE_GENERIC_READ,
		ask: func(r *access.Request) { r.Previous = winnt.GENERIC_READ }},
	{id: "A-34 a generic right granted previously, and an empty mask", sd: "…", want: winnt.FILE_GENERIC_READ,
		ask: func(r *access.Request) { r.Previous = winnt.GENERIC_READ }},
	{id: "A-62 a label without a policy takes nothing", sd: "…(A;;0x200;;;WD)S:(ML;;0x0;;;HI)", desired: 0x200,
		want: 0x200, change: low},
	{id: "A-62 a label with an unknown policy takes nothing", sd: "…(A;;0x200;;;WD)S:(ML;;0x8;;;HI)", desired: 0x200,
		want: 0x200, change: low},
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
	{id: "A-92 a dropped restricting SID denies", sd: "…(D;;0x1;;;RC)(A;;0x1;;;WD)", desired: 1,
		change: join(restricted(sid.Everyone, sid.Restricted),
			func(s *token.Spec) { s.Restricted[1].Attributes = denyOnly })},
	{id: "A-94 a denial counts for the package, though the user has the group",
		sd: "…(A;;FA;;;U)(D;;0x1;;;AC)(A;;FR;;;P)", desired: 1, change: join(appContainer, groups(sid.AllAppPackages))},
	{id: "A-94 a group that the user has for deny only is the package's", sd: "…(A;;FA;;;U)(A;;FR;;;AC)", desired: 1,
		want: 1, change: join(appContainer, func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.AllAppPackages, Attributes: denyOnly})
		})},
	{id: "A-94 a capability that is not enabled", sd: "…(A;;FA;;;U)(A;;FR;;;CAP)", desired: 1,
		change: join(appContainer, func(s *token.Spec) { s.Capabilities[0].Attributes = winnt.SE_GROUP_ENABLED_BY_DEFAULT })},
	{id: "A-96, A-101 a rule without a DACL grants a package nothing", sd: "…(A;;FA;;;U)(A;;FR;;;P)S:(SP;;;;;S-1-17-1)",
		desired: 1, change: appContainer, ask: ruleOf(access.Rule{Descriptor: mustDescriptor("D:NO_ACCESS_CONTROL")})},
	{id: "A-102 a staged descriptor stands for no missing one", sd: "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)",
		desired: 2, want: 2, ask: ruleOf(access.Rule{Staged: mustDescriptor("D:(D;;FA;;;WD)")})},
	{id: "A-116 only the restricted pass has groups of the device", desired: 1, want: 1,
		sd:     "…(A;;0x1;;;U)(XA;;0x1;;;RC;(Device_Member_of{SID(BA)}))",
		change: join(restricted(sid.Restricted), restrictedDevice(sid.Administrators))},
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

func denyOnlyClaim(s *token.Spec) {
	x := ints("x", 1)
	x.Flags = claims.FlagUseForDenyOnly
	s.UserClaims, s.DeviceClaims = claimSet(x), claimSet(x)
}

func denyOnlyDevice(s *token.Spec) {
	s.DeviceGroups = []token.Group{{SID: sid.Administrators, Attributes: denyOnly}}
}

// Every entry point returns the decision of the further cases.
func TestEntryPointsAgreeOnFurtherCases(t *testing.T) {
	for _, c := range stageCases {
		t.Run(c.id, func(t *testing.T) {
			for face, got := range entryPoints(t, c.request(t)) {
				want := c.wanted()
				check.That(t, got == want, "%s of %#x on %s: %+v, want %+v", face, uint32(c.desired), c.sd, got, want)
			}
		})
	}
}

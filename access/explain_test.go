package access_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files; read the diff before committing it")

// golden compares text with a file in testdata, or writes the file with -rewrite.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		check.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want := check.Must(os.ReadFile(path))
	check.That(t, got == string(want), "%s differs: got\n%s\nwant\n%s", name, got, string(want))
}

// Explain prints one explanation of every kind like the golden file: long names are separated from outcomes by spaces
// (U-100), entries are counted from 1, inherited ones are named so, and rights that were not reached are
// skipped (U-125).
func TestExplainMatchesGoldenFile(t *testing.T) {
	previous := func(r *access.Request) { r.Previous = 4 }
	kernel := func(r *access.Request) { r.Mode = access.Kernel }
	directoryService := func(r *access.Request) { r.Type = winnt.DirectoryServiceObject }
	tree := func(r *access.Request) {
		r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1, 2, nodeA1), winnt.DirectoryServiceObject
	}
	lowLevel := func(r *access.Request) { r.Subject.Level = winnt.SecurityIdentification }
	twoRights := func(r *access.Request) {
		r.Type, r.Mapping = nil, &winnt.GenericMapping{Read: 1, Write: 2, All: 3}
	}
	var b strings.Builder
	for _, c := range []struct {
		title, sd string
		desired   winnt.AccessMask
		change    func(*token.Spec)
		ask       func(*access.Request)
	}{
		{"the first entry that has a bit decides it", "…(D;;FW;;;BG)(D;;0x2;;;G)(A;;FA;;;U)", 3, nil, nil},
		{"granted by two entries, the rest is not looked at",
			"…(A;;0x1;;;WD)(A;IO;0x2;;;WD)(A;;0x2;;;AU)(D;;0x1;;;WD)", 3, nil, nil},
		{"an inherited entry", "…(A;;0x1;;;WD)(A;IOID;0x2;;;WD)(D;ID;0x2;;;WD)", 3, nil, nil},
		{"an inherited entry and a label of the same number", "…(A;ID;0x3;;;WD)S:(ML;;NW;;;HI)", maxMask, low, twoRights},
		{"an entry and an inherited label of the same number", "…(A;;0x3;;;WD)S:(ML;ID;NW;;;HI)", maxMask, low, twoRights},
		{"long names of rights", "…(A;;CR;;;WD)", 0x110, nil, directoryService},
		{"MAXIMUM_ALLOWED", "U:(D;;0x2;;;G)(A;;FR;;;WD)(A;;0x2;;;U)", maxMask, nil, nil},
		{"MAXIMUM_ALLOWED and a right by name", "…(D;;0x3;;;WD)", maxMask | 2, nil, twoRights},
		{"no entry, owner rights replaced", "U:(A;;0x1;;;OW)", 0x20001, nil, nil},
		{"empty DACL, owner", "U:", 0x60001, nil, nil},
		{"NULL DACL", "O:BAG:SYD:NO_ACCESS_CONTROL", 1, nil, nil},
		{"privileges", "…(A;;0x1;;;WD)", saclBit | 0x80001, both, nil},
		{"privilege not held", "…(A;;0x1;;;WD)", saclBit | 1, nil, nil},
		{"integrity", "…(A;;FA;;;WD)S:(ML;;NWNR;;;HI)", 3, low, nil},
		{"default label", "…(A;;FA;;;WD)", 3, low, nil},
		{"trust label", "…(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", 0x20001, nil, nil},
		{"access filter", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))", 3, nil, nil},
		{"restricted", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted), nil},
		{"restricted, denied by the first entry", "…(D;;0x2;;;RC)(A;;0x3;;;U)(A;;0x3;;;RC)", 3,
			restricted(sid.Restricted), nil},
		{"AppContainer", "…(A;;FA;;;U)(A;;FR;;;P)(D;;0x2;;;AC)", 3, appContainer, nil},
		{"central access rule", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil, rulePolicy("")},
		{"conditions", "…(XA;;0x1;;;WD;(@User.x==1))(XD;;0x1;;;WD;(@User.x==2))(XA;;0x1;;;WD;(Member_of{SID(WD)}))", 1,
			userClaims(ints("x", 3)), nil},
		{"a user for deny only, and one whose SID is missing", "…(A;;0x1;;;U)(A;;0x1;;;S-1-5-21-9-9-9-9)", 1,
			func(s *token.Spec) { s.User.Attributes = denyOnly }, nil},
		{"object tree", guids("…(OA;;RP;{P2};;WD)(OD;;RP;{A1};;WD)(A;;RP;;;WD)"), 0x10, nil, tree},
		{"granted before", "…", 4, nil, previous},
		{"an unknown type", "…(A;;0x3;;;WD)", 3, nil,
			func(r *access.Request) { r.Type, r.Mapping = nil, &r.Type.Mapping }},
		{"kernel mode", "…", 3, nil, kernel},
		{"level too low", "…(A;;FA;;;WD)", 1, nil, lowLevel},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		_, x, err := access.Explain(pc.request(t))
		check.NoError(t, err)
		b.WriteString("== " + c.title + "\n" + expand(c.sd) + "\n" + x.String() + "\n")
	}
	golden(t, "explain.txt", b.String())
}

// Steps as JSON have the rule, the entry or null, the bits and the sentence. Reason returns the reason of a requested
// bit only.
func TestStepsMarshalToJSON(t *testing.T) {
	_, x, err := access.Explain(newRequest(t, "…(A;;0x1;;;U)", 1))
	check.NoError(t, err)
	got := check.Must(json.Marshal(x.Steps))
	const want = `[{"rule":"A-70","ace":0,"bits":"0x00000001","because":"it allows them, and nothing before it ` +
		`decided them"}]`
	check.That(t, string(got) == want, "steps as JSON: %s, want %s", got, want)
	check.Equal(t, x.Reasons[0].Reason.String(), "AceAllow DACL 0", "text of a reason, which counts from 0 (U-125)")
	_, x, err = access.Explain(newRequest(t, "U:", 0x20000))
	check.NoError(t, err)
	got, err = json.Marshal(x.Steps[0])
	check.That(t, err == nil && strings.HasPrefix(string(got), `{"rule":"A-56","ace":null,"bits":"0x00020000"`),
		`step without an entry as JSON: %s, %v; want rule A-56 and "ace":null`, got, err)
	if r, ok := x.Reason(0x20000); !ok || r.Reason.Kind != access.Owner || !r.Granted {
		t.Errorf("Reason(READ_CONTROL) = %+v, %v; want a granted right of the owner, true", r, ok)
	}
	for _, bit := range []winnt.AccessMask{1, 0x20001} {
		_, ok := x.Reason(bit)
		check.That(t, !ok, "Reason(%v), which is no right of the request, has a row", bit)
	}
	check.Equal(t, fmt.Sprint(access.ReasonKind(0), access.NotAsked, access.NotAsked+1),
		"ReasonKind(0) NotAsked ReasonKind(17)", "kinds of reasons")
}

// An entry of an unknown type, and one that belongs into a SACL, decide nothing. The explanation has a step for each
//
func TestUnknownTypeHasStep(t *testing.T) {
	base := mustSD(t, "…(A;;0x1;;;WD)")
	deny := check.Must(sd.NewACE(sd.AccessDenied, 0, 1, sid.Everyone))
	audit := check.Must(sd.NewACE(sd.SystemAudit, 0, 1, sid.Everyone))
	forChildren := sd.InheritOnly | sd.ObjectInherit // the type counts first
	l := check.Must(sd.NewACL(deny, audit, deny.WithFlags(forChildren), audit.WithFlags(forChildren), base.DACL().At(0)))
	raw := sd.New(sd.Parts{Owner: base.Owner(), Group: base.Group(), DACL: l}).Binary()
	raw[20+8], raw[20+8+2*20] = 0x7F, 0x7F // the deny entries of the DACL get an unknown type
	d := check.Must(sd.Decode(raw))
	r := newRequest(t, "…", 1)
	r.Descriptor = d
	dec, x, err := access.Explain(r)
	check.RequireThat(t, err == nil && dec.Granted == 1, "Explain: %+v, %v; want granted 1, no error", dec, err)
	const unknown = "this type of entry is unknown and decides nothing"
	const foreign = "this type of entry belongs into a SACL and decides nothing here"
	want := []string{unknown, foreign, unknown, foreign, "it allows them, and nothing before it decided them"}
	for i, s := range x.Steps {
		check.That(t, s.Because == want[i] && s.ACE == i, "step %d: %+v, want entry %[1]d and %[3]q", i, s, want[i])
	}
	// Such an entry has text only in the extended form (S-45).
	check.Equal(t, x.Steps[0].Entry()[:9], "(0x7f;;;;", "text of the entry of an unknown type")
}

// formatAll returns the text of each item.
func formatAll[T any](items []T, format func(T) string) (out []string) {
	for _, x := range items {
		out = append(out, format(x))
	}
	return out
}

// stepText formats a step: entry, node, check, rule and the decided bits.
func stepText(s access.Step) string {
	did := "-"
	if s.Granted {
		did = "+"
	}
	text := fmt.Sprintf("%s %d", s.List, s.ACE)
	if s.Node != 0 {
		text += fmt.Sprintf(" node %d", s.Node)
	}
	if s.Pass != "" {
		text += " " + s.Pass
	}
	return fmt.Sprintf("%s %s %s%v", text, s.Rule, did, s.Bits)
}

// reasonText formats the reason of a bit with every field.
func reasonText(b access.BitReason) string {
	did, r := "-", b.Reason
	if b.Granted {
		did = "+"
	}
	text := fmt.Sprintf("%v%s %v %s %d", b.Bit, did, r.Kind, r.List, r.Index)
	if r.Privilege != 0 {
		text += " " + r.Privilege.String()
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	return text
}

// Explain returns the expected fields of each step and reason, for each kind of result.
func TestExplainReturnsExpectedStepsAndReasons(t *testing.T) {
	backup := privileges(winnt.SeBackupPrivilege)
	// second sets a policy of two rules. The first grants everything, and the second has the DACL of dacl.
	second := func(dacl string) func(*access.Request) {
		return ruleOf(access.Rule{Name: "open", Descriptor: mustDescriptor("D:(A;;FA;;;WD)(A;;FA;;;AC)")},
			access.Rule{Name: "second", Descriptor: mustDescriptor(dacl)})
	}
	high := func(s *token.Spec) { s.Integrity = sid.HighLevel }
	tree := func(r *access.Request) {
		r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1, 2, nodeA1, 1, nodeP2), winnt.DirectoryServiceObject
	}
	for _, c := range []struct {
		what, sd       string
		desired        winnt.AccessMask
		change         func(*token.Spec)
		ask            func(*access.Request)
		steps, reasons []string
	}{
		{"A-31 kernel mode", "…", 3, nil, func(r *access.Request) { r.Mode = access.Kernel },
			[]string{" -1 A-31 +0x3"}, []string{"0x1+ KernelMode  -1", "0x2+ KernelMode  -1"}},
		{"A-31 kernel mode, no descriptor", "…", 1, nil,
			func(r *access.Request) { r.Mode, r.Descriptor = access.Kernel, nil },
			[]string{" -1 A-31 +0x1"}, []string{"0x1+ KernelMode  -1"}},
		{"A-32 no descriptor", "…", 1, nil, func(r *access.Request) { r.Descriptor = nil },
			[]string{" -1 A-32 -0x1"}, []string{"0x1- NotAsked  -1"}},
		{"A-30 the level", "…", 1, level(winnt.SecurityIdentification), nil,
			[]string{" -1 A-30 -0x1"}, []string{"0x1- NotAsked  -1"}},
		{"A-33 an empty mask", "…", 0, nil, nil, []string{" -1 A-33 -0x0"}, nil},
		{"A-33 an empty mask, with previously granted rights", "…", 0, nil, func(r *access.Request) { r.Previous = 5 },
			[]string{" -1 A-35 +0x5"}, []string{"0x1+ PreviouslyGranted  -1", "0x4+ PreviouslyGranted  -1"}},
		{"A-25 a malformed list", "…", 1, nil, func(r *access.Request) { r.ObjectTypes = wrongList },
			[]string{" -1 A-25 -0x1"}, []string{"0x1- NotAsked  -1"}},
		{"A-35 of two rights granted previously, one is requested", "…(A;;0x2;;;WD)", 3, nil,
			func(r *access.Request) { r.Previous = 5 }, []string{" -1 A-35 +0x1", "DACL 0 A-70 +0x2"},
			[]string{"0x1+ PreviouslyGranted  -1", "0x2+ AceAllow DACL 0", "0x4+ PreviouslyGranted  -1"}},
		{"A-35 one right granted previously, one allowed, one not", "…(A;;0x2;;;WD)", 7, nil,
			func(r *access.Request) { r.Previous = 1 }, []string{" -1 A-35 +0x1", "DACL 0 A-70 +0x2", " -1 A-40 -0x4"},
			[]string{"0x1+ PreviouslyGranted  -1", "0x2+ AceAllow DACL 0", "0x4- NoAce  -1"}},
		{"A-54 backup", "…", 1, backup, intent(true, false), []string{" -1 A-54 +0x1", " -1 A-40 +0x0"},
			[]string{"0x1+ Privilege  -1 SeBackupPrivilege"}},
		{"A-50 a right to the SACL and an entry", "…(A;;0x1;;;WD)", saclBit | 1, sec, nil,
			[]string{" -1 A-50 +0x1000000", "DACL 0 A-70 +0x1"},
			[]string{"0x1+ AceAllow DACL 0", "0x1000000+ Privilege  -1 SeSecurityPrivilege"}},
		{"A-50 no privilege", "…(A;;0x1;;;WD)", saclBit | 1, nil, nil, []string{" -1 A-50 -0x1000000"},
			[]string{"0x1- Privilege  -1 SeSecurityPrivilege", "0x1000000- Privilege  -1 SeSecurityPrivilege"}},
		{"A-51 relabel", "…", winnt.WRITE_OWNER, relab, nil, []string{" -1 A-51 +0x80000", " -1 A-40 +0x0"},
			[]string{"0x80000+ Privilege  -1 SeRelabelPrivilege"}},
		{"A-62 a label, MAXIMUM_ALLOWED and a bit that the type does not have",
			"…(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;HI)", maxMask | 0x1000, low, nil,
			[]string{"SACL 1 A-62 -0xd1156", "DACL 0 A-70 +0x1200a9"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- IntegrityPolicy SACL 1", "0x4- IntegrityPolicy SACL 1",
				"0x8+ AceAllow DACL 0", "0x10- IntegrityPolicy SACL 1", "0x20+ AceAllow DACL 0",
				"0x40- IntegrityPolicy SACL 1", "0x80+ AceAllow DACL 0", "0x100- IntegrityPolicy SACL 1",
				"0x1000- IntegrityPolicy SACL 1", "0x10000- IntegrityPolicy SACL 1", "0x20000+ AceAllow DACL 0",
				"0x40000- IntegrityPolicy SACL 1", "0x80000- IntegrityPolicy SACL 1", "0x100000+ AceAllow DACL 0"}},
		{"A-62 the default label", "…(A;;FA;;;WD)", 3, low, nil, []string{" -1 A-62 -0x2"},
			[]string{"0x1- IntegrityPolicy SACL -1", "0x2- IntegrityPolicy SACL -1"}},
		{"A-64 a trust label, then A-65 a filter", "…(A;;FA;;;WD)S:(TL;;0x7;;;S-1-19-512-8192)(FL;;0x3;;;WD;(@User.x==1))",
			13, high, nil, []string{"SACL 0 A-64 -0x8", "SACL 1 A-65 -0xc"},
			[]string{"0x1- AccessFilter SACL 1", "0x4- AccessFilter SACL 1", "0x8- AccessFilter SACL 1"}},
		{"A-64 a trust label, then A-62 a label that refuses no requested right",
			"…(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)(ML;;NW;;;HI)", 0x20001, nil, nil,
			[]string{"SACL 0 A-64 -0x1", "SACL 1 A-62 -0x0"},
			[]string{"0x1- TrustLabel SACL 0", "0x20000- TrustLabel SACL 0"}},
		{"A-65 a filter, then one that leaves every requested right",
			"…(A;;FA;;;WD)S:(FL;;RC;;;WD;(@User.x==1))(FL;;0x20001;;;WD;(@User.x==1))", 0x20001, nil, nil,
			[]string{"SACL 0 A-65 -0x1", "SACL 1 A-65 -0x0"},
			[]string{"0x1- AccessFilter SACL 0", "0x20000- AccessFilter SACL 0"}},
		{"A-153 the owner is not restricting", "U:(A;;0x1;;;U)(A;;0x1;;;RC)", winnt.READ_CONTROL | 1,
			restricted(sid.Restricted), nil,
			[]string{" -1 A-56 -0x60000", "DACL 0 A-70 +0x1", "DACL 1 A-71 -0x0", " -1 A-40 -0x20000"},
			[]string{"0x1+ AceAllow DACL 0", "0x20000- NoAce  -1"}},
		{"A-92 a restricting SID is denied", "…(A;;0x3;;;U)(D;;0x2;;;RC)(A;;0x3;;;RC)", 3, restricted(sid.Restricted),
			nil, []string{"DACL 0 A-70 +0x3", "DACL 0 restricted A-4 -0x0", "DACL 1 restricted A-92 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- RestrictedPass DACL 1"}},
		{"A-90 restricting SIDs are allowed less", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted), nil,
			[]string{"DACL 0 A-70 +0x3", "DACL 0 restricted A-4 -0x0", "DACL 1 restricted A-90 +0x1",
				" -1 restricted A-90 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- RestrictedPass DACL -1"}},
		{"A-95 the package is allowed less", "…(A;;0x3;;;U)(A;;0x1;;;P)", 3, appMedium, nil,
			[]string{"DACL 0 A-70 +0x3", "DACL 0 package A-94 -0x0", "DACL 1 package A-94 +0x1", " -1 package A-95 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- AppContainerPass DACL -1"}},
		{"A-94 the package is denied", "…(A;;0x3;;;U)(D;;0x2;;;P)", 3, appMedium, nil,
			[]string{"DACL 0 A-70 +0x3", "DACL 0 package A-94 -0x0", "DACL 1 package A-94 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- AppContainerPass DACL 1"}},
		{"A-94 the package is denied at the nodes", guids("…(A;;RP;;;U)(D;;RP;;;P)"), 0x10, appMedium, tree,
			[]string{"DACL 0 A-82 +0x10", "DACL 0 package A-94 -0x0", "DACL 1 package A-94 -0x10"},
			[]string{"0x10- AppContainerPass DACL 1"}},
		{"A-95 an empty list for a package that the owner runs", "U:", winnt.READ_CONTROL, appMedium, nil,
			[]string{" -1 A-56 +0x20000", " -1 package A-95 -0x20000"}, []string{"0x20000- AppContainerPass DACL -1"}},
		{"A-96 no DACL for a package", "O:BAG:SY", 1, appMedium, nil, []string{" -1 A-42 +0x1", " -1 A-96 -0x1"},
			[]string{"0x1- AppContainerPass  -1"}},
		{"A-42 no DACL and the owner", "O:" + caseU.String() + "G:SY", winnt.READ_CONTROL | 1, nil, nil,
			[]string{" -1 A-56 +0x20000", " -1 A-42 +0x1"}, []string{"0x1+ NullDacl  -1", "0x20000+ Owner  -1"}},
		{"A-42 no DACL and a privilege", "O:BAG:SY", saclBit | 1, sec, nil, []string{" -1 A-50 +0x1000000", " -1 A-42 +0x1"},
			[]string{"0x1+ NullDacl  -1", "0x1000000+ Privilege  -1 SeSecurityPrivilege"}},
		{"A-35 a previously granted right and a missing privilege", "…", saclBit | 1, nil,
			func(r *access.Request) { r.Previous = 1 }, []string{" -1 A-35 +0x1", " -1 A-50 -0x1000000"},
			[]string{"0x1+ PreviouslyGranted  -1", "0x1000000- Privilege  -1 SeSecurityPrivilege"}},
		{"A-43 an empty list", "…", 3, nil, nil, []string{" -1 A-43 -0x3"},
			[]string{"0x1- EmptyDacl  -1", "0x2- EmptyDacl  -1"}},
		{"A-43 a zero descriptor", "…", 3, nil, func(r *access.Request) { r.Descriptor = new(sd.Descriptor) },
			[]string{" -1 A-43 -0x3"}, []string{"0x1- EmptyDacl  -1", "0x2- EmptyDacl  -1"}},
		{"A-101 a rule for other objects", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil, rulePolicy("(@Resource.x == 1)"),
			[]string{"DACL 0 A-70 +0x3", "read only -1 A-101 +0x0"}, []string{"0x1+ AceAllow DACL 0", "0x2+ AceAllow DACL 0"}},
		{"A-101 a rule that leaves reading", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil, rulePolicy(""),
			[]string{"DACL 0 A-70 +0x3", "read only 0 A-70 +0x1", " -1 A-101 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- CentralAccessRule  0 read only"}},
		{"A-101 the second of two rules", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil, second("D:(A;;FR;;;WD)"),
			[]string{"DACL 0 A-70 +0x3", "open 0 A-70 +0x3", "second 0 A-70 +0x1", " -1 A-101 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- CentralAccessRule  1 second"}},
		{"A-101 the second of two rules denies", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil,
			second("D:(D;;0x2;;;WD)(A;;FA;;;WD)"),
			[]string{"DACL 0 A-70 +0x3", "open 0 A-70 +0x3", "second 0 A-70 -0x2"},
			[]string{"0x1+ AceAllow DACL 0", "0x2- CentralAccessRule  1 second"}},
		{"A-101 an empty rule", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2, nil, second("D:"),
			[]string{"DACL 0 A-70 +0x2", "open 0 A-70 +0x2", " -1 A-101 -0x2"}, []string{"0x2- CentralAccessRule  1 second"}},
		{"A-101 a rule for a restricted token", "…(A;;FA;;;WD)(A;;FA;;;RC)S:(SP;;;;;S-1-17-1)", 2,
			restricted(sid.Restricted), ruleOf(access.Rule{Name: "r", Descriptor: mustDescriptor("D:(A;;FA;;;WD)(A;;FR;;;RC)")}),
			[]string{"DACL 0 A-70 +0x2", "DACL 0 restricted A-4 -0x0", "DACL 1 restricted A-90 +0x2", "r 0 A-70 +0x2",
				"r 0 restricted A-4 -0x0", "r 1 restricted A-71 -0x0", " -1 restricted A-101 -0x2"},
			[]string{"0x2- CentralAccessRule  0 r"}},
		{"A-101 a rule for a package", "…(A;;FA;;;WD)(A;;FA;;;P)S:(SP;;;;;S-1-17-1)", 2, appMedium,
			second("D:(A;;FA;;;WD)(A;;FR;;;AC)"),
			[]string{"DACL 0 A-70 +0x2", "DACL 0 package A-94 -0x0", "DACL 1 package A-94 +0x2", "open 0 A-70 +0x2",
				"open 0 package A-94 -0x0", "open 1 package A-94 +0x2", "second 0 A-70 +0x2", "second 0 package A-94 -0x0",
				"second 1 package A-71 -0x0", " -1 package A-101 -0x2"}, []string{"0x2- CentralAccessRule  1 second"}},
		{"A-96 the second rule has no DACL, for a package", "…(A;;FA;;;U)(A;;FR;;;P)S:(SP;;;;;S-1-17-1)", 1, appMedium,
			second("D:NO_ACCESS_CONTROL"), []string{"DACL 0 A-70 +0x1", "DACL 0 package A-94 -0x0",
				"DACL 1 package A-94 +0x1", "open 0 A-70 +0x1", "open 0 package A-94 -0x0", "open 1 package A-94 +0x1",
				" -1 A-96 -0x1"}, []string{"0x1- CentralAccessRule  1 second"}},
		{"A-96 a rule without a DACL, for a package", "…(A;;FA;;;U)(A;;FR;;;P)S:(SP;;;;;S-1-17-1)", 1, appMedium,
			ruleOf(access.Rule{Name: "all", Descriptor: mustDescriptor("D:(A;;FA;;;WD)(A;;FA;;;AC)")},
				access.Rule{Name: "open", Descriptor: mustDescriptor("D:NO_ACCESS_CONTROL")}),
			[]string{"DACL 0 A-70 +0x1", "DACL 0 package A-94 -0x0", "DACL 1 package A-94 +0x1", "all 0 A-70 +0x1",
				"all 0 package A-94 -0x0", "all 1 package A-94 +0x1", " -1 A-96 -0x1"},
			[]string{"0x1- CentralAccessRule  1 open"}},
		{"A-82 one node of four", guids("…(OA;;RP;{P1};;WD)"), 0x10, nil, tree,
			[]string{"DACL 0 node 1 A-82 +0x10", " -1 A-40 -0x10"}, []string{"0x10- NoAce  -1"}},
		{"A-82 an entry with more rights than the other child has",
			guids("…(OA;;RP;{P1};;WD)(OA;;RPWP;{P2};;WD)(OA;;WP;{P1};;WD)"), 0x30, nil, tree,
			[]string{"DACL 0 node 1 A-82 +0x10", "DACL 1 node 3 A-82 +0x30", "DACL 2 node 1 A-82 +0x20"},
			[]string{"0x10+ AceAllow DACL 1", "0x20+ AceAllow DACL 2"}},
		{"A-120 a denial at a node that already has the right", guids("…(OA;;RP;{P1};;WD)(OD;;RP;{P1};;WD)"), 0x10, nil,
			tree, []string{"DACL 0 node 1 A-82 +0x10", "DACL 1 A-71 -0x0", " -1 A-40 -0x10"}, []string{"0x10- NoAce  -1"}},
		{"A-40 a generic right", "…(A;;0x20;;;WD)", winnt.GENERIC_EXECUTE, nil, nil,
			[]string{"DACL 0 A-70 +0x20", " -1 A-40 -0x120080"},
			[]string{"0x20+ AceAllow DACL 0", "0x80- NoAce  -1", "0x20000- NoAce  -1", "0x100000- NoAce  -1"}},
		{"A-83 a denial at nodes of which the last has the right ends the walk",
			guids("…(OA;;RP;{P2};;WD)(D;;RP;;;WD)(A;;WP;;;WD)"), 0x30, nil, tree,
			[]string{"DACL 0 node 3 A-82 +0x10", "DACL 1 A-83 -0x10"},
			[]string{"0x10- AceDeny DACL 1", "0x20- AceDeny DACL 1"}},
		{"A-80 an object entry without an object type list", guids("…(OA;;0x1;{P1};;WD)(A;;0x1;;;WD)"), 1, nil, nil,
			[]string{"DACL 0 A-80 -0x0", "DACL 1 A-70 +0x1"}, []string{"0x1+ AceAllow DACL 1"}},
		{"A-81 a type of another tree", guids("…(OA;;RP;{A2};;WD)(A;;RP;;;WD)"), 0x10, nil, tree,
			[]string{"DACL 0 A-81 -0x0", "DACL 1 A-82 +0x10"}, []string{"0x10+ AceAllow DACL 1"}},
		{"A-73 no callback entries", "…(XA;;0x1;;;WD;(Member_of{SID(WD)}))(A;;0x1;;;WD)", 1, nil,
			func(r *access.Request) { r.Options.ClaimsDisabled = true },
			[]string{"DACL 0 A-73 -0x0", "DACL 1 A-70 +0x1"}, []string{"0x1+ AceAllow DACL 1"}},
		{"A-72 data that is not a condition", "…(0x09;;0x1;;;WD;#01020304)(A;;0x1;;;WD)", 1, nil, nil,
			[]string{"DACL 0 A-72 -0x0", "DACL 1 A-70 +0x1"}, []string{"0x1+ AceAllow DACL 1"}},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		r := pc.request(t)
		d, x, err := access.Explain(r)
		check.NoError(t, err)
		check.Equal(t, check.Must(access.SeAccessCheck(r)), d, "%s: SeAccessCheck", c.what)
		steps, reasons := formatAll(x.Steps, stepText), formatAll(x.Reasons, reasonText)
		check.That(t, slices.Equal(steps, c.steps) && slices.Equal(reasons, c.reasons),
			"%s: steps\n%q\nwant\n%q\nreasons\n%q\nwant\n%q", c.what, steps, c.steps, reasons, c.reasons)
	}
	// With a result list, each node without the right has a step. The reason is that of the root.
	for entries, want := range map[string][]string{
		"(OA;;RP;{P1};;WD)": {"DACL 0 node 1 A-82 +0x10", " -1 A-40 -0x10", " -1 node 3 A-40 -0x10", "0x10- NoAce  -1"},
		"(OD;;RP;{P1};;WD)": {"DACL 0 node 1 A-83 -0x10", " -1 node 3 A-40 -0x10", "0x10- AceDeny DACL 0"},
		"(OD;;RP;{P1};;WD)(OD;;RP;{P2};;WD)": {"DACL 0 node 1 A-83 -0x10", "DACL 1 node 3 A-83 -0x10",
			"0x10- AceDeny DACL 0"},
	} {
		pc := plainCase{sd: guids("…" + entries), desired: 0x10, ask: tree}
		_, _, x, err := access.ExplainResultList(pc.request(t))
		check.NoError(t, err)
		got := append(formatAll(x.Steps, stepText), formatAll(x.Reasons, reasonText)...)
		check.That(t, slices.Equal(got, want), "%s with a result list: steps and reason\n%q\nwant\n%q", entries, got, want)
	}
}

// A step for a conditional entry says what its condition lacks. A deny entry also applies if its condition is
// unknown.
func TestStepsExplainConditions(t *testing.T) {
	tree := func(r *access.Request) {
		r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1), winnt.DirectoryServiceObject
	}
	const unknown = "@USER.x is absent, needed == 1"
	for what, c := range map[string]struct {
		sd      string
		desired winnt.AccessMask
		change  func(*token.Spec)
		ask     func(*access.Request)
		want    string
	}{
		"an allow entry for a deny-only group": {"…(XA;;0x1;;;WD;(Member_of{SID(" + caseG.String() + ")}))", 1,
			groupG(denyOnly), nil, "Member_of {SID(" + caseG.String() + ")} is not met"},
		"a denial for the user": {"…(XD;;0x1;;;WD;(@User.x==1))", 1, nil, nil, unknown},
		"a denial for the package": {"…(A;;0x1;;;U)(XD;;0x1;;;" + casePkg.String() + ";(@User.x==1))", 1, appMedium, nil,
			unknown},
		"a denial for a restricting SID": {"…(A;;0x1;;;U)(XD;;0x1;;;RC;(@User.x==1))", 1, restricted(sid.Restricted), nil,
			unknown},
		"a denial with MAXIMUM_ALLOWED": {"…(XD;;0x1;;;WD;(@User.x==1))(A;;0x3;;;WD)", maxMask, nil, nil, unknown},
		"a denial at a node":            {"…(XD;;RP;;;WD;(@User.x==1))", 0x10, nil, tree, unknown},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		_, x, err := access.Explain(pc.request(t))
		check.NoError(t, err)
		got := ""
		for _, s := range x.Steps {
			got += s.Unmet
		}
		check.Equal(t, got, c.want, "%s: unmet tests", what)
	}
}

// appMedium makes an AppContainer at Medium, which the default label does not limit.
func appMedium(s *token.Spec) { appContainer(s); s.Integrity = sid.MediumLevel }

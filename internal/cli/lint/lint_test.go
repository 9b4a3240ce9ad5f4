package lint

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each descriptor has exactly the listed findings.
func TestDescriptorsHaveListedFindings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)", ""},
		{"O:BAG:SYD:(A;;FR;;;BU)(A;;FX;;;BU)(A;;0x20;;;BU)", "DACL entry 3 never-decides"}, // A-71
		// A-2: every right is refused first
		{"O:BAG:SYD:(D;;FA;;;BU)(A;;FR;;;BU)", "DACL entry 2 never-decides"},
		{"O:BAG:SYD:(A;;FR;;;BU)(A;;FRFX;;;BU)", ""}, // FX is new
		// A-2: it stops tokens that hold BU for deny only
		{"O:BAG:SYD:(A;;FR;;;BU)(D;;FR;;;BU)(A;;FR;;;BA)", "DACL entry 2 non-canonical"},
		// both have READ_CONTROL and SYNCHRONIZE
		{"O:BAG:SYD:(D;;FW;;;BG)(A;;FR;;;BA)", ""},
		{"O:BAG:SYD:(A;;0x1000000;;;BA)", "DACL entry 1 never-decides"},            // no DACL grants this right (A-46)
		{"O:BAG:SYD:(A;;RC;;;OW)(A;;RC;;;OW)", "DACL entry 2 never-decides"},       // the first is enough
		{"O:BAG:SYD:(A;IO;FR;;;BA)(A;;FR;;;BU)", "DACL entry 1 no-inherit-effect"}, // A-70
		{"O:BAG:SYD:(A;OICI;FR;;;BA)", ""},
		{"O:BAG:SYD:(A;OICIIO;FR;;;CO)", ""},
		{"O:BAG:SYD:", ""},
		{"O:BAG:SYD:(A;;FW;;;AU)", "DACL entry 1 everyone-writable"},
		{"O:BAG:SYD:(D;;0xd0116;;;WD)(A;;FW;;;AU)", ""},
		{"O:BAG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;HI)", ""}, // A-62: a stranger is Medium
		{"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1001)(A;;FR;;;S-1-5-80-1-2-3-4-5)(A;;FR;;;S-1-15-3-1)", ""},
		{"O:S-1-9-1G:SYD:(A;;FR;;;S-1-5-99)", "owner unknown-sid; DACL entry 1 unknown-sid"},
		{`O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 1))S:(RA;;;;;WD;("x",TI,0x0,1))`, ""}, // the attribute is 1 (A-110)
		{`O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 2))(XA;;FR;;;BU;(@Resource.x == 2))S:(RA;;;;;WD;("x",TI,0x0,1))`,
			"DACL entry 1 never-true; DACL entry 2 never-true"},
		// The attribute that only children inherit is not the object's own (A-110).
		{`O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 1))S:(RA;OICIIO;;;;WD;("x",TI,0x0,1))`, "DACL entry 1 always-unknown"},
		// An inherit-only entry has no effect here, one that children also inherit has (A-71).
		{"O:BAG:SYD:(A;OICIIO;FR;;;BU)(A;;FR;;;BU)", ""},
		{"O:BAG:SYD:(A;OICI;FR;;;BU)(A;;FR;;;BU)", "DACL entry 2 never-decides"},
		{"O:BAG:SYD:(D;OICIIO;FR;;;BU)(A;;FR;;;BU)", ""},
		{"O:BAG:SYD:(A;;FR;;;BA)S:(AU;SA;FR;;;S-1-5-99)", "SACL entry 1 unknown-sid"},
		{"O:BAG:SYD:(A;;FR;;;BA)S:(AU;IOSA;FR;;;WD)", "SACL entry 1 no-inherit-effect"},
		{"O:BAG:SYD:(A;;FR;;;BA)S:(AU;OICISA;FR;;;WD)(AU;OICIFA;FR;;;BG)", ""},
		{"O:BAG:S-1-5-99D:(A;;FR;;;BA)", "group unknown-sid"},
		{`O:BAG:SYD:(XD;;FR;;;BU;(@User.x < {1,2}))(A;;FR;;;WD)`, "DACL entry 1 always-unknown"}, // A-112
		{`O:BAG:SYD:(XD;;FR;;;BU;(@User.x < {1,2}))`, "DACL entry 1 always-unknown; DACL entry 1 idle-deny"},
		{`O:BAG:SYD:(XA;;FR;;;BU;(@User.x))(XA;;FR;;;BU;(@User.x))`, "DACL entry 2 never-decides"},
		// An allow entry with an unknown condition is skipped, a deny entry with one denies.
		{`O:BAG:SYD:(XA;;FR;;;BU;(@User.x))(XD;;FR;;;BU;(@User.x))(A;;FR;;;WD)`, "DACL entry 2 non-canonical"},
		{`O:BAG:SYD:(XA;;FR;;;BU;(@User.x))(XA;;FR;;;BU;(@User.y))`, ""},
		{`O:BAG:SYD:(A;;FR;;;BA)S:(FL;;FR;;;WD;(@User.x == 1))`, ""},
		{"O:BAG:SYD:(a;;FR;;;S-1-5-99)", "descriptor not-strict; DACL entry 1 unknown-sid"},
		{`O:BAG:SYD:(A;;FR;;;BA)S:(FL;;FR;;;WD;(@Resource.x == 1))`, "SACL entry 1 never-true"},
		{`O:BAG:SYD:(A;;FR;;;BA)S:(FL;;FR;;;WD;(@Resource.x == 1))(RA;;;;;WD;("x",TI,0x0,1))`, ""},
		{`O:BAG:SYD:(A;;FR;;;BA)S:(RA;;;;;WD;("x",TI,0x0,1))(RA;;;;;WD;("X",TI,0x0,2))(RA;;;;;WD;("y",TI,0x0,2))`,
			"SACL entry 2 second-of-its-kind"}, // A-110
		{"O:BAG:SYD:(A;;FR;;;BA)S:(ML;OICIIO;NW;;;ME)(ML;;NW;;;HI)", ""}, // A-60
		{"O:BAG:SYD:(A;;FR;;;BA)S:(ML;OICI;NW;;;ME)(ML;OICI;NW;;;HI)", "SACL entry 2 second-of-its-kind"},
		{"O:BAG:SYD:(A;;FR;;;BA)S:(ML;;NR;;;HI)(SP;;;;;S-1-17-1)(SP;;;;;S-1-17-2)",
			"SACL entry 3 second-of-its-kind"}, // A-100
		// No stored entry names a logon session (F-199).
		{"O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;S-1-5-5-0-1001)", "DACL entry 2 logon-session"},
		{"O:BAG:SYD:(D;OICIIO;FR;;;S-1-5-5-0-1001)(A;;FA;;;BA)", "DACL entry 1 logon-session"},
		{"O:BAG:SYD:(XA;;FR;;;BA;(Member_of {SID(S-1-5-5-0-1)}))", "DACL entry 1 logon-session"},
		{"O:BAG:S-1-5-5-0-1D:(A;;FA;;;BA)", "group logon-session"},
		// No stored entry has generic rights, unless it only inherits (F-201).
		{"O:BAG:SYD:(D;;GR;;;BG)(A;;FA;;;BA)(A;;FR;;;BG)", "DACL entry 3 never-decides; DACL entry 1 stored-generic"},
	} {
		var got []string
		for _, f := range check.Must(Text(c.text, winnt.DirectoryFileObject, sid.SID{})) {
			got = append(got, f.Where()+" "+f.Kind)
			check.That(t, f.Mend != "" && f.What != "" && (f.ACE < 0 || f.Entry != ""),
				"%s: finding %+v is incomplete, want a text, a repair and the entry", c.text, f)
		}
		check.Equal(t, strings.Join(got, "; "), c.want, "findings of %s", c.text)
	}
	found := Check(sddl.MustParse("O:BAG:BAD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;S-1-5-99)"),
		winnt.DirectoryServiceObject, sid.SID{})
	check.That(t, len(found) == 1 && found[0].On == "on member", "%+v, want one finding, on member", found)
}

// texts returns the texts of findings, one on each line.
func texts(found []Finding) string {
	var out strings.Builder
	for _, f := range found {
		fmt.Fprintln(&out, f)
	}
	return out.String()
}

// TestEntriesInWrongListAreFound checks lists that SDDL rejects and bytes can contain.
func TestEntriesInWrongListAreFound(t *testing.T) {
	grant := sddl.MustParse("D:(A;;FR;;;BA)").DACL()
	audit := sddl.MustParse("S:(AU;SA;FR;;;BA)").SACL()
	found := Check(sd.New(sd.Parts{DACL: audit, SACL: grant}), winnt.DirectoryFileObject, sid.SID{})
	const want = "DACL entry 1 (AU;SA;FR;;;BA): wrong-list: an entry of this type decides nothing in a DACL (A-70); " +
		"move it to the SACL, or drop it\n" +
		"SACL entry 1 (A;;FR;;;BA): wrong-list: an entry of this type does nothing in a SACL; move it to the DACL, " +
		"or drop it\n"
	check.Equal(t, texts(found), want, "findings")
}

// world is a small universe in which SIDs, rights and conditions meet often.
type world struct{ *rand.Rand }

func pick[T any](w world, from []T) T { return from[w.IntN(len(from))] }

var (
	some = []sid.SID{sid.Everyone, sid.Users, sid.Administrators, sid.OwnerRights, sid.PrincipalSelf,
		sid.AllAppPackages, sid.CreatorOwner, sid.MustParse("S-1-15-3-1")}
	guids = []winnt.GUID{{1}, {2}, {3}}
	masks = []winnt.AccessMask{0, 1, 2, 3, 0x20000, 0x60000, 0x80003, winnt.GENERIC_READ, winnt.GENERIC_ALL, 0x01000000,
		0x01000001}
	conds = []string{"(@User.x == 1)", "(@Resource.r == 1)", "(@Resource.none == 1)", "(@User.x < {1,2})",
		"(Member_of{SID(BU)})", "(!(Member_of{SID(BU)}))", "(@Resource.none || @User.x)"}
)

func (w world) entry() string {
	kinds := []string{"A", "A", "A", "D", "D", "XA", "XD", "OA", "OD"}
	k, object, tail := pick(w, kinds), "", ""
	if k[0] == 'O' && w.IntN(3) > 0 {
		object = pick(w, guids).String()
	}
	if k[0] == 'X' {
		tail = ";" + pick(w, conds)
	}
	flags := pick(w, []string{"", "", "", "OICI", "IO", "CIIO", "NP", "ID"})
	return fmt.Sprintf("(%s;%s;%#x;%s;;%s%s)", k, flags, uint32(pick(w, masks)), object, pick(w, some), tail)
}

func (w world) token(t *testing.T) *token.Token {
	s := token.Spec{User: token.Group{SID: pick(w, some[:3])}, Integrity: sid.MediumLevel}
	attributes := []uint32{7, 7, 7, 0, winnt.SE_GROUP_USE_FOR_DENY_ONLY}
	if w.IntN(6) == 0 {
		s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	}
	for range w.IntN(5) {
		s.Groups = append(s.Groups, token.Group{SID: pick(w, some), Attributes: pick(w, attributes)})
	}
	if w.IntN(3) == 0 {
		s.IsRestricted, s.WriteRestricted = true, w.IntN(3) == 0
		for range w.IntN(4) {
			s.Restricted = append(s.Restricted, token.Group{SID: pick(w, some),
				Attributes: pick(w, []uint32{7, 7, winnt.SE_GROUP_USE_FOR_DENY_ONLY})})
		}
	}
	if w.IntN(4) == 0 {
		s.Package = sid.MustParse("S-1-15-2-1-2-3")
		s.Capabilities = []token.Group{{SID: some[7], Attributes: 4}}
	}
	return check.Must(token.New(s))
}

// TestIdleEntriesDecideNothing removes an entry that is reported to have no effect, and checks that random tokens and
// requests are decided as before: explicit and maximum access, restricted, write-restricted and AppContainer tokens,
// with PRINCIPAL SELF, and at each node of an object type list.
func TestIdleEntriesDecideNothing(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 0))}
	tokens := make([]*token.Token, 200)
	for i := range tokens {
		tokens[i] = w.token(t)
	}
	tried := map[string]int{}
	for range 3000 {
		text := "O:" + pick(w, some).String() + "G:SYD:"
		for range 1 + w.IntN(6) {
			text += w.entry()
		}
		d := sddl.MustParse(text + `S:(RA;;;;;WD;("r",TI,0x0,1))`)
		for _, f := range Check(d, winnt.DirectoryFileObject, sid.SID{}) {
			switch f.Kind {
			case NeverDecides, UnreachableDeny, IdleDeny:
			case AlwaysUnknown, NeverTrue:
				if !d.DACL().At(f.ACE).Type().IsAllow() {
					continue
				}
			default:
				continue
			}
			if f.Kind != NeverDecides && ownerRights(d) == 1 && d.DACL().At(f.ACE).SID() == sid.OwnerRights {
				continue // the condition is idle, the entry is not (A-56)
			}
			tried[f.Kind]++
			w.checkSame(t, d, without(t, d, f.ACE), f, tokens)
		}
	}
	for _, k := range []string{NeverDecides, UnreachableDeny, IdleDeny, AlwaysUnknown} {
		check.That(t, tried[k] >= 15, "%s: only %d cases, want at least 15", k, tried[k])
	}
	t.Log(tried)
}

func ownerRights(d *sd.Descriptor) (n int) {
	for _, a := range d.DACL().All() {
		if a.SID() == sid.OwnerRights && a.Flags()&sd.InheritOnly == 0 {
			n++
		}
	}
	return n
}

func without(t *testing.T, d *sd.Descriptor, i int) *sd.Descriptor {
	entries := d.DACL().Slice()
	l := check.Must(sd.NewACL(append(entries[:i:i], entries[i+1:]...)...))
	p := d.Parts()
	p.DACL = l
	return sd.New(p)
}

func (w world) checkSame(t *testing.T, before, after *sd.Descriptor, f Finding, tokens []*token.Token) {
	for range 60 {
		r := access.Request{Descriptor: before, Subject: access.Subject{Primary: pick(w, tokens)},
			Type: winnt.DirectoryFileObject, Desired: pick(w, []winnt.AccessMask{1, 2, 3, 0x20000, 0x60001,
				winnt.MAXIMUM_ALLOWED, winnt.MAXIMUM_ALLOWED | 2, winnt.GENERIC_READ})}
		if w.IntN(3) == 0 {
			r.Self = pick(w, some)
		}
		if w.IntN(3) == 0 {
			r.ObjectTypes = []access.ObjectTypeEntry{{GUID: guids[0]}, {Level: 1, GUID: guids[1]},
				{Level: uint16(1 + w.IntN(2)), GUID: guids[2]}}
		}
		other := r
		other.Descriptor = after
		x, _ := access.SeAccessCheck(&r)
		y, _ := access.SeAccessCheck(&other)
		if x != y {
			t.Fatalf("%v\nwith the entry %+v, without %+v, want %+v\ndesired %#x self %v tree %v\nsd %x\ntoken %+v",
				f, x, y, y, uint32(r.Desired), r.Self, r.ObjectTypes, before.Binary(), r.Subject.Primary.Spec())
		}
		if r.ObjectTypes != nil {
			xs, _, _ := access.CheckResultList(&r)
			ys, _, _ := access.CheckResultList(&other)
			check.RequireThat(t, fmt.Sprint(xs) == fmt.Sprint(ys),
				"%v\nresult list with the entry %+v, without it %+v, want equal results", f, xs, ys)
		}
	}
}

// FuzzLines checks that no file makes the parser or the checks panic.
func FuzzLines(f *testing.F) {
	for _, s := range []string{
		"O:BAG:SYD:(A;;FA;;;WD)\n# comment\n\n", `{"path":"x","sd":"D:(XA;;FR;;;BU;(@Resource.x == 1))"}`,
		`{"sdHex":"0100048014000000000000000000000014000000"}`,
		`{"sdBase64":"AQAEgA=="}`, "{", "D:(0x15;;;;;#00)",
		"S:(ML;;;;;WD)(FL;;FR;;;WD;(@User.x))(RA;;;;;WD;(\"x\",TI,0x0,1))", "\xef\xbb\xbfD:NO_ACCESS_CONTROL",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, _ := Lines(b)
		for _, l := range lines {
			switch {
			case l.Descriptor != nil:
				Check(l.Descriptor, winnt.FileObject, sid.SID{})
			case l.Err == nil:
				_, _ = Text(l.Text, winnt.DirectoryFileObject, sid.SID{})
			}
		}
	})
}

func ExampleText() {
	found, err := Text("O:BAG:SYD:(A;;FR;;;BU)(D;;FR;;;BU)(A;;FR;;;BU)", winnt.DirectoryFileObject, sid.SID{})
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range found {
		fmt.Println(f.Where(), f.Kind)
	}
	// Output:
	// DACL entry 3 never-decides
	// DACL entry 2 non-canonical
}

// TestLintReportsUnknownACETypes checks that an entry of an unknown type has no effect in either list.
func TestLintReportsUnknownACETypes(t *testing.T) {
	const list = "0400100001000000" + "7f00080001000000" // one entry of type 0x7F
	b := check.Must(hex.DecodeString("01001480" + "0000000000000000" + "1400000024000000" + list + list))
	const want = "DACL entry 1 (0x7f;;;;;;#01000000): unknown-type: the type ACE_TYPE(0x7f) is unknown and decides " +
		"nothing (A-70); drop the entry\n" +
		"SACL entry 1 (0x7f;;;;;;#01000000): unknown-type: the type ACE_TYPE(0x7f) is unknown and does nothing; drop " +
		"the entry\n"
	found := Check(check.Must(sd.Decode(b)), winnt.DirectoryFileObject, sid.SID{})
	check.Equal(t, texts(found), want, "findings")
}

// TestFindingTextHasPositionAndRepair checks that a finding has its position, entry, rule and repair.
func TestFindingTextHasPositionAndRepair(t *testing.T) {
	for _, c := range []struct {
		f    Finding
		want string
	}{
		{Finding{ACE: -1, Kind: "k", What: "w", Mend: "m"}, "descriptor: k: w; m"},
		{Finding{List: "DACL", ACE: -1, Kind: "k", What: "w", Mend: "m", Rule: "A-1"}, "DACL: k: w (A-1); m"},
		{Finding{List: "SACL", ACE: 0, Entry: "(E)", Kind: "k", What: "w", Mend: "m", Rule: "A-1"},
			"SACL entry 1 (E): k: w (A-1); m"},
	} {
		check.Equal(t, c.f.String(), c.want, "text of %+v", c.f)
	}
	check.That(t, check.Err(Text("O:BAG", nil, sid.SID{})) != nil, "Text of invalid SDDL succeeds, want an error")
}

// TestFindingsMatchCommittedText checks position, entry, rule, words and repair of each kind of finding against
// testdata/findings.txt.
func TestFindingsMatchCommittedText(t *testing.T) {
	_, rows, _ := strings.Cut(string(check.Must(os.ReadFile("testdata/findings.txt"))), "\n")
	want, text := map[string]string{}, ""
	for line := range strings.Lines(rows) {
		if finding, ok := strings.CutPrefix(line, "    "); ok {
			want[text] += finding
		} else {
			text = strings.TrimSpace(line)
			want[text] = ""
		}
	}
	check.That(t, len(want) >= 60, "%d descriptors, want at least 60", len(want))
	for text, findings := range want {
		got := texts(check.Must(Text(text, winnt.DirectoryFileObject, sid.SID{})))
		check.Equal(t, got, findings, "findings of %s", text)
	}
}

// batchTypes are the types of object that a descriptor is checked for.
const batchTypes = "file, directory, key, token, process, thread, job, objectDirectory, symbolicLink, event, port, " +
	"directoryService, mutant, semaphore, timer, section, desktop, windowStation, policy"

// TestDomainAliasNeedsDomain checks that a domain's aliases are parsed and printed with the domain, and rejected
// without one.
func TestDomainAliasNeedsDomain(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-7-8-9")
	const text = "O:DAG:DUD:(A;;FR;;;DA)(A;;FR;;;DA)"
	found := check.Must(Text(text, winnt.DirectoryFileObject, domain))
	check.That(t, len(found) == 1 && found[0].Entry == "(A;;FR;;;DA)", "%v, want one that names (A;;FR;;;DA)", found)
	found, err := Text(text, winnt.DirectoryFileObject, sid.SID{})
	check.That(t, err != nil && found == nil, "without a domain: %v, %v, want nil, an error", found, err)
}

package access_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; read the diff before committing it")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", name, got)
	}
}

// TestExplainGolden prints one explanation of every kind (section 11).
func TestExplainGolden(t *testing.T) {
	previous := func(r *access.Request) { r.Previous = 4 }
	kernel := func(r *access.Request) { r.Mode = access.Kernel }
	tree := func(r *access.Request) {
		r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1, 2, nodeA1), winnt.DirectoryServiceObject
	}
	lowLevel := func(r *access.Request) { r.Subject.Level = winnt.SecurityIdentification }
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
		{"MAXIMUM_ALLOWED", "U:(D;;0x2;;;G)(A;;FR;;;WD)(A;;0x2;;;U)", maxMask, nil, nil},
		{"no entry, owner rights replaced", "U:(A;;0x1;;;OW)", 0x20001, nil, nil},
		{"empty DACL, owner", "U:", 0x60001, nil, nil},
		{"NULL DACL", "O:BAG:SYD:NO_ACCESS_CONTROL", 1, nil, nil},
		{"privileges", "…(A;;0x1;;;WD)", saclBit | 0x80001, both, nil},
		{"privilege not held", "…(A;;0x1;;;WD)", saclBit | 1, nil, nil},
		{"integrity", "…(A;;FA;;;WD)S:(ML;;NWNR;;;HI)", 3, low, nil},
		{"default label", "…(A;;FA;;;WD)", 2, low, nil},
		{"trust label", "…(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-8192)", 0x20001, nil, nil},
		{"access filter", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))", 3, nil, nil},
		{"restricted", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted), nil},
		{"AppContainer", "…(A;;FA;;;U)(A;;FR;;;P)(D;;0x2;;;AC)", 3, appContainer, nil},
		{"central access rule", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 3, nil, rulePolicy("")},
		{"conditions", "…(XA;;0x1;;;WD;(@User.x==1))(XD;;0x1;;;WD;(@User.x==2))(XA;;0x1;;;WD;(Member_of{SID(WD)}))", 1,
			userClaims(ints("x", 3)), nil},
		{"object tree", guids("…(OA;;RP;{P2};;WD)(OD;;RP;{A1};;WD)(A;;RP;;;WD)"), 0x10, nil, tree},
		{"granted before", "…", 4, nil, previous},
		{"kernel mode", "…", 3, nil, kernel},
		{"level too low", "…(A;;FA;;;WD)", 1, nil, lowLevel},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		_, x, err := access.Explain(pc.request(t))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("== " + c.title + "\n" + expand(c.sd) + "\n" + x.String() + "\n")
	}
	golden(t, "explain.txt", b.String())
}

func TestStepJSON(t *testing.T) {
	_, x, err := access.Explain(ask(t, "…(A;;0x1;;;U)", 1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(x.Steps)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"rule":"A-70","ace":0,"bits":"0x00000001","because":"it allows them, and nothing before it ` +
		`decided them"}]`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, x, err = access.Explain(ask(t, "U:", 0x20000))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = json.Marshal(x.Steps[0]); err != nil ||
		!strings.HasPrefix(string(got), `{"rule":"A-56","ace":null,"bits":"0x00020000"`) {
		t.Errorf("got %s, %v", got, err)
	}
	if r, ok := x.Reason(0x20000); !ok || r.Reason.Kind != access.Owner || !r.Granted {
		t.Errorf("reason %+v %v", r, ok)
	}
	if _, ok := x.Reason(1); ok {
		t.Error("a reason for a bit that was not asked for")
	}
}

// An unknown type is decided in a table: ignored, with a step that says
// so. Types of the SACL in a DACL likewise.
func TestUnknownTypeHasStep(t *testing.T) {
	base := mustSD(t, "…(A;;0x1;;;WD)")
	deny, err := sd.NewACE(sd.AccessDenied, 0, 1, sid.Everyone)
	if err != nil {
		t.Fatal(err)
	}
	audit, err := sd.NewACE(sd.SystemAudit, 0, 1, sid.Everyone)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(deny, audit, base.DACL().At(0))
	if err != nil {
		t.Fatal(err)
	}
	raw := sd.New(sd.Parts{Owner: base.Owner(), Group: base.Group(), DACL: l}).Binary()
	raw[20+8] = 0x7F // the first entry of the DACL gets an unknown type
	d, err := sd.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, "…", 1)
	r.Descriptor = d
	dec, x, err := access.Explain(r)
	if err != nil || dec.Granted != 1 {
		t.Fatalf("%+v, %v", dec, err)
	}
	want := []string{"this type of entry is unknown and decides nothing",
		"this type of entry belongs into a SACL and decides nothing here",
		"it allows them, and nothing before it decided them"}
	for i, s := range x.Steps {
		if s.Because != want[i] || s.ACE != i {
			t.Errorf("step %d: %+v, want %q", i, s, want[i])
		}
	}
}

// A denial at a node that has the right already decides nothing: the reason of what
// the other nodes lack is that no entry allows it, and not that denial.
func TestDenialWithoutEffectIsNoReason(t *testing.T) {
	r := ask(t, guids("…(OA;;RP;{P1};;WD)(OD;;RP;{P1};;WD)"), 0x10)
	r.ObjectTypes, r.Type = list(0, nodeC, 1, nodeP1, 1, nodeP2), winnt.DirectoryServiceObject
	d, x, err := access.Explain(r)
	if err != nil || d.Allowed() {
		t.Fatal(d, err)
	}
	if b, ok := x.Reason(0x10); !ok || b.Granted || b.Reason.Kind != access.NoAce {
		t.Errorf("reason %+v %v, want that no entry allows it\n%s", b, ok, x)
	}
	if s := x.Steps[1]; s.ACE != 1 || s.Bits != 0 {
		t.Errorf("the denial is shown to decide %v", s.Bits)
	}
}

// TestShowWidth: where a terminal is narrow the reasons go on in the next line, below
// themselves or, where that is no room, in a line of their own; nothing is lost (U-101).
func TestShowWidth(t *testing.T) {
	_, x, err := access.Explain(ask(t, "…(A;;0x1;;;WD)", 3))
	if err != nil {
		t.Fatal(err)
	}
	same := func(_ access.Mark, text string) string { return text }
	if x.Show(0, same) != x.String() || x.Show(500, same) != x.String() {
		t.Error("without a limit the text is another")
	}
	for _, width := range []int{80, 60, 40, 30, 10, 1} {
		got := x.Show(width, same)
		if g, w := strings.Fields(got), strings.Fields(x.String()); width >= 30 && !slices.Equal(g, w) {
			t.Errorf("width %d: words are lost in\n%s", width, got)
		}
		for line := range strings.Lines(got) {
			if line = strings.TrimSuffix(line, "\n"); width >= 60 && len(line) > width {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
	const want = "DACL 0  (A;;CC;;;WD)  +  .   A-70   it allows them, and nothing before\n" +
		"                                    it decided them\n"
	if got := x.Show(70, same); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}

// TestShowLongNames: a bit's name and its outcome are apart, however long the name is (U-100).
func TestShowLongNames(t *testing.T) {
	r := ask(t, "…(A;;CR;;;WD)", winnt.ADS_RIGHT_DS_CONTROL_ACCESS|winnt.ADS_RIGHT_DS_READ_PROP)
	r.Type = winnt.DirectoryServiceObject
	_, x, err := access.Explain(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = "0x10       ADS_RIGHT_DS_READ_PROP       denied   NoAce\n" +
		"2  0x100      ADS_RIGHT_DS_CONTROL_ACCESS  granted  AceAllow DACL 0\n"
	if !strings.Contains(x.String(), want) {
		t.Errorf("got\n%s\nwant in it\n%s", x, want)
	}
}

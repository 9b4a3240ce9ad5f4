package fileaccess_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A note describes a published case: its subject, its rules, and the source of its expected value. The source is
// documented (by the rule's source) or decided (by this project, if documents are silent or contradict server tests).
type note struct{ kind, rules, about string }

// notes describes the cases of vectors/open.jsonl by id. A case has one line for each request.
var notes = map[string]note{
	"FO-001": {"documented", "F-1 F-44",
		"Rights are asked for by bits or as generic rights, and one that is missing denies."},
	"FO-002": {"documented", "F-43", "Who may list the directory may read the attributes of what is in it."},
	"FO-003": {"documented", "F-43", "Who may not list it may not."},
	"FO-004": {"documented", "F-43 F-44", "Attributes alone, with an empty DACL."},
	"FO-005": {"documented", "F-11", "Asking for nothing, or for bits that files do not have."},
	"FO-006": {"documented", "F-42", "Who may delete the directory's children may delete the file."},
	"FO-007": {"documented", "F-42", "Even against an entry of the file that denies it."},
	"FO-008": {"documented", "F-40 F-42", "File and directory each give a part; one right that neither gives denies."},
	"FO-009": {"documented", "F-41", "The owner's rights, and what the directory adds to as much as allowed."},
	"FO-010": {"documented", "F-41", "As much as allowed: owner, an entry and the directory together."},
	"FO-011": {"decided", "F-44", "As much as allowed is a denial if it is nothing."},
	"FO-012": {"documented", "F-44", "As much as allowed, with one right by name that is missing."},
	"FO-014": {"documented", "F-38", "A read-only file refuses writing and appending, and nothing else."},
	"FO-015": {"documented", "F-41", "As much as allowed of a read-only file."},
	"FO-016": {"documented", "F-41", "A read-only directory is not limited."},
	"FO-017": {"documented", "F-38 F-41", "As much as allowed and a right by name that a read-only file refuses."},
	"FO-018": {"documented", "F-39", "Nothing read-only is deleted on close."},
	"FO-019": {"documented", "F-30", "Nor is it made to be."},
	"FO-020": {"documented", "F-10", "Deletion on close wants DELETE by name or in generic rights."},
	"FO-021": {"documented", "F-10 F-12", "Options that contradict the disposition or one another."},
	"FO-022": {"documented", "F-11 F-12", "Which of two mistakes is told."},
	"FO-023": {"documented", "F-31", "A file is made by the right to add files."},
	"FO-024": {"documented", "F-31", "A directory by the right to add subdirectories."},
	"FO-026": {"documented", "F-29", "Making what exists is a collision, whatever it allows."},
	"FO-027": {"decided", "F-15", "Access to the SACL of what is made wants the privilege."},
	"FO-028": {"documented", "F-32", "Who makes a read-only file may write through that handle."},
	"FO-029": {"documented", "F-21",
		"The restore privilege in place of the directory's right; the observed profile wants the intent."},
	"FO-030": {"decided", "F-32", "An owner that is not the maker's to give is found after the directory's right."},
	"FO-031": {"documented", "F-33 F-36",
		"Overwriting implies rights that must be there; the observed profile drops them."},
	"FO-032": {"documented", "F-33", "Who may only read cannot replace."},
	"FO-033": {"documented", "F-33", "Superseding implies deleting, which the directory may give."},
	"FO-034": {"documented", "F-35", "Hidden and system files are replaced only by who repeats the attribute."},
	"FO-035": {"decided", "F-38", "A read-only file is not replaced."},
	"FO-036": {"documented", "F-34", "Implied rights by the restore privilege."},
	"FO-037": {"documented", "F-29", "Directories are not overwritten."},
	"FO-038": {"documented", "F-26", "What is missing is made or not found, as the disposition says."},
	"FO-039": {"documented", "F-23",
		"Passing through directories, by privilege, by descriptor or by the store's setting."},
	"FO-040": {"documented", "F-22 F-23", "The first directory that fails decides."},
	"FO-041": {"documented", "F-22", "The root of the share is not tested."},
	"FO-042": {"documented", "F-22", "What stands on the way and is not a directory, is going away, or leads elsewhere."},
	"FO-043": {"documented", "F-23", "The backup privilege passes where traversal is asked for."},
	"FO-044": {"documented", "F-27", "A file where a directory is wanted, and the reverse."},
	"FO-045": {"documented", "F-28", "A symbolic link as last component is told before any access test."},
	"FO-046": {"documented", "F-20", "The backup privilege with intent."},
	"FO-047": {"documented", "F-20", "Not without the option, and not disabled."},
	"FO-048": {"documented", "F-20", "And only where something is opened."},
	"FO-049": {"documented", "F-20", "The restore privilege with intent."},
	"FO-050": {"documented", "F-38", "Intent does not write to read-only files."},
	"FO-051": {"documented", "F-20 F-42", "Both privileges do not delete children."},
	"FO-052": {"decided", "F-20", "The mandatory label limits intent."},
	"FO-053": {"decided", "F-42", "And what the directory adds."},
	"FO-054": {"documented", "F-6 F-8", "A share that gives reading."},
	"FO-055": {"documented", "F-6", "With access-based enumeration a refusal by the share looks like a missing name."},
	"FO-056": {"documented", "F-6", "Deletion on close through a share."},
	"FO-057": {"documented", "F-6 F-8", "Share and file both decide, also about implied rights."},
	"FO-058": {"decided", "F-8", "What the directory adds is cut down to the share."},
	"FO-059": {"documented", "F-6", "The SACL alone is not asked for through SMB."},
	"FO-060": {"decided", "F-15", "The privilege for the SACL is asked about before the name."},
	"FO-061": {"documented", "F-46", "Denying generic writing denies generic reading with it."},
	"FO-062": {"documented", "F-46", "SYNCHRONIZE is a right like others."},
	"FO-063": {"documented", "F-45", "The handle of an open that asks for maximal access."},
	"FO-064": {"documented", "F-45", "Intent opens; the maximal access told does not count it."},
	"FO-065": {"documented", "F-41", "Taking ownership by privilege, by name only."},
	"FO-066": {"documented", "F-14 F-39 F-41", "A read-only volume."},
	"FO-067": {"documented", "F-33", "Making a named stream implies writing data of the file."},
	"FO-068": {"decided", "F-25", "An open by file id gains nothing from a directory."},
	"FO-070": {"documented", "F-2", "A client below Impersonation opens nothing."},
	"FO-071": {"documented", "F-48", "The directory's rights do not change what an exclusive open is granted."},
	"FO-084": {"decided", "F-72 F-73", "What enumeration hides can be opened by name, or not, as the store is set."},
}

// writeVectors makes TestPublishedVectors write the file that it otherwise compares. "go generate ./vectors" sets it.
var writeVectors = flag.Bool("write", false, "write vectors/open.jsonl")

// openLine is a line of vectors/open.jsonl, which package vectors reads.
type openLine struct {
	About      string         `json:"about"`
	Provenance openProvenance `json:"provenance"`
	In         openQuestion   `json:"in"`
	Out        openAnswer     `json:"out"`
}

type openProvenance struct {
	Kind   string   `json:"kind"`
	Rules  []string `json:"rules"`
	Source string   `json:"source"`
}

type openQuestion struct {
	ID          string          `json:"id"`
	Token       json.RawMessage `json:"token"`
	Desired     string          `json:"desired"`
	Disposition uint32          `json:"disposition"`
	Options     uint32          `json:"options"`
	Attributes  uint32          `json:"attributes"`
	Share       uint32          `json:"shareAccess"`
	SMB         bool            `json:"smb,omitempty"`
	Name        string          `json:"name"`
	CreatorSD   string          `json:"creatorSd,omitempty"`
	Maximal     bool            `json:"maximal,omitempty"`
	MaximalTime int64           `json:"maximalTime,omitempty"`
	Path        []openComponent `json:"path,omitempty"`
	ParentSD    string          `json:"parentSd"`
	Object      *openObject     `json:"object,omitempty"` // nil if no object exists
	ReadOnly    bool            `json:"readOnlyVolume,omitempty"`
	ShareSD     string          `json:"shareSd,omitempty"`
	ABE         bool            `json:"accessBasedEnumeration,omitempty"`
	Traverse    uint8           `json:"traverse,omitempty"`
	HideDenied  bool            `json:"hideDenied,omitempty"`
	Observed    bool            `json:"observed,omitempty"`
}

type openComponent struct {
	SD            string `json:"sd"`
	Exists        bool   `json:"exists"`
	IsDirectory   bool   `json:"directory"`
	SymbolicLink  bool   `json:"symbolicLink,omitempty"`
	DeletePending bool   `json:"deletePending,omitempty"`
}

type openObject struct {
	SD         string `json:"sd"`
	Directory  bool   `json:"directory,omitempty"`
	VolumeRoot bool   `json:"volumeRoot,omitempty"`
	Attributes uint32 `json:"attributes"`
	ReparseTag uint32 `json:"reparseTag,omitempty"`
	Stream     bool   `json:"missingStream,omitempty"`
	ChangeTime int64  `json:"changeTime,omitempty"`
}

type openAnswer struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Granted string `json:"granted"`
}

func sdOf(t *testing.T, d *sd.Descriptor) string {
	t.Helper()
	text := must(sddl.Format(d, sddl.Options{}))
	return text
}

// tokenFile returns the parts of a token file that matter for decisions.
func tokenFile(t *testing.T, s token.Spec) json.RawMessage {
	t.Helper()
	b := must(mustToken(t, s).MarshalJSON())
	return regexp.MustCompile(`,"(owner|primaryGroup|defaultDacl)":"[^"]*"`).ReplaceAll(b, nil)
}

// question returns the situation of a case as a line of the vectors.
func (s *situation) question(t *testing.T) openQuestion {
	q := openQuestion{
		Token: tokenFile(t,
			s.token), Desired: s.r.Desired.String(), Disposition: uint32(s.r.Disposition), Options: uint32(s.r.Options),
		Attributes: uint32(s.r.Attributes), Share: uint32(s.r.Share), SMB: s.r.Face == fileaccess.SMB, Name: s.r.Name,
		Maximal: s.r.Maximal, MaximalTime: s.r.MaximalTime, ParentSD: sdOf(t,
			s.f.Parent.Descriptor), ReadOnly: s.f.ReadOnlyVolume,
		Traverse: uint8(s.f.Policy.Traverse), HideDenied: s.f.Policy.HideDenied,
		Observed: s.f.Policy.Profile == fileaccess.Observed,
	}
	if s.r.CreatorSD != nil {
		q.CreatorSD = sdOf(t, s.r.CreatorSD)
	}
	for _, c := range s.f.Path {
		q.Path = append(q.Path, openComponent{sdOf(t, c.Descriptor), c.Exists, c.IsDirectory, c.SymbolicLink,
			c.DeletePending})
	}
	if o := &s.f.Object; o.Exists {
		q.Object = &openObject{sdOf(t, o.Descriptor), o.IsDirectory, o.VolumeRoot, uint32(o.Attributes), o.ReparseTag,
			o.Stream && !o.StreamExists, o.ChangeTime}
	}
	if s.f.Share != nil {
		q.ShareSD, q.ABE = sdOf(t, s.f.Share.Descriptor), s.f.Share.ABE
	}
	return q
}

// TestPublishedVectors compares vectors/open.jsonl with openRows. The expected values come from the rows, never from
// running the code.
func TestPublishedVectors(t *testing.T) {
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	used := map[string]bool{}
	for _, r := range openRows {
		n, ok := notes[r.id]
		if !ok {
			t.Errorf("case %s has no note: say in notes what it shows and what its source is", r.id)
			continue
		}
		used[r.id] = true
		cited := strings.Fields(n.rules)
		source := rules.ID(cited[0]).Source()
		check.That(t, source != "", "docs/rules has no rule %s", cited[0])
		for i := range r.asks {
			a := &r.asks[i]
			s := newSituation(t)
			s.apply(append(append([]setup{}, r.setup...), a.more...))
			s.r.Desired = a.desired
			status := a.status
			if status == 0 && a.want == 0 {
				status = denied
			}
			l := openLine{n.about, openProvenance{n.kind, cited, source}, s.question(t),
				openAnswer{Status: status.String(), Granted: a.want.Padded()}}
			l.In.ID = fmt.Sprintf("%s%c", r.id, 'a'+i)
			l.Out.ID = l.In.ID
			check.NoError(t, e.Encode(l))
		}
	}
	for id := range notes {
		check.That(t, used[id], "the note %s has no case", id)
	}
	file := filepath.Join("..", "vectors", "open.jsonl")
	if *writeVectors {
		check.NoError(t, os.WriteFile(file, want.Bytes(), 0o644))
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s differs from the table (%v): run go generate ./vectors", file, err)
	}
}

// reasonRow is a file access that Windows recorded: each right with the code of its reason and the entry.
type reasonRow struct {
	Event         uint16
	Mask, Outcome string
	Reasons       [][3]string
}

// descriptors returns the two descriptors that the row speaks of, with the entries that it names: the file's and its
// directory's.
func (row *reasonRow) descriptors(t *testing.T) (file, directory *sd.Descriptor) {
	t.Helper()
	owner, own, above := "LS", "", ""
	for _, why := range row.Reasons {
		entry := strings.TrimPrefix(why[2], "D:")
		switch {
		case why[1] == "1804":
			owner = caseU.String()
		case why[1] == "1811" && !strings.Contains(above, entry):
			above += entry
		case why[1] == "1801" && !strings.Contains(own, entry):
			own += entry
		}
	}
	if row.Event == 5145 || above == "" {
		above = "(A;;0x20;;;WD)"
	}
	return sddl.MustParse("O:" + owner + "G:SYD:" + own), sddl.MustParse("O:LSG:SYD:" + above)
}

// TestReasonsEqualRecordings opens files with the entries that Windows named in its records, and compares the reasons
// of all rights with the recorded ones. The token has every account of the entries (F-80).
func TestReasonsEqualRecordings(t *testing.T) {
	spec := baseSpec()
	for _, s := range []sid.SID{sid.Administrators, sid.Users, sid.LocalSystem} {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: enabled})
	}
	subject := access.SubjectOf(mustToken(t, spec))
	for i, row := range recordings.Rows[reasonRow](t, "windows-events/reasons.jsonl") {
		var mask winnt.AccessMask
		check.NoError(t, check.Err(fmt.Sscanf(row.Mask, "%v", &mask)))
		file, directory := row.descriptors(t)
		r := fileaccess.Request{Subject: subject, Desired: mask, Disposition: fileaccess.FileOpen, Name: "f"}
		f := fileaccess.Facts{Parent: &fileaccess.Directory{Descriptor: directory},
			Object: fileaccess.Object{Exists: true, Descriptor: file}}
		d := fileaccess.Open(&r, &f)
		if want := row.Outcome == "success"; d.Allowed() != want {
			t.Errorf("row %d: %v, want %s", i, d.Status(), row.Outcome)
		}
		e := audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: mask,
			Reasons: accessquery.AuditReasons(&r, &f, &d)})
		var got [][3]string
		for a := range e.Accesses() {
			got = append(got, [3]string{fmt.Sprint(a.Code), fmt.Sprint(a.Reason), a.ACE})
		}
		check.That(t, fmt.Sprint(got) == fmt.Sprint(row.Reasons), "row %d: reasons %v, want %v", i, got, row.Reasons)
	}
}

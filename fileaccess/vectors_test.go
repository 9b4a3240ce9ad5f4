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
		"A request names rights by bits or as generic rights. It is denied if one of them is missing."},
	"FO-002": {"documented", "F-43", "A user who may list the directory may read the attributes of the files in it."},
	"FO-003": {"documented", "F-43",
		"A user who may not list the directory needs a right on the file to read its attributes."},
	"FO-004": {"documented", "F-43 F-44",
		"The directory grants reading attributes alone, even if the file's DACL is empty."},
	"FO-005": {"documented", "F-11", "A request for no rights, or only for bits that files do not have, is denied."},
	"FO-006": {"documented", "F-42", "A user who may delete the directory's children may delete the file."},
	"FO-007": {"documented", "F-42",
		"A user who may delete the directory's children may delete a file whose DACL denies it."},
	"FO-008": {"documented", "F-40 F-42",
		"File and directory each grant a part. The request is denied if neither grants one of the rights."},
	"FO-009": {"documented", "F-41", "MAXIMUM_ALLOWED grants the owner's rights and what the directory adds."},
	"FO-010": {"documented", "F-41", "MAXIMUM_ALLOWED grants what the owner, an entry and the directory give together."},
	"FO-011": {"decided", "F-44", "MAXIMUM_ALLOWED is denied if no right is allowed."},
	"FO-012": {"documented", "F-44", "MAXIMUM_ALLOWED with a named right that is missing is denied."},
	"FO-014": {"documented", "F-38", "A read-only file denies writing and appending, and nothing else."},
	"FO-015": {"documented", "F-41", "MAXIMUM_ALLOWED does not grant writing to a read-only file."},
	"FO-016": {"documented", "F-41", "The read-only attribute does not limit a directory."},
	"FO-017": {"documented", "F-38 F-41", "MAXIMUM_ALLOWED with a named right that a read-only file denies is denied."},
	"FO-018": {"documented", "F-39", "A read-only file cannot be deleted on close."},
	"FO-019": {"documented", "F-30", "A read-only file cannot be created for deletion on close."},
	"FO-020": {"documented", "F-10", "Deletion on close requires DELETE, by name or in generic rights."},
	"FO-021": {"documented", "F-10 F-12", "Options that contradict the disposition or one another are invalid."},
	"FO-022": {"documented", "F-11 F-12",
		"Of two mistakes in a request, the order of the checks decides which is reported."},
	"FO-023": {"documented", "F-31", "Creating a file requires the right to add files."},
	"FO-024": {"documented", "F-31", "Creating a directory requires the right to add subdirectories."},
	"FO-026": {"documented", "F-29", "Creating a file whose name exists is a collision, whatever the rights are."},
	"FO-027": {"decided", "F-15", "Access to the SACL of a new file requires the privilege."},
	"FO-028": {"documented", "F-32", "The creator of a read-only file may write through that handle."},
	"FO-029": {"documented", "F-21",
		"The restore privilege replaces the directory's right; the observed profile requires the intent."},
	"FO-030": {"decided", "F-32", "An owner that the creator may not assign is reported after the directory's right."},
	"FO-031": {"documented", "F-33 F-36",
		"Overwriting implies rights that must be granted; the observed profile drops them."},
	"FO-032": {"documented", "F-33", "A user who may only read cannot overwrite the file."},
	"FO-033": {"documented", "F-33", "Superseding implies deleting, which the directory may grant."},
	"FO-034": {"documented", "F-35", "Hidden and system files are overwritten only if the request repeats the attribute."},
	"FO-035": {"decided", "F-38", "A read-only file is not overwritten."},
	"FO-036": {"documented", "F-34", "The restore privilege grants the rights that the disposition implies."},
	"FO-037": {"documented", "F-29", "A directory is not overwritten."},
	"FO-038": {"documented", "F-26", "A missing file is created or reported as missing, as the disposition says."},
	"FO-039": {"documented", "F-23",
		"Directories are traversed by the privilege, by their descriptors or by the store's setting."},
	"FO-040": {"documented", "F-22 F-23", "The first directory that fails decides."},
	"FO-041": {"documented", "F-22", "The root of the share is not tested."},
	"FO-042": {"documented", "F-22",
		"A path component that is not a directory, is being deleted or is a link ends the open."},
	"FO-043": {"documented", "F-23", "The backup privilege traverses directories whose traverse right is checked."},
	"FO-044": {"documented", "F-27", "A file where a directory is required is an error, and so is the reverse."},
	"FO-045": {"documented", "F-28", "A symbolic link as the last component is reported before any access check."},
	"FO-046": {"documented", "F-20", "The backup privilege with the option for backup intent grants reading."},
	"FO-047": {"documented", "F-20", "The backup privilege grants nothing without the option, or if it is not enabled."},
	"FO-048": {"documented", "F-20", "The backup privilege counts only if an existing file is opened."},
	"FO-049": {"documented", "F-20", "The restore privilege with the option for backup intent grants writing."},
	"FO-050": {"documented", "F-38", "Backup intent does not write to read-only files."},
	"FO-051": {"documented", "F-20 F-42", "The backup and restore privileges together do not delete children."},
	"FO-052": {"decided", "F-20", "The mandatory label limits backup intent."},
	"FO-053": {"decided", "F-42", "The mandatory label limits what the directory adds."},
	"FO-054": {"documented", "F-6 F-8", "A share that grants only reading limits the file's rights."},
	"FO-055": {"documented", "F-6", "With access-based enumeration a denial by the share looks like a missing name."},
	"FO-056": {"documented", "F-6", "Deletion on close through a share requires DELETE of the share, too."},
	"FO-057": {"documented", "F-6 F-8", "Share and file both decide, also about implied rights."},
	"FO-058": {"decided", "F-8", "The share limits what the directory adds."},
	"FO-059": {"documented", "F-6", "A request for the SACL alone is denied through SMB."},
	"FO-060": {"decided", "F-15", "The privilege for the SACL is checked before the name."},
	"FO-061": {"documented", "F-46", "Denying generic writing denies generic reading with it."},
	"FO-062": {"documented", "F-46", "SYNCHRONIZE is a right like others."},
	"FO-063": {"documented", "F-45", "An open that requests maximal access gets the handle with the requested rights."},
	"FO-064": {"documented", "F-45", "Backup intent opens the file, but the reported maximal access does not count it."},
	"FO-065": {"documented", "F-41", "The privilege to take ownership grants WRITE_OWNER only if the request names it."},
	"FO-066": {"documented", "F-14 F-39 F-41",
		"A read-only volume denies creation and deletion, and limits MAXIMUM_ALLOWED."},
	"FO-067": {"documented", "F-33", "Creating a named stream implies the right to write the file's data."},
	"FO-068": {"decided", "F-25", "An open by file id gains nothing from a directory."},
	"FO-070": {"documented", "F-2", "A client below Impersonation opens nothing."},
	"FO-071": {"documented", "F-48", "The directory's rights do not change what an exclusive open is granted."},
	"FO-084": {"decided", "F-72 F-73",
		"A file that enumeration hides can be opened by name, or not, as the store is set."},
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
	return check.Must(sddl.Format(d, sddl.Options{}))
}

// tokenFile returns the parts of a token file that matter for decisions.
func tokenFile(t *testing.T, s token.Spec) json.RawMessage {
	t.Helper()
	b := check.Must(mustToken(t, s).MarshalJSON())
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
		want := row.Outcome == "success"
		check.That(t, d.Allowed() == want, "row %d: %v, want %s", i, d.Status(), row.Outcome)
		e := audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: mask,
			Reasons: accessquery.AuditReasons(&r, &f, &d)})
		var got [][3]string
		for a := range e.Accesses() {
			got = append(got, [3]string{fmt.Sprint(a.Code), fmt.Sprint(a.Reason), a.ACE})
		}
		check.That(t, fmt.Sprint(got) == fmt.Sprint(row.Reasons), "row %d: reasons %v, want %v", i, got, row.Reasons)
	}
}

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

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// writeVectors makes TestPublishedVectors write the file it otherwise compares
// with: go generate ./vectors.
var writeVectors = flag.Bool("write", false, "write vectors/open.jsonl")

// openLine is a line of vectors/open.jsonl; package vectors reads it.
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
	Object      *openObject     `json:"object,omitempty"` // what has the name; a missing one is absent
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
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tokenFile returns the part of a token file that decides.
func tokenFile(t *testing.T, s token.Spec) json.RawMessage {
	t.Helper()
	b, err := mustToken(t, s).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`,"(owner|primaryGroup|defaultDacl)":"[^"]*"`).ReplaceAll(b, nil)
}

// question writes a case's situation down.
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

// TestPublishedVectors keeps vectors/open.jsonl equal to openRows: what it
// expects holds what they expect, and never what a run gave.
func TestPublishedVectors(t *testing.T) {
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	used := map[string]bool{}
	for _, r := range openRows {
		n, ok := notes[r.id]
		if !ok {
			t.Errorf("%s: say in notes_test.go what it shows and where it is from", r.id)
			continue
		}
		used[r.id] = true
		cited := strings.Fields(n.rules)
		source := rules.ID(cited[0]).Source()
		if source == "" {
			t.Errorf("docs/rules has no %s", cited[0])
		}
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
			if err := e.Encode(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id := range notes {
		if !used[id] {
			t.Errorf("there is a note about %s and no such case", id)
		}
	}
	file := filepath.Join("..", "vectors", "open.jsonl")
	if *writeVectors {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the table says (%v): go generate ./vectors", file, err)
	}
}

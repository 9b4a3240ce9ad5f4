package vectors_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/vectors"
	"github.com/refmon/refmon/winnt"
)

// TestAccessVectorsAgree runs every access vector in one batch.
func TestAccessVectorsAgree(t *testing.T) {
	var in, out bytes.Buffer
	var all []vectors.Vector
	for v, err := range vectors.Access() {
		check.NoError(t, err)
		checkProvenance(t, v)
		all = append(all, v)
		in.Write(append(v.In, '\n'))
	}
	check.RequireThat(t, len(all) >= 100, "only %d vectors, want at least 100", len(all))
	if _, err := (batch.Checks{}).Job().Run(&in, &out); err != nil {
		t.Fatal(err)
	}
	answers := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	for i, v := range all {
		got, want := value(t, answers[i]), value(t, v.Out)
		if answer, ok := got.(map[string]any); ok {
			delete(answer, "note") // for those who read the answer
		}
		check.That(t, reflect.DeepEqual(got, want), "%s\n in  %s\n got %s\nwant %s", v.About, v.In, answers[i], v.Out)
	}
}

func value(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// checkProvenance checks that a vector has the source of its first rule, and a recorded one the implementation and
// version.
func checkProvenance(t *testing.T, v vectors.Vector) {
	t.Helper()
	p := v.Provenance
	known := p.Kind == vectors.Documented || p.Kind == vectors.Recorded || p.Kind == vectors.Decided
	cited := len(p.Rules) != 0 && p.Source != "" && p.Source == rules.ID(p.Rules[0]).Source()
	check.That(t, v.About != "" && cited && known,
		"%s: its subject is missing, or its source is not that of its first rule: %+v", v.In, v)
	check.That(t, (p.Kind == vectors.Recorded) == versioned.MatchString(p.Run),
		"%s: kind %s, run %q: a recorded vector names implementation, version and run", v.In, p.Kind, p.Run)
}

var versioned = regexp.MustCompile(`^[A-Z][a-z]+ [0-9]+\.[0-9]+, .+`)

// openQuestion is In of vectors/open.jsonl.
type openQuestion struct {
	ID                     string
	Token                  json.RawMessage
	Desired                string
	Disposition            fileaccess.Disposition
	Options                fileaccess.CreateOptions
	Attributes             fileaccess.Attributes
	ShareAccess            fileaccess.ShareAccess
	SMB                    bool
	Name, CreatorSD        string
	Maximal                bool
	MaximalTime            int64
	Path                   []component
	ParentSD               string
	Object                 *object
	ReadOnlyVolume         bool
	ShareSD                string
	AccessBasedEnumeration bool
	Traverse               fileaccess.Traverse
	HideDenied, Observed   bool
}

type component struct {
	SD                                             string
	Exists, Directory, SymbolicLink, DeletePending bool
}

type object struct {
	SD                    string
	Directory, VolumeRoot bool
	Attributes            fileaccess.Attributes
	ReparseTag            uint32
	MissingStream         bool
	ChangeTime            int64
}

func (q *openQuestion) decide(t *testing.T) fileaccess.Decision {
	t.Helper()
	tok, err := token.Parse(q.Token)
	check.NoError(t, err)
	desired, err := sddl.ParseRights(q.Desired)
	check.NoError(t, err)
	r := fileaccess.Request{Subject: access.SubjectOf(tok), Desired: desired, Disposition: q.Disposition,
		Options: q.Options, Attributes: q.Attributes,
		CreatorSD: parse(t, q.CreatorSD), Share: q.ShareAccess, Name: q.Name, Maximal: q.Maximal, MaximalTime: q.MaximalTime}
	f := fileaccess.Facts{Parent: &fileaccess.Directory{Descriptor: parse(t, q.ParentSD)},
		ReadOnlyVolume: q.ReadOnlyVolume,
		Policy:         fileaccess.Policy{Traverse: q.Traverse, HideDenied: q.HideDenied}}
	if q.SMB {
		r.Face = fileaccess.SMB
	}
	if q.Observed {
		f.Policy.Profile = fileaccess.Observed
	}
	for _, c := range q.Path {
		f.Path = append(f.Path,
			fileaccess.Component{Descriptor: parse(t, c.SD), Exists: c.Exists, IsDirectory: c.Directory,
				SymbolicLink: c.SymbolicLink, DeletePending: c.DeletePending})
	}
	if o := q.Object; o != nil {
		f.Object = fileaccess.Object{Exists: true, IsDirectory: o.Directory, VolumeRoot: o.VolumeRoot,
			Attributes: o.Attributes, Descriptor: parse(t, o.SD),
			ReparseTag: o.ReparseTag, Stream: o.MissingStream, ChangeTime: o.ChangeTime}
	}
	if q.ShareSD != "" {
		f.Share = &fileaccess.Share{Descriptor: parse(t, q.ShareSD), ABE: q.AccessBasedEnumeration}
	}
	return fileaccess.Open(&r, &f)
}

func parse(t *testing.T, text string) *sd.Descriptor {
	t.Helper()
	if text == "" {
		return nil
	}
	d, err := sddl.Parse(text)
	check.NoError(t, err)
	return d
}

// TestOpenVectorsAgree decides every open.
func TestOpenVectorsAgree(t *testing.T) {
	n := 0
	for v, err := range vectors.Open() {
		check.NoError(t, err)
		checkProvenance(t, v)
		n++
		var q openQuestion
		d := json.NewDecoder(bytes.NewReader(v.In))
		d.DisallowUnknownFields()
		check.NoError(t, d.Decode(&q))
		var want struct{ ID, Status, Granted string }
		check.NoError(t, json.Unmarshal(v.Out, &want))
		if got := q.decide(t); got.Status().String() != want.Status || got.Granted.Padded() != want.Granted ||
			want.ID != q.ID {
			t.Errorf("%s %s\n in  %s\n got %v %v by %s\nwant %s",
				q.ID, v.About, v.In, got.Status(), got.Granted, got.Rule,
				v.Out)
		}
	}
	check.That(t, n >= 100, "only %d vectors, want at least 100", n)
}

// TestPythonVectorRunnerPasses runs the runner for other projects on refmon, and on a wrong program.
func TestPythonVectorRunnerPasses(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	bin := t.TempDir()
	programs.Install(t, bin, "refmon")
	refmon := filepath.Join(bin, "refmon")
	n := 0
	for range vectors.Access() {
		n++
	}
	out, err := exec.Command(python, "run.py", refmon, "check", "--batch", "-").CombinedOutput()
	check.That(t, err == nil && strings.Contains(string(out), fmt.Sprintf("all %d hold", n)), "%v\n%s", err, out)
	// The wrong program answers every question with an empty grant.
	const wrong = `import json, sys
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "status": "STATUS_SUCCESS",
                      "granted": "0x00000000", "privilegesUsed": []}), flush=True)`
	out, err = exec.Command(python, "run.py", python, "-c", wrong).CombinedOutput()
	check.That(t, err != nil && strings.Contains(string(out), "differ"),
		"a wrong program passes: %v, want string(out) containing \"differ\", an error\n%s", err, out)
	if out, err = exec.Command(python, "run.py", python, "-c",
		"pass").CombinedOutput(); err == nil || !strings.Contains(string(out), "stopped") {
		t.Errorf("the runner accepts a program without output: %v, want string(out) containing \"stopped\", an error\n%s",
			err, out)
	}
}

func ExampleAccess() {
	for v, err := range vectors.Access() {
		if err != nil {
			fmt.Println(err)
			return
		}
		var q struct {
			Token   json.RawMessage
			SD      string
			Desired string
		}
		if err := json.Unmarshal(v.In, &q); err != nil {
			fmt.Println(err)
			return
		}
		tok, err := token.Parse(q.Token)
		if err != nil {
			fmt.Println(err)
			return
		}
		desired, _ := sddl.ParseRights(q.Desired)
		d, err := access.Check(tok, sddl.MustParse(q.SD), desired, winnt.FileObject)
		fmt.Println(v.About, v.Provenance.Rules, d.Status(), err)
		break
	}
	// Output: An allow entry for the user grants what its mask names. [A-70] STATUS_SUCCESS <nil>
}

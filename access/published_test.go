package access_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/rules"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// writeVectors makes TestPublishedVectors write the file that it otherwise compares. "go generate ./vectors" sets it.
var writeVectors = flag.Bool("write", false, "write vectors/access.jsonl")

// vectorLine is a line of vectors/access.jsonl, which package vectors reads.
type vectorLine struct {
	About      string            `json:"about"`
	Provenance vectorProvenance  `json:"provenance"`
	In         vectorQuestion    `json:"in"`
	Out        vectorExpectation `json:"out"`
}

type vectorProvenance struct {
	Kind   string   `json:"kind"`
	Rules  []string `json:"rules"`
	Source string   `json:"source"`
	Run    string   `json:"run,omitempty"`
}

// vectorQuestion is a request in the batch format.
type vectorQuestion struct {
	ID         string          `json:"id"`
	Token      vectorTokenFile `json:"token"`
	SD         string          `json:"sd,omitempty"`
	SDHex      string          `json:"sdHex,omitempty"`
	Desired    string          `json:"desired"`
	Mapping    string          `json:"mapping,omitempty"`
	Self       string          `json:"selfSid,omitempty"`
	Types      []vectorNode    `json:"objectTypes,omitempty"`
	ResultList bool            `json:"resultList,omitempty"`
	Call       string          `json:"call,omitempty"`
}

type vectorNode struct {
	Level uint16 `json:"level"`
	GUID  string `json:"guid"`
}

type vectorExpectation struct {
	ID         string         `json:"id"`
	Status     string         `json:"status"`
	Granted    string         `json:"granted"`
	Privileges []string       `json:"privilegesUsed"`
	Results    []vectorResult `json:"results,omitempty"`
}

type vectorResult struct {
	Status  string `json:"status"`
	Granted string `json:"granted"`
}

// vectorTokenFile has the fields of a token file that matter for decisions, in a fixed order.
type vectorTokenFile struct {
	User            json.RawMessage `json:"user,omitempty"`
	Groups          json.RawMessage `json:"groups,omitempty"`
	Privileges      json.RawMessage `json:"privileges,omitempty"`
	Type            json.RawMessage `json:"type,omitempty"`
	Level           json.RawMessage `json:"impersonationLevel,omitempty"`
	Integrity       json.RawMessage `json:"integrityLevel,omitempty"`
	Policy          json.RawMessage `json:"mandatoryPolicy,omitempty"`
	Restricted      json.RawMessage `json:"restrictedSids,omitempty"`
	WriteRestricted json.RawMessage `json:"writeRestricted,omitempty"`
	AppContainer    json.RawMessage `json:"appContainer,omitempty"`
	UserClaims      json.RawMessage `json:"userClaims,omitempty"`
	DeviceClaims    json.RawMessage `json:"deviceClaims,omitempty"`
	DeviceGroups    json.RawMessage `json:"deviceGroups,omitempty"`
	TrustLevel      json.RawMessage `json:"trustLevel,omitempty"`
}

func vectorTokenOf(t *testing.T, s token.Spec) (f vectorTokenFile) {
	t.Helper()
	b := check.Must(mustToken(t, s).MarshalJSON())
	var all map[string]json.RawMessage
	check.NoError(t, json.Unmarshal(b, &all))
	// these fields do not change a decision
	for _, name := range []string{"owner", "primaryGroup", "defaultDacl", "source", "restricted"} {
		delete(all, name)
	}
	b, _ = json.Marshal(all)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	check.RequireThat(t, err == nil, "vectorTokenFile has no field for a part of the token file: %v", err)
	return f
}

// callCase is a case for the checks of a system call itself.
type callCase struct {
	id, sd, call string
	desired      winnt.AccessMask
	status       ntstatus.Status
	granted      winnt.AccessMask
	change       func(*token.Spec)
	list         []access.ObjectTypeEntry
	resultList   bool
}

var callCases = []callCase{
	{id: "AC-036", sd: "…(A;;FR;;;WD)", desired: winnt.GENERIC_READ, call: "NtAccessCheck",
		status: ntstatus.GenericNotMapped},
	{id: "AC-054a", sd: "G:SYD:(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidSecurityDescr},
	{id: "AC-054b", sd: "O:BAD:(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidSecurityDescr},
	{id: "AC-055", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.NoImpersonationToken,
		change: primary},
	{id: "AC-056a", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.BadImpersonationLevel,
		change: level(winnt.SecurityAnonymous)},
	{id: "AC-056b", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", granted: 1,
		change: level(winnt.SecurityIdentification)},
	{id: "AC-057", sd: "…(A;;0x1;;;WD)", desired: 1, call: "SeAccessCheck", status: ntstatus.BadImpersonationLevel,
		change: level(winnt.SecurityIdentification)},
	{id: "AC-103a", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		list: list(1, nodeC)},
	{id: "AC-103b", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		list: list(0, nodeC, 0, nodeP1)},
	{id: "AC-103c", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		list: list(0, nodeC, 2, nodeP1)},
	{id: "AC-103d", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		list: list(0, nodeC, 1, nodeP1, 1, nodeP1)},
	{id: "AC-104", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		resultList: true},
	{id: "AC-113", sd: "…(A;;0x1;;;WD)", desired: 0, call: "NtAccessCheck", status: ntstatus.AccessDenied},
	{id: "AC-114a", sd: "…(A;;0x1;;;WD)", desired: winnt.GENERIC_READ, call: "NtAccessCheck",
		status: ntstatus.GenericNotMapped, list: list(0, nodeC, 2, nodeP1)},
	{id: "AC-114b", sd: "…(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.NoImpersonationToken,
		list: list(0, nodeC, 2, nodeP1), change: primary},
	{id: "AC-114c", sd: "G:SYD:(A;;0x1;;;WD)", desired: 1, call: "NtAccessCheck", status: ntstatus.InvalidParameter,
		list: list(0, nodeC, 2, nodeP1)},
	{id: "AC-115", sd: "…(A;;0x1;;;WD)", desired: winnt.GENERIC_READ, call: "NtAccessCheck",
		status: ntstatus.InvalidParameter, resultList: true},
}

// treeCase is a case for a directory object, with a result for each node.
type treeCase struct {
	id, sd  string
	desired winnt.AccessMask
	list    []access.ObjectTypeEntry
	want    []access.NodeResult
}

var (
	nodeGranted = access.NodeResult{Granted: winnt.ADS_RIGHT_DS_READ_PROP, Verdict: ntstatus.Decided(ntstatus.Success)}
	nodeDenied  = access.NodeResult{Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
	nodeOwner   = access.NodeResult{Granted: 0x20000, Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
)

var treeCases = []treeCase{
	{"AC-099", "…(OA;;RP;{P1};;WD)", 0x10, list(0, nodeC, 1, nodeP1, 2, nodeA1, 2, nodeA2),
		[]access.NodeResult{nodeGranted, nodeGranted, nodeGranted, nodeGranted}},
	{"AC-100", "…(OA;;RP;{P1};;WD)", 0x10, list(0, nodeC, 1, nodeP1, 1, nodeP2),
		[]access.NodeResult{nodeDenied, nodeGranted, nodeDenied}},
	{"AC-101", "…(OA;;RP;{A1};;WD)(OA;;RP;{A2};;WD)", 0x10, list(0, nodeC, 1, nodeP1, 2, nodeA1, 2, nodeA2),
		[]access.NodeResult{nodeGranted, nodeGranted, nodeGranted, nodeGranted}},
	{"AC-102a", "…(OD;;RP;{A1};;WD)(A;;RP;;;WD)", 0x10, list(0, nodeC, 1, nodeP1, 2, nodeA1),
		[]access.NodeResult{nodeDenied, nodeDenied, nodeDenied}},
	{"AC-102b", "…(OD;;RP;{A1};;WD)(A;;RP;;;WD)", 0x10, list(0, nodeC, 1, nodeP1, 2, nodeA1, 1, nodeP2),
		[]access.NodeResult{nodeDenied, nodeDenied, nodeDenied, nodeGranted}},
	{"AC-119", "U:", 0x20001, list(0, nodeC, 1, nodeP1), []access.NodeResult{nodeOwner, nodeOwner}},
}

// vectorSD writes a descriptor as SDDL if the batch format reads it, and otherwise as bytes.
func vectorSD(t *testing.T, q *vectorQuestion, text string) {
	t.Helper()
	text = expand(guids(text))
	if _, err := sddl.Parse(text, sddl.Options{Domain: domain}); err == nil {
		q.SD = text
		return
	}
	q.SDHex = hex.EncodeToString(mustSD(t, text).Binary())
}

func vectorLineOf(t *testing.T, id, text string, desired winnt.AccessMask, change func(*token.Spec)) vectorLine {
	t.Helper()
	n, ok := notes[id]
	check.That(t, ok, "case %s has no note in notes_test.go: say there what it shows and what its source is", id)
	spec := baseSpec()
	if change != nil {
		change(&spec)
	}
	cited := strings.Fields(n.rules)
	v := vectorLine{About: n.about, Provenance: vectorProvenance{Kind: n.kind, Rules: cited, Run: runs[n.kind]}}
	if v.Provenance.Run != "" {
		v.Provenance.Kind = "recorded"
	}
	if len(cited) > 0 {
		v.Provenance.Source = rules.ID(cited[0]).Source()
		check.That(t, v.Provenance.Source != "", "docs/rules has no rule %s", cited[0])
	}
	v.In = vectorQuestion{ID: id, Token: vectorTokenOf(t, spec), Desired: desired.String()}
	v.Out = vectorExpectation{ID: id, Privileges: []string{}}
	vectorSD(t, &v.In, text)
	return v
}

// published returns every case that the batch format can express.
func published(t *testing.T) []vectorLine {
	var all []vectorLine
	for i := range plainCases {
		c := &plainCases[i]
		r := c.request(t)
		if r.Policies != nil || r.Intent != (access.Intent{}) || c.ask != nil && r.Self.IsZero() {
			continue // the batch format cannot express policies and intent
		}
		v := vectorLineOf(t, c.id, c.sd, c.desired, c.change)
		if c.typ == winnt.KeyObject {
			v.In.Mapping = "key"
		}
		if !r.Self.IsZero() {
			v.In.Self = r.Self.String()
		}
		w := c.wanted()
		v.Out.Status, v.Out.Granted = w.Status().String(), w.Granted.Padded()
		v.Out.Privileges = append(v.Out.Privileges, w.PrivilegesUsed.Names()...)
		all = append(all, v)
	}
	for _, c := range callCases {
		v := vectorLineOf(t, c.id, c.sd, c.desired, c.change)
		v.In.Call, v.In.ResultList = c.call, c.resultList
		v.In.Types = vectorNodes(c.list)
		v.Out.Status, v.Out.Granted = c.status.String(), c.granted.Padded()
		all = append(all, v)
	}
	for _, c := range treeCases {
		v := vectorLineOf(t, c.id, c.sd, c.desired, nil)
		v.In.Mapping, v.In.ResultList, v.In.Types = "directoryService", true, vectorNodes(c.list)
		root := c.want[0]
		if root.Status() != 0 {
			root.Granted = 0
		}
		v.Out.Status, v.Out.Granted = root.Status().String(), root.Granted.Padded()
		for _, w := range c.want {
			v.Out.Results = append(v.Out.Results, vectorResult{w.Status().String(), w.Granted.Padded()})
		}
		all = append(all, v)
	}
	return all
}

func vectorNodes(list []access.ObjectTypeEntry) (nodes []vectorNode) {
	for _, e := range list {
		nodes = append(nodes, vectorNode{e.Level, e.GUID.String()})
	}
	return nodes
}

// TestPublishedVectors compares vectors/access.jsonl with the tables in this package. The expectations come from the
// tables, never from running the check.
func TestPublishedVectors(t *testing.T) {
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	used := map[string]bool{}
	for _, v := range published(t) {
		check.That(t, !used[v.In.ID], "case id %s is used twice", v.In.ID)
		used[v.In.ID] = true
		check.NoError(t, e.Encode(v))
	}
	for id := range notes {
		check.That(t, used[id], "the note %s has no case", id)
	}
	file := filepath.Join("..", "vectors", "access.jsonl")
	if *writeVectors {
		check.NoError(t, os.WriteFile(file, want.Bytes(), 0o644))
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s differs from the tables (%v): run go generate ./vectors", file, err)
	}
}

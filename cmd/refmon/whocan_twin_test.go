package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// TestWhoCanEqualsCheck compares two commands: who-can for all objects and principals, check --batch for a random
// sample of the pairs. REFMON_SAMPLE sets its size. Objects and principals have all features that the formats
// support. check gets the directory's users as token files written from their tokens.
func TestWhoCanEqualsCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 7))
	n := randtest.Count(t, "REFMON_SAMPLE", 100_000)
	p := pairs{Rand: rng, dir: t.TempDir()}
	args := p.principals(t)
	p.list(t, max(200, n/400))
	rights := []string{"read", "write", "full", "0x20000", "SD|WD"}
	out := p.run(t, append([]string{"who-can", strings.Join(rights, "+"), "-f", "jsonl"}, args...))
	can := map[[3]string]bool{}
	for line := range strings.Lines(out) {
		var row struct {
			Path, Right, Error string
			Principals         []string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Error != "" {
			t.Fatalf("%v: %s", err, line)
		}
		for _, who := range row.Principals {
			can[[3]string{row.Path, row.Right, who}] = true
		}
	}
	var questions bytes.Buffer
	for _, x := range p.people {
		fmt.Fprintf(&questions, "{\"define\":{%q:%s}}\n", x.Name, x.File)
	}
	asked := make([][3]string, n)
	for i := range asked {
		o, who, right := p.rows[rng.IntN(len(p.rows))], p.people[rng.IntN(len(p.people))].Name, rights[rng.IntN(len(rights))]
		asked[i] = [3]string{o.Path, right, who}
		parsed := check.Must(words.Parse(right))
		line, _ := json.Marshal(map[string]any{"id": i, "tokenRef": who, "sd": o.SD, "mapping": o.Type,
			"desired": uint32(parsed[0].Mask(winnt.ObjectTypeByName(o.Type)))})
		questions.Write(append(line, '\n'))
	}
	name := filepath.Join(p.dir, "questions.jsonl")
	check.NoError(t, os.WriteFile(name, questions.Bytes(), 0o600))
	granted, answers := 0, 0
	for line := range strings.Lines(p.run(t, []string{"check", "--batch", name})) {
		var row struct {
			ID            *int
			Status, Error string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Error != "" {
			t.Fatalf("%v: %s", err, line)
		}
		if row.ID == nil {
			continue
		}
		answers++
		allowed := row.Status == "STATUS_SUCCESS"
		if allowed {
			granted++
		}
		if q := asked[*row.ID]; can[q] != allowed {
			t.Fatalf("%v: who-can allows %t, want %t as check", q, can[q], allowed)
		}
	}
	check.That(t, answers == n && granted >= n/20 && granted <= n-n/20,
		"%d answers to %d questions, %d granted, want equal numbers and 5%% to 95%% granted", answers, n, granted)
	t.Logf("%d pairs, %d granted", answers, granted)
}

// pairs creates random principals and objects as files.
type pairs struct {
	*rand.Rand
	dir    string
	people []person
	rows   []objectRow
}

type person struct {
	Name string
	File []byte // token file
}

type objectRow struct {
	Path string `json:"path"`
	SD   string `json:"sd"`
	Type string `json:"type"`
}

func (p *pairs) one(in int) bool { return p.IntN(in) == 0 }

func oneOf[T any](p *pairs, from ...T) T { return from[p.IntN(len(from))] }

// run runs a command in this process.
func (p *pairs) run(t *testing.T, args []string) string {
	t.Helper()
	code, out, errs := asked(args...)
	check.RequireThat(t, code == 0, "%.200q: exit code %d, want 0\n%.2000s", args, code, errs)
	return out
}

const pairsDomain = "S-1-5-21-1-2-3"

// principals writes a directory and token files, and returns the flags that name
// them and the objects.
func (p *pairs) principals(t *testing.T) []string {
	t.Helper()
	var file struct {
		Domain string           `json:"domain"`
		Users  []map[string]any `json:"users"`
		Groups []map[string]any `json:"groups"`
	}
	file.Domain = pairsDomain
	for i := range 8 {
		g := map[string]any{"name": fmt.Sprint("g", i), "sid": fmt.Sprint(pairsDomain, "-", 2000+i)}
		if p.one(2) {
			g["memberOf"] = []string{fmt.Sprint("g", p.IntN(8))}
		}
		file.Groups = append(file.Groups, g)
	}
	for i := range 20 {
		u := map[string]any{"name": fmt.Sprint("u", i), "sid": fmt.Sprint(pairsDomain, "-", 1000+i),
			"memberOf": []string{fmt.Sprint("g", p.IntN(8)), oneOf(p, "BA", "BG", "BO", "BU", "S-1-5-21-9-9-9-512")}}
		if p.one(2) {
			u["claims"] = map[string]any{"Level": p.IntN(3), "Dept": oneOf(p, "Sales", "Legal")}
		}
		file.Users = append(file.Users, u)
	}
	b, _ := json.Marshal(file)
	company := filepath.Join(p.dir, "company.json")
	check.NoError(t, os.WriteFile(company, b, 0o600))
	d := check.Must(dirfile.Read(b))
	for _, x := range d.Principals {
		text := check.Must(json.Marshal(x.Token))
		p.people = append(p.people, person{x.Name, text})
	}
	args := []string{"-d", company, "-o", filepath.Join(p.dir, "objects.jsonl")}
	for i := range 30 {
		x := person{fmt.Sprint("t", i), p.token()}
		name := filepath.Join(p.dir, x.Name+".json")
		check.NoError(t, os.WriteFile(name, x.File, 0o600))
		p.people, args = append(p.people, x), append(args, "-t", name)
	}
	return args
}

// token is a token file: deny-only and disabled groups, privileges, integrity
// levels, restricted and write-restricted tokens, AppContainers, claims.
func (p *pairs) token() []byte {
	f := map[string]any{"user": fmt.Sprint(pairsDomain, "-", 1000+p.IntN(20)),
		"integrityLevel":  oneOf(p, "Untrusted", "Low", "Medium", "High", "System"),
		"mandatoryPolicy": oneOf(p, []string{"NoWriteUp"}, []string{}, []string{"NoWriteUp", "NewProcessMin"})}
	groups := []any{"WD", "AU"}
	for range p.IntN(6) {
		s := oneOf(p, "BA", "BU", "BG", fmt.Sprint(pairsDomain, "-", 2000+p.IntN(8)))
		groups = append(groups, oneOf[any](p, s, s, map[string]any{"sid": s, "attributes": []string{"UseForDenyOnly"}},
			map[string]any{"sid": s, "attributes": []string{}}))
	}
	f["groups"] = groups
	var privileges []any
	for _, name := range []string{"SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeRelabelPrivilege",
		"SeBackupPrivilege", "SeRestorePrivilege"} {
		switch p.IntN(4) {
		case 0:
			privileges = append(privileges, name)
		case 1:
			privileges = append(privileges, map[string]any{"name": name, "attributes": []string{}})
		}
	}
	f["privileges"] = privileges
	if p.one(5) {
		f["restrictedSids"] = []string{"WD", oneOf(p, "BU", "RC", "WR", fmt.Sprint(pairsDomain, "-", 2000+p.IntN(8)))}
		f["writeRestricted"] = p.one(2)
	}
	if p.one(5) {
		f["appContainer"] = map[string]any{"packageSid": "S-1-15-2-1-2-3-4-5-6-7", "capabilities": []string{"S-1-15-3-1"},
			"lowPrivilege": p.one(3)}
	}
	if p.one(2) {
		f["userClaims"] = []any{map[string]any{"name": "Level", "type": "int64", "values": []int{p.IntN(3)}},
			map[string]any{"name": "Dept", "type": "string", "values": []string{oneOf(p, "Sales", "Legal")}}}
		f["deviceClaims"] = []any{map[string]any{"name": "Managed", "type": "boolean", "values": []bool{p.one(2)}}}
		f["deviceGroups"] = []string{oneOf(p, "BU", fmt.Sprint(pairsDomain, "-2000"))}
	}
	b, _ := json.Marshal(f)
	return b
}

// list writes the objects file.
func (p *pairs) list(t *testing.T, n int) {
	t.Helper()
	f := check.Must(os.Create(filepath.Join(p.dir, "objects.jsonl")))
	defer f.Close()
	for i := range n {
		o := objectRow{fmt.Sprint("/", i), p.sddl(), oneOf(p, "file", "directory", "file", "key", "process",
			"directoryService")}
		if i > 0 && p.one(4) {
			o.SD = p.rows[p.IntN(i)].SD
		}
		p.rows = append(p.rows, o)
		line, _ := json.Marshal(o)
		check.NoError(t, check.Err(io.WriteString(f, string(line)+"\n")))
	}
}

func (p *pairs) who() string {
	return oneOf(p, "WD", "AU", "BA", "BU", "BG", "SY", "OW", "CO", "PS", "RC", "WR", "AC", "S-1-15-2-1-2-3-4-5-6-7",
		"S-1-15-3-1",
		fmt.Sprint(pairsDomain, "-", 1000+p.IntN(20)), fmt.Sprint(pairsDomain, "-", 2000+p.IntN(8)),
		fmt.Sprint(pairsDomain, "-", 2000+p.IntN(8)))
}

// sddl is a descriptor: entries of all kinds in any order, conditions, object
// types, labels, resource attributes, owner rights, none or an empty DACL.
func (p *pairs) sddl() string {
	text := "O:" + p.who() + "G:SY"
	if p.one(30) {
		text = "G:SY"
	}
	switch p.IntN(25) {
	case 0:
	case 1:
		text += "D:NO_ACCESS_CONTROL"
	case 2:
		text += "D:P"
	default:
		text += "D:"
		for range 1 + p.IntN(7) {
			text += p.ace()
		}
	}
	if !p.one(3) {
		return text
	}
	text += "S:"
	if p.one(2) {
		text += "(ML;" + oneOf(p, "", "OI", "IO") + ";" + oneOf(p, "NW", "NR", "NX", "NWNR", "NWNRNX") + ";;;" +
			oneOf(p, "LW", "ME", "HI", "SI") + ")"
	}
	if p.one(2) {
		text += `(RA;;;;;WD;("Level",TI,0x0,` + fmt.Sprint(p.IntN(3)) + `))`
	}
	return text + "(AU;SAFA;FA;;;WD)"
}

func (p *pairs) ace() string {
	flags := oneOf(p, "", "", "", "ID", "OICI", "OICIIO")
	mask := oneOf(p, "FA", "FR", "FW", "FX", "GA", "GR", "GW", "0x1", "0x2", "0x20000", "0x10000", "0x40000", "0x80000",
		"0x1200a9", "0xffffffff", "0x0")
	kind := oneOf(p, "A", "A", "A", "A", "D", "D", "OA", "OD", "XA", "XA", "XD")
	switch kind {
	case "OA", "OD":
		return fmt.Sprintf("(%s;%s;%s;%s;;%s)", kind, flags, mask,
			oneOf(p, "", "00000000-0000-0000-0000-000000000001"), p.who())
	case "XA", "XD":
		return fmt.Sprintf("(%s;%s;%s;;;%s;%s)", kind, flags, mask, p.who(),
			oneOf(p, "(@User.Level >= 1)", `(@User.Dept == "Sales")`, "(Exists @User.Level)",
				"(@User.Level == @Resource.Level)", "(Member_of {SID(BA)})", "(!(Member_of_any {SID(BU), SID(BG)}))",
				"(@Device.Managed == 1)", "(Device_Member_of {SID(BU)})", "(Not_Member_of {SID(PS)})"))
	}
	return fmt.Sprintf("(%s;%s;%s;;;%s)", kind, flags, mask, p.who())
}

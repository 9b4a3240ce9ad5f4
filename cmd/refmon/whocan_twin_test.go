package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestWhoCanEqualsCheck compares two commands: who-can for all objects and principals, check --batch for a random
// sample of the pairs. REFMON_SAMPLE sets its size. Principals are users of a directory and token files. Tokens and
// descriptors have all features of the access check. check gets the users as token files written from their tokens.
func TestWhoCanEqualsCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	seed := randtest.Seed(t)
	p := pairs{World: questions.World{Rand: rand.New(rand.NewPCG(seed, 7))}}
	n := randtest.Count(t, "REFMON_SAMPLE", 100_000)
	args := append(p.principals(t, seed), p.list(t, max(200, n/400))...)
	rights := []string{"read", "write", "full", "0x20000", "SD|WD"}
	can := map[[3]string]bool{}
	args = append([]string{"who-can", strings.Join(rights, "+"), "-f", "jsonl"}, args...)
	for line := range strings.Lines(mustRun(t, args...)) {
		var row struct {
			Path, Right string
			Principals  []string
		}
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		for _, who := range row.Principals {
			can[[3]string{row.Path, row.Right, who}] = true
		}
	}
	asked := make([][3]string, n)
	for i := range asked {
		o, who, right := p.IntN(len(p.objects)), p.names[p.IntN(len(p.names))], rights[p.IntN(len(rights))]
		asked[i] = [3]string{fmt.Sprint(o), right, who}
		sd, typ := p.objects[o][0], p.objects[o][1]
		mask := check.Must(words.Parse(right))[0].Mask(winnt.ObjectTypeByName(typ))
		fmt.Fprintf(&p.questions, "{\"id\":%d,\"tokenRef\":%q,\"sdHex\":%q,\"mapping\":%q,\"desired\":%d}\n", i, who, sd, typ,
			uint32(mask))
	}
	check.NoError(t, os.WriteFile("questions.jsonl", p.questions.Bytes(), 0o600))
	granted, answers := 0, 0
	for line := range strings.Lines(mustRun(t, "check", "--batch", "questions.jsonl")) {
		var row struct {
			ID     *int
			Status string
		}
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		if row.ID == nil {
			continue
		}
		answers++
		allowed := row.Status == "STATUS_SUCCESS"
		if allowed {
			granted++
		}
		check.Require(t, can[asked[*row.ID]], allowed, "%v: who-can allows", asked[*row.ID])
	}
	check.That(t, answers == n && granted >= n/50 && granted <= n-n/20,
		"%d answers to %d questions, %d granted, want equal numbers and 2%% to 95%% granted", answers, n, granted)
	t.Logf("%d pairs, %d granted", answers, granted)
}

// pairs creates random principals and objects as files.
type pairs struct {
	questions.World
	names     []string     // of the principals
	questions bytes.Buffer // starts with the definitions of the principals
	objects   [][2]string  // the descriptor and the type of the path of this number
}

// principals writes a directory and token files, and returns the flags that name them.
func (p *pairs) principals(t *testing.T, seed uint64) []string {
	t.Helper()
	var text bytes.Buffer
	check.NoError(t, (&company.Sample{Seed: seed, Principals: 20, Groups: 8}).Directory(&text))
	check.NoError(t, os.WriteFile("company.json", text.Bytes(), 0o600))
	for _, x := range check.Must(dirfile.Read(text.Bytes())).Principals {
		p.define(x.Name, x.Token)
	}
	args := []string{"-d", "company.json"}
	for i := range 30 {
		name := fmt.Sprint("t", i)
		file := p.define(name, check.Must(token.New(p.Spec())))
		check.NoError(t, os.WriteFile(name+".json", file, 0o600))
		args = append(args, "-t", name+".json")
	}
	return args
}

// define adds a principal to the questions, and returns its token file.
func (p *pairs) define(name string, tok *token.Token) []byte {
	file := check.Must(json.Marshal(tok))
	p.names = append(p.names, name)
	fmt.Fprintf(&p.questions, "{\"define\":{%q:%s}}\n", name, file)
	return file
}

// list writes the objects file, and returns the flag that names it.
func (p *pairs) list(t *testing.T, n int) []string {
	t.Helper()
	types := []string{"file", "directory", "file", "key", "process", "directoryService"}
	var text bytes.Buffer
	for i := range n {
		o := [2]string{hex.EncodeToString(p.Descriptor().Binary()), types[p.IntN(len(types))]}
		fmt.Fprintf(&text, "{\"path\":\"%d\",\"sdHex\":%q,\"type\":%q}\n", i, o[0], o[1])
		p.objects = append(p.objects, o)
	}
	check.NoError(t, os.WriteFile("objects.jsonl", text.Bytes(), 0o600))
	return []string{"-o", "objects.jsonl"}
}

// mustRun runs a command that must exit with 0, and returns its output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := runLine(args...)
	check.RequireThat(t, code == 0, "%.200q: exit code %d, want 0\n%.2000s", args, code, errs)
	return out
}

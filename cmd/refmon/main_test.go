package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("GORACE"); !set { // each refmon of a script would sleep for a second at its end
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(m, map[string]func(){"refmon": main})
}

// TestScripts runs testdata/script: every verb with success, denial and
// malformed questions. `exits CODE VERB…` runs refmon and wants that exit code.
//
// With -short only the scripts of verbs that work in parallel run: the race detector is
// there for those.
func TestScripts(t *testing.T) {
	dir, files := "testdata/script", []string(nil)
	if testing.Short() {
		dir = ""
		for _, verb := range []string{"audit", "check", "diff", "reach", "report", "run", "share", "whatcan", "whocan"} {
			files = append(files, "testdata/script/"+verb+".txtar")
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, Files: files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "tamper": tamper,
		},
		Condition: condition,
	})
}

// condition knows xattr: the files of a script can have extended attributes.
func condition(name string) (bool, error) {
	if name != "xattr" {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	f, err := os.CreateTemp("", "xattr")
	if err != nil {
		return false, err
	}
	err = setAttribute(f.Name(), "user.refmon", []byte{0})
	return err == nil, errors.Join(f.Close(), os.Remove(f.Name()))
}

// exits is the script command `exits CODE ARGS…`: it runs refmon with ARGS and
// fails unless it ends with CODE. Its output is there for stdout and stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args[0]) != 1 || strings.Trim(args[0], "0123") != "" {
		ts.Fatalf("usage: exits 0|1|2|3 ARGS…")
	}
	err := ts.Exec("refmon", args[1:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// tamper is the script command `tamper FILE OLD NEW`: it replaces bytes of a file
// in place, by as many.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	if len(args) != 3 || len(args[1]) != len(args[2]) || !bytes.Contains(b, []byte(args[1])) {
		ts.Fatalf("usage: tamper FILE OLD NEW, OLD in FILE and as long as NEW")
	}
	ts.Check(os.WriteFile(name, bytes.Replace(b, []byte(args[1]), []byte(args[2]), 1), 0o600))
}

func TestColourIsForTerminals(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if wantColour(f) {
		t.Error("a file wants colours")
	}
	plain, coloured := &streams{}, &streams{colour: true}
	if got := plain.paint(red, "x"); got != "x" {
		t.Errorf("plain: %q", got)
	}
	if got := coloured.paint(red, "x"); got != red+"x"+reset {
		t.Errorf("coloured: %q", got)
	}
	if tty, err := os.OpenFile("/dev/null", os.O_WRONLY, 0); err == nil {
		defer tty.Close()
		t.Setenv("NO_COLOR", "1")
		if wantColour(tty) {
			t.Error("NO_COLOR was not respected")
		}
	}
}

// TestWrongCommandLines: exit code 2, and the error names the help to read.
func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{"nosuch"}, {"sid", "--nosuch"}, {"--nosuch"}, {"why"}, {"sid"},
		{"sid", "BA", "--batch", "-"}} {
		var out, errs bytes.Buffer
		if code := run(args, &streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitMalformed {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
		if errs.Len() == 0 || out.Len() != 0 {
			t.Errorf("%q: stdout %q, stderr %q", args, out.String(), errs.String())
		}
	}
}

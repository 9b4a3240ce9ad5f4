package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// underRaceDetector reports whether the race detector, which makes each script slow, watches the tests.
func underRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("GORACE"); !set { // each refmon of a script would sleep for a second at its end
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(m, map[string]func(){"refmon": main})
}

// TestCommandScriptsExitAsExpected runs testdata/script: every verb with success, denial and malformed input. `exits
// CODE VERB…` runs refmon and requires that exit code. `piped CODE VERB…` does so after the command stdin. With -short
// under the race detector, it runs only the scripts of verbs that work in parallel.
func TestCommandScriptsExitAsExpected(t *testing.T) {
	dir, files := "testdata/script", []string(nil)
	if testing.Short() && underRaceDetector() {
		dir = ""
		for _, verb := range []string{"audit", "check", "diff", "reach", "report", "run", "share", "whatcan", "whocan"} {
			files = append(files, "testdata/script/"+verb+".txtar")
		}
	}
	testscript.RunT(serial{t}, testscript.Params{
		Dir: dir, Files: files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "piped": piped, "tamper": replaceBytes,
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

// serial runs scripts one after the other unless they start a process per command, because a command in this process
// uses its working directory and environment.
type serial struct{ *testing.T }

func (s serial) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(serial{t}) })
}

func (s serial) Parallel() {
	if randtest.Deep() {
		s.T.Parallel()
	}
}

func (serial) Verbose() bool { return testing.Verbose() }

// piped is the script command `piped CODE ARGS…`: it runs refmon with ARGS in a process of its own and fails unless
// it ends with CODE. The script commands stdout and stderr check its output.
func piped(ts *testscript.TestScript, neg bool, args []string) {
	wantCode(ts, neg, args)
	code, err := "0", ts.Exec("refmon", args[1:]...)
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// exits is the script command `exits CODE ARGS…`: [piped] without standard input. It runs refmon in this process,
// which costs a tenth of a new one, unless REFMON_DEEP=1.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if randtest.Deep() {
		piped(ts, neg, args)
		return
	}
	wantCode(ts, neg, args)
	for _, name := range []string{"HOME", "TMPDIR", "XDG_STATE_HOME", "REFMON_SOCKET"} {
		old, set := os.LookupEnv(name)
		ts.Check(os.Setenv(name, ts.Getenv(name)))
		if set {
			defer os.Setenv(name, old)
		} else {
			defer os.Unsetenv(name)
		}
	}
	home, err := os.Getwd()
	ts.Check(err)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	code := run(args[1:], &streams{in: strings.NewReader(""), out: ts.Stdout(), err: ts.Stderr()})
	ts.Check(os.Chdir(home))
	if want := args[0]; fmt.Sprint(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// wantCode ends the script unless args are an exit code and arguments.
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args[0]) != 1 || strings.Trim(args[0], "0123") != "" {
		ts.Fatalf("usage: exits|piped 0|1|2|3 ARGS…")
	}
}

// replaceBytes is the script command `tamper FILE OLD NEW`: it replaces bytes of a file
// in place, by as many.
func replaceBytes(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	if len(args) != 3 || len(args[1]) != len(args[2]) || !bytes.Contains(b, []byte(args[1])) {
		ts.Fatalf("usage: tamper FILE OLD NEW, OLD in FILE and as long as NEW")
	}
	ts.Check(os.WriteFile(name, bytes.Replace(b, []byte(args[1]), []byte(args[2]), 1), 0o600))
}

func TestColorIsOffForFiles(t *testing.T) {
	f := check.Must(os.Create(t.TempDir() + "/out"))
	defer f.Close()
	check.That(t, !wantColour(f), "a file wants colours")
	plain, coloured := &streams{}, &streams{colour: true}
	check.Equal(t, plain.paint(red, "x"), "x", "plain")
	check.Equal(t, coloured.paint(red, "x"), red+"x"+reset, "coloured")
	if tty, err := os.OpenFile("/dev/null", os.O_WRONLY, 0); err == nil {
		defer tty.Close()
		t.Setenv("NO_COLOR", "1")
		check.That(t, !wantColour(tty), "wantColour = true with NO_COLOR, want false")
	}
}

// TestWrongCommandLinesExitWith2 checks for exit code 2 and an error that names the help.
func TestWrongCommandLinesExitWith2(t *testing.T) {
	for _, args := range [][]string{{"nosuch"}, {"sid", "--nosuch"}, {"--nosuch"}, {"why"}, {"sid"},
		{"sid", "BA", "--batch", "-"}} {
		if code, out, errs := runLine(args...); code != exitMalformed || errs == "" || out != "" {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q, want 2 and only an error", args, code, out, errs)
		}
	}
}

// answers are command lines with the exit codes of DESIGN: 0 for yes or all well, 1 for no, 2 if there is no answer.
// The patterns match standard output and standard error.
var answers = []struct {
	code      int
	args      []string
	out, errs string
}{
	{0, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR"},
		"^STATUS_SUCCESS granted 0x00120089 FILE_READ_DATA", "^$"},
	{1, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FW"},
		"^STATUS_ACCESS_DENIED granted 0x00000000\ndenied: .* asked for FW; no entry grants write .*\n$", "^$"},
	{0, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--json"},
		`^\{"id":null,"status":"STATUS_SUCCESS"[^y]*$`, "^$"},
	{1, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FW", "--json", "--explain"}, `"why":`, "^$"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json"}, "^$", "--want RIGHTS"},
	{2, []string{"check", sdOfUsers, "-w", "FR"}, "^$", "--token FILE"},
	{2, []string{"check", "-t", "alice.json", "-w", "FR"}, "^$", "a security descriptor in SDDL"},
	{2, []string{"check", "O:", "-t", "alice.json", "-w", "FR"}, "^$", "SDDL"},
	{2, []string{"check", "O:", "-t", "alice.json", "-w", "FR", "-d", "company.yaml", "--type", "key", "--self", "BA",
		"--object-type", "member", "--call", "NtAccessCheck", "--batch", "lines.jsonl"}, "^$", "takes its questions from " +
		"the file: drop the SDDL, --call, --directory, --object-type, --self, --token, --type, --want\n"},
	{0, []string{"check", "--batch", "lines.jsonl"}, `^\{"id":1,"status":"STATUS_SUCCESS"`,
		"1 of 1 lines have a descriptor without D:"},
	{0, []string{"why", sdOfUsers, "-t", "alice.json", "-w", "FR"}, "^GRANTED ", "^$"},
	{1, []string{"why", sdOfUsers, "-t", "alice.json", "-w", "FW"},
		"^DENIED (?s).*any one of these would grant it:\n  ", "^$"},
	{1, []string{"why", sdOfUsers, "-t", "ident.json", "-w", "FR"}, "BAD_IMPERSONATION_LEVEL", "^$"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR"},
		"^GRANTED ", "^$"},
	{1, []string{"access", "/b", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR"},
		"^DENIED ", "^$"},
	{0, []string{"access", "/a", "-t", "alice.json", "-o", "good.jsonl", "-w", "FR"}, "^GRANTED ", "^$"},
	{0, []string{"access", "/a", "-t", "imp.json", "-o", "good.jsonl", "-w", "FR"}, "^GRANTED ", "^$"},
	{2, []string{"access", "/a", "-t", "ident.json", "-o", "good.jsonl", "-w", "FR"}, "^$", "cannot open objects"},
	{2, []string{"access", "/a", "-d", "company.yaml", "-o", "good.jsonl"}, "^$",
		"--as WHO is missing: the directory has 2 users"},
	{2, []string{"access", "/a", "-o", "good.jsonl"}, "^$", "no principals"},
	{2, []string{"access", "/a", "-d", "empty.yaml", "-o", "good.jsonl"}, "^$", "no users that can log on"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR",
		"--share", "D:(A;;FR;;;DU)"},
		"^GRANTED 0x120089 by the share and the object\n", "^$"}, // DU is of the directory's domain
	{1, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FW",
		"--share", "D:(A;;FR;;;DU)"},
		"^DENIED by the share and by the object\n", "^$"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "open.jsonl", "-w", "FR"},
		"^GRANTED ", "."},
	{0, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "-f", "jsonl"},
		`"principals":\["alice"\]`, "^$"},
	{0, []string{"who-can", "read", "-o", "none.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "^$",
		"there are no objects"},
	{0, []string{"who-can", "read", "-o", "open.jsonl", "-d", "company.yaml", "-f", "jsonl"}, ".",
		"2 of 2 descriptors have no D: part"},
	{2, []string{"reach", "Everyone", "/tmp", "-o", "good.jsonl", "-t", "admin"}, "^$", "either paths or --objects"},
	{2, []string{"who-can", "read", "good.jsonl", "-d", "company.yaml"}, "^$", "give it as --objects good.jsonl"},
	{0, []string{"who-can", "read", "passwd", "-d", "company.yaml"}, "passwd", "S-1-22-1-"},
	{2, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "--out", "none/x"}, "^$", "none/x"},
	{0, []string{"what-can", "alice", "-o", "good.jsonl", "-d", "company.yaml", "-f", "csv"}, "/a,", "^$"},
	{2, []string{"what-can", "eve", "-o", "good.jsonl", "-d", "company.yaml"}, "^$", "eve"},
	{0, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml"}, "", "^$"},
	{1, []string{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "alice",
		"1 of 2 objects changed for at least one user"},
	// Both sides have the tokens.
	{0, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml", "--directory-after", "company.yaml", "-t",
		"alice.json", "-t", "imp.json"}, "^PRINCIPAL +PATH +GAINED +LOST +CAUSE\n$", "^$"},
	{1, []string{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml", "--directory-after", "company.yaml", "-t",
		"imp.json", "-f", "jsonl"}, `imp`, "1 of 2 objects changed"},
	{1, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml", "--directory-after", "empty.yaml", "-t",
		"alice.json"}, "^PRINCIPAL +PATH +GAINED +LOST +CAUSE\nalice +/a +- +read +principal is gone\n$",
		"1 of 2 objects changed"},
	{2, []string{"diff", "bad.jsonl", "good.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "",
		"1 objects could not be read and were not compared"},
	{0, []string{"acl", "export", "-o", "good.jsonl"},
		`^\{"path":"/a","sd":"O:BAG:SYD:\(A;;FR;;;S-1-5-21-1-2-3-1107\)","type":"file"\}\n\{"path":"/b"`, "^$"},
	{2, []string{"acl", "export", "-o", "bad.jsonl"}, `^\{"path":"/a",[^\n]*\n\{"end":1\}\n$`,
		"/b: SDDL(?s).*1 of 2 objects could not be read and are not in the output"},
	{0, []string{"acl", "export", "-o", "open.jsonl"}, "^.*\n.*\n{\"end\":2}\n$", "2 of 2 descriptors have no D: part"},
	{0, []string{"report", "-o", "good.jsonl", "-d", "company.yaml", "--force", "--out", "r.html"},
		"^r.html: 2 objects, 2 distinct descriptors, 2 principals\n$", "^$"},
	{2, []string{"report", "-o", "good.jsonl", "-d", "company.yaml", "--out", "none/r.html"}, "^$", "none/r.html"},
	{0, []string{"test", "holds.yaml"}, "1 case, 0 failed", "^$"},
	{1, []string{"test", "fails.yaml", "holds.yaml"}, "1 failed(?s).*0 failed", "^$"},
	{1, []string{"test", "holds.yaml", "fails.yaml"}, "0 failed(?s).*1 failed", "^$"},
	{0, []string{"test", "--json", "holds.yaml"}, `"holds":true`, "^$"},
	{0, []string{"test", "-q", "holds.yaml"}, "^holds.yaml: 1 case, 0 failed, [^\n]*\n$", "^$"},
	{0, []string{"lint", "shares.sddl"}, "^0 findings in 1 descriptor\n$", "^$"},
	{1, []string{"lint", "found.sddl"}, "findings in 1 descriptor(: .*)?\n$", "^$"},
	{2, []string{"lint", "passwd"}, "^0 findings in 0 descriptors; 1 line could not be read\n$", "passwd:1: "},
	{0, []string{"lint", "O:BAG:SYD:(A;;RC;;;BA)"}, "", "^$"}, {2, []string{"lint", "O:"}, "^$", "SDDL"},
	{2, []string{"run", "ok.star", "--audit", "passwd"}, "^$", "."},
	{0, []string{"sid", "WD"}, `^SID +S-1-1-0\nname +Everyone\nalias +WD\nauthority +1\nRID +0\nbytes +12\n`, "^$"},
	{0, []string{"directory", "from", "passwd", "passwd", "--out", "d.yaml"}, "^$", "^$"},
	{1, []string{"why", "O:BAG:SYD:(A;;FR;;;BA)", "-t", "ident.json", "-w", "FR", "--call", "NtAccessCheck"},
		"would grant it:\n(?s).*denied: .* no entry grants it", "^$"},
	{2, []string{"sddl", "C:\\a Everyone:(F)\n\nC:\\b Everyone:(R)\n"}, "^$", "the text has several objects"},
	{0, []string{"fmt", sdOfUsers}, "^O:BAG:SYD:", "^$"}, {2, []string{"fmt", "-w", "-"}, "^$", "standard input"},
	{0, []string{"token", "show", "alice.json"}, `(?m)^user +S-1-5-21-1-2-3-1107`, "^$"}, {2, []string{"token",
		"show", "passwd"}, "^$", "passwd: "},
	{0, []string{"version"}, ".", "^$"}, {0, []string{"services"}, "services, ", "^$"}, {2,
		[]string{"services", "NtNone"}, "^$", "NtNone"},
	{0, []string{"services", "PsImpersonateClient"}, "\n  records  64048 an impersonation upward\n", "^$"},
	{2, []string{"services", "--faults"}, "^$", "--faults needs"},
}

// Each command line has its exit code, prints only its answer, and writes errors only to standard error.
func TestEachCommandLineHasItsExitCode(t *testing.T) {
	enterFolder(t)
	for _, c := range answers {
		code, out, errs := runLine(c.args...)
		if code != c.code || !regexp.MustCompile(c.out).MatchString(out) ||
			!regexp.MustCompile(c.errs).MatchString(errs) {
			t.Errorf("%q: exit code %d, want %d\nstdout %q, want %q\nstderr %q, want %q", c.args, code, c.code,
				out, c.out, errs, c.errs)
		}
		check.That(t, c.code != 2 || errs != "", "%q: exit code 2 without a message, want one", c.args)
	}
	for _, name := range []string{"r.html", "d.yaml"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, want a file that is not empty", name, err)
		}
	}
}

// wrongLines are wrong command lines by verb and required arguments. Each is rejected with the wrong word, and the
// same line without that word succeeds.
var wrongLines = []struct {
	line string   // that is answered
	bad  []string // added or changed flags: FLAG VALUE, or FLAG alone, followed by > and the message
}{
	{"who-can read -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--object-type x > --object-type",
		"--share O: > --share", "--sets x > --sets and --expressions belong to --for-index",
		"--expressions > --sets and --expressions belong to --for-index", "-f x > must be one of",
		"--id-maps x > --id-maps applies to files only",
		"-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch", "-d wrong.yaml > wrong.yaml: ",
		"-t passwd > passwd: ", "--checkpoint c > --checkpoint needs --out"}},
	{"what-can alice -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-f x > must be one of", "-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch"}},
	{"diff good.jsonl good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-f x > must be one of", "-t nosuch.json > nosuch.json", "-d nosuch > nosuch", "--directory-after nosuch > nosuch",
		"--directory-after empty.yaml > empty.yaml: the directory has", "--checkpoint c > --checkpoint needs --out"}},
	{"report -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch",
		"-d empty.yaml > empty.yaml: the directory has"}},
	{"access /a --as alice -w FR -o good.jsonl -d company.yaml", []string{"--type x > --type x", "--share O: > --share",
		"--object-type x > --object-type", "-w x > --want", "-o nosuch > nosuch", "-d nosuch > nosuch",
		"--as eve > --as \"eve\"", "-w control+read > control cannot be combined"}},
	{"acl export -o good.jsonl", []string{"--type x > --type x", "--domain x > --domain", "-o nosuch > nosuch"}},
	{"check O:BAG:SYD:(A;;FR;;;BU) -t alice.json -w FR", []string{"--type x > --type x", "--self x > --self",
		"--object-type x > --object-type", "--call x > --call x", "-t nosuch.json > nosuch.json", "-w x > --want",
		"-t passwd > passwd: ", "-w read+control > control cannot be combined"}},
	{"why O:BAG:SYD:(A;;FR;;;BU) -t alice.json -w FR", []string{"--type x > --type x", "--self x > --self",
		"--object-type x > --object-type", "--call x > --call x", "-t nosuch.json > nosuch.json", "-w x > --want",
		"--certificate none/c > none/c"}},
	{"sddl O:BAG:SYD:(A;;FR;;;BU)", []string{"--type x > --type x", "--domain x > --domain"}},
	{"sid BA", []string{"--domain x > --domain"}},
	{"lint O:BAG:SYD:(A;;FR;;;BA)", []string{"--type x > --type x", "--domain x > --domain"}},
	{"token show alice.json", nil},
	{"token filter alice.json", []string{"--disable x > --disable x", "--restrict x > --restrict x", "--delete x > \"x\"",
		"-o none/t > none/t"}},
	{"token lowbox alice.json --package S-1-15-2-1-2-3", []string{"--package BA > S-1-15-2", "--package x > --package",
		"--capability x > --capability x", "-o none/t > none/t"}},
	{"run --quiet ok.star --audit log", []string{"--audit-key nosuch > nosuch", "--profile x > must be one of"}},
	{"test -q holds.yaml", nil},
	{"directory from passwd passwd", []string{"--out none/d > none/d"}},
	{"services NtClose", []string{"--profile x > must be one of"}},
}

// A wrong flag gives exit code 2 and a message that names it, whatever else is right. Nothing is printed to standard
// output.
func TestWrongFlagIsNamed(t *testing.T) {
	enterFolder(t)
	for _, c := range wrongLines {
		args := strings.Fields(c.line)
		if code, _, errs := runLine(args...); code != 0 {
			t.Errorf("%s: exit code %d, %s, want 0", c.line, code, errs)
		}
		for _, bad := range c.bad {
			text, want, _ := strings.Cut(bad, " > ")
			more := strings.Fields(text)
			line := append([]string(nil), args...)
			replaced := false
			for i := range line { // replace the value of an existing flag
				if len(more) == 2 && line[i] == more[0] {
					line[i+1], replaced = more[1], true
				}
			}
			if !replaced {
				line = append(line, more...)
			}
			if code, out, errs := runLine(line...); code != exitMalformed || out != "" || !strings.Contains(errs, want) {
				t.Errorf("%q: exit code %d, stdout %q, stderr %q, want %s", line, code, out, errs, want)
			}
		}
	}
	for _, name := range []string{"none", "c"} {
		check.That(t, check.Err(os.Lstat(name)) != nil, "%s was created, want no file", name)
	}
}

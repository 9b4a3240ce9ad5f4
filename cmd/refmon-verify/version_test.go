package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// printed runs the program with arguments. It returns the exit code and the output.
func printed(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out := os.Stdout
	r, w, err := os.Pipe()
	testcheck.NoError(t, err)
	os.Stdout = w
	code := run(args)
	os.Stdout = out
	testcheck.NoError(t, w.Close())
	b, err := io.ReadAll(r)
	testcheck.NoError(t, err)
	return code, string(b)
}

// The output has the versions of the program and of Go, and the system.
func TestVersionNamesProgramAndGo(t *testing.T) {
	was := release
	for _, c := range [][2]string{{"v1.2.3", "v1.2.3"}, {"(devel)", "development"}} {
		release = c[0]
		code, got := printed(t, "version")
		release = was
		want := fmt.Sprintf("refmon-verify %s (%s, %s/%s)\n", c[1], runtime.Version(), runtime.GOOS, runtime.GOARCH)
		testcheck.That(t, code == 0 && got == want, "version: exit code %d, %q, want 0, %q", code, got, want)
	}
}

// TestVerifyHelpPrintsUsage checks that --help prints the usage, that the page fits a terminal, and that an error names
// the file that cannot be read.
func TestVerifyHelpPrintsUsage(t *testing.T) {
	code, page := printed(t, "--help")
	testcheck.That(t, code == 0 && strings.HasPrefix(page, "Usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN\n"),
		"--help: %d, %q, want 0 and the usage", code, page)
	terminal.CheckPage(t, "refmon-verify --help", page)
	for _, args := range [][]string{{"version_test.go", "nosuch", "x"}, {"audit", "version_test.go", "nosuch"}} {
		if code, got := printed(t, args...); code != 2 || !strings.Contains(got, "open nosuch: ") {
			t.Errorf("%q: %d, %q, want 2 and the name of the missing file", args, code, got)
		}
	}
}

// TestLostVerdictExitsWith2 checks that a verdict that could not be written is never taken for a true certificate.
func TestLostVerdictExitsWith2(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full: ", err)
	}
	defer full.Close()
	dir := "../../testdata/formats/0.1.0/certificate/"
	out := os.Stdout
	os.Stdout = full
	defer func() { os.Stdout = out }()
	for _, args := range [][]string{{dir + "certificate", dir + "certificate.sd", dir + "token.json"}, {"version"},
		{"--help"}, {"audit", "version.go", "version.go"}} {
		testcheck.Equal(t, run(args), 2, "%q to a full disk: exit code", args)
		program, err := exec.LookPath("python3")
		if err != nil || len(args) != 3 {
			continue // the Python verifier has these commands alone
		}
		python := exec.Command(program, append([]string{"../../tools/verify.py"}, args...)...)
		python.Stdout = full
		err = python.Run()
		testcheck.That(t, python.ProcessState.ExitCode() == 2, "tools/verify.py %q to a full disk: %v, want 2", args, err)
	}
}

// TestRefusalNamesFile checks that a refusal says which of the files is the wrong one.
func TestRefusalNamesFile(t *testing.T) {
	dir := "../../testdata/formats/0.1.0/certificate/"
	cert, descriptor, token := dir+"certificate", dir+"certificate.sd", dir+"token.json"
	s := newSigner("log")
	write := func(text string) string {
		name := t.TempDir() + "/file"
		testcheck.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	key, old := write(s.line()), write(s.note("log", 1, digest("root")))
	now := write("old 1\n\n" + s.note("log", 2, digest("other")))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{token, descriptor, token}, "refused: the certificate: a field is missing"},
		{[]string{descriptor, descriptor, token}, "refused: the certificate, at byte "},
		{[]string{cert, token, token}, "refused: the descriptor is another file than the certificate's: "},
		{[]string{cert, descriptor, cert}, "refused: the token is another file than the certificate's: "},
		{[]string{"audit", write("log+1234+,"), now}, `refused: the public key: "," is not base64`},
		{[]string{"audit", key, write("x\n\nlog"), old}, "refused: the proof: the checkpoint has no signature"},
		{[]string{"audit", key, now, write("log")}, "refused: the old checkpoint: the checkpoint has no signature"},
		{[]string{"audit", key, now, write(newSigner("two").note("log", 1, digest("root")))},
			"refused: the old checkpoint: the checkpoint is not signed by the key"},
	} {
		code, got := printed(t, c.args...)
		testcheck.That(t, code == 1 && strings.HasPrefix(got, c.want), "%q: %d, %s want 1, %s", c.args, code, got, c.want)
	}
}

// TestVerdictIsOneLine checks that a text from a certificate or a record cannot forge a second line or control the
// terminal, in both programs.
func TestVerdictIsOneLine(t *testing.T) {
	dir := "../../testdata/formats/0.1.0/certificate/"
	file := func(text string) string {
		name := t.TempDir() + "/file"
		testcheck.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	s, record := newSigner("log"), "{\"id\":1,\"x\":\"\u009b2J\u202e\u2028ü\"}"
	proof := inclusion(record, 0, nil, s.note("log", 1, tree([]string{record})))
	cert := strings.Replace(string(testcheck.Must(os.ReadFile(dir+"certificate"))), `"status":"STATUS_ACCESS_DENIED"`,
		"\"status\":\"\u009b2J\u202e\"", 1)
	form := strings.Replace(cert, "refmon access certificate 2", `x\nverified: y\u001b[2A`, 1)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"audit", file(s.line()), file(proof)},
			"verified: log, record 1 of 1: {\"id\":1,\"x\":\"\uFFFD2J\uFFFD\uFFFDü\"}\n"},
		{[]string{file(cert), dir + "certificate.sd", dir + "token.json"}, "refused: status is \"\uFFFD2J\uFFFD\", and "},
		{[]string{file(form), dir + "certificate.sd", dir + "token.json"}, "refused: the form is "},
	} {
		_, got := printed(t, c.args...)
		outputs := []string{got}
		if program, err := exec.LookPath("python3"); err == nil {
			python := exec.Command(program, append([]string{"../../tools/verify.py"}, c.args...)...)
			python.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
			out, _ := python.Output() // the exit code of a refusal is an error
			outputs = append(outputs, string(out))
		}
		for _, got := range outputs {
			testcheck.That(t, strings.HasPrefix(got, c.want) && strings.Count(got, "\n") == 1, "%q, want one line: %q", got,
				c.want)
		}
	}
}

package refmon_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// folders are the folders of this repository that workflows use.
const folders = `\.ci|packaging|record|cmd|examples|internal|server|docs|capi`

// named are words of a workflow that name something in this repository: a path below one of its folders (on Windows
// with backslashes), and arguments of make and .ci/run.
var (
	named  = regexp.MustCompile(`(?:^|[\s'"=(,/\\])((?:` + folders + `)[/\\][^\s'",;)]+)`)
	made   = regexp.MustCompile(`(?:&& |; |run: )make ([a-z-]+)`)
	listed = regexp.MustCompile(`(?m)^ +list: \[(.*)\]$`)
)

// TestWorkflowsNameExistingFiles checks that the files and commands that the workflows run exist. Workflows run
// elsewhere, long after a folder was moved.
func TestWorkflowsNameExistingFiles(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	check.RequireThat(t, err == nil && len(files) == 3, "%v, %v: test, record and release are wanted", files, err)
	steps, err := exec.Command("bash", ".ci/run", "--list").Output()
	check.NoError(t, err)
	makefile, err := os.ReadFile("Makefile")
	check.NoError(t, err)
	paths, targets, lists := 0, 0, 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		check.NoError(t, err)
		for _, w := range named.FindAllStringSubmatch(string(b), -1) {
			paths++
			if at, err := filepath.Glob(strings.ReplaceAll(w[1], `\`, "/")); err != nil || at == nil {
				t.Errorf("%s names %s, which is not here", name, w[1])
			}
		}
		for _, w := range made.FindAllStringSubmatch(string(b), -1) {
			targets++
			check.That(t, strings.Contains(string(makefile), "\n"+w[1]+":"),
				"%s makes %s, which is not a target of the Makefile", name, w[1])
		}
		for _, w := range listed.FindAllStringSubmatch(string(b), -1) {
			for step := range strings.SplitSeq(w[1], ", ") {
				lists++
				check.That(t, step == "core" || step == "server" || strings.Contains(string(steps), "\n"+step+" "),
					"%s runs .ci/run %s, which is neither a list nor a step", name, step)
			}
		}
	}
	check.That(t, paths >= 8 && targets >= 2 && lists >= 3,
		"%d paths, %d targets and %d lists were found: the patterns do not fit the workflows", paths, targets, lists)
}

// leftOut are the lines of .ci/run with the names of tests that a step does not run.
var leftOut = regexp.MustCompile(`(?m)(?:later|ran|one)\+?='(.*)'$`)

// TestSkippedTestsOfCIRunElsewhere checks that a test that a step of .ci/run skips exists, and that another step runs
// it if it has to.
func TestSkippedTestsOfCIRunElsewhere(t *testing.T) {
	b, err := os.ReadFile(".ci/run")
	check.NoError(t, err)
	script, there := string(b), map[string]bool{}
	err = filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		for _, f := range tests.FindAllSubmatch(source, -1) {
			there[string(f[1])] = true
		}
		return err
	})
	check.NoError(t, err)
	names := 0
	for _, line := range leftOut.FindAllStringSubmatch(script, -1) {
		for name := range strings.SplitSeq(strings.Trim(line[1], "|"), "|") {
			names++
			check.That(t, there[name] || strings.Contains(name, ".*"),
				".ci/run leaves out %s, and there is no such test", name)
			// The race detector runs the tests of step test. server-test and record run those of the other modules.
			runs := 0
			for _, end := range []string{"|", ")", "$", "'"} {
				runs += strings.Count(script, name+end)
			}
			check.That(t, strings.HasPrefix(line[0], "one") || strings.HasSuffix(name, "ModuleTestsPass") || runs >= 2,
				".ci/run leaves out %s, and no other step runs it", name)
		}
	}
	check.That(t, names >= 40, "%d names were found: the pattern does not fit .ci/run, want at least 40", names)
}

var tests = regexp.MustCompile(`(?m)^func (Test\w*)\(`)

// TestBuildKeepsFilesThatItDidNotMake checks that packaging/build.sh replaces the files of an earlier release, as
// SHA256SUMS lists them, and refuses a folder with other files unchanged. A build that fails keeps the earlier release.
func TestBuildKeepsFilesThatItDidNotMake(t *testing.T) {
	tools := t.TempDir()
	compiler := "#!/bin/sh\n[ -z \"$BROKEN\" ] || exit 1\nwhile [ \"$1\" != -o ]; do shift; done\necho >\"$2/refmon\"\n"
	check.NoError(t, os.WriteFile(filepath.Join(tools, "go"), []byte(compiler), 0o700))
	for name, c := range map[string]struct {
		files map[string]string
		kept  bool
	}{
		"no release":        {files: map[string]string{"thesis": ""}, kept: true},
		"a release":         {files: map[string]string{"SHA256SUMS": sums, "a.tar.gz": ""}},
		"a release and one": {files: map[string]string{"SHA256SUMS": sums, "a.tar.gz": "", "thesis": ""}, kept: true},
		"a hidden file":     {files: map[string]string{"SHA256SUMS": sums, ".thesis": ""}, kept: true},
		"other sums":        {files: map[string]string{"SHA256SUMS": "thesis\n", "thesis": ""}, kept: true},
	} {
		dir := t.TempDir()
		for f, text := range c.files {
			check.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600))
		}
		for _, broken := range []string{"1", ""} {
			cmd := exec.Command("bash", "packaging/build.sh", dir)
			cmd.Env = append(os.Environ(), "TARGETS=darwin/amd64", "FORMATS=tar", "QUICK=1", "BROKEN="+broken,
				"PATH="+tools+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			left := check.Must(os.ReadDir(dir))
			_, gone := os.Stat(filepath.Join(dir, "a.tar.gz"))
			refused := strings.Contains(string(out), "has other things in it")
			built := !c.kept && broken == ""
			if refused != c.kept || (err == nil) != built || len(left) != len(c.files) || built && gone == nil {
				t.Errorf("%s, broken %q: refused %t, want %t; left %v\n%s", name, broken, refused, c.kept, left, out)
			}
		}
	}
}

const sums = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.tar.gz\n"

// TestUninstallRemovesWhatInstallInstalled checks that make uninstall removes those files, and no others, also if a
// folder has a blank in its name.
func TestUninstallRemovesWhatInstallInstalled(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	dir := t.TempDir()
	built := []string{"include/refmon/nt.h", "lib/librefmon.so.0", "lib/pkgconfig/refmon.pc", "lib/pkgconfig/refmonk.pc"}
	own := []string{"a b/usr local/bin/refmon"}
	for i, f := range built {
		own, built[i] = append(own, "a b/usr local/"+f), "built/"+f
	}
	others := []string{"a", "b/usr", "a b/usr local/bin/other", "a b/usr local/include/x.h",
		"a b/usr local/lib/libx.so"}
	for _, f := range slices.Concat(own[:1], built, others) {
		check.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o700))
		check.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte("prefix=\nlibdir=\n"), 0o600))
	}
	install := exec.Command("bash", "packaging/install-c.sh", dir+"/built", dir+"/a b", "/usr local", "/usr local/lib")
	out, err := install.CombinedOutput()
	check.That(t, err == nil, "%v\n%s", err, out)
	text, err := os.ReadFile(dir + "/a b/usr local/lib/pkgconfig/refmon.pc")
	check.NoError(t, err)
	check.Equal(t, string(text), "prefix=/usr\\ local\nlibdir=/usr\\ local/lib\n", "refmon.pc")
	out, err = exec.Command("make", "uninstall", "DESTDIR="+dir+"/a b", "PREFIX=/usr local").CombinedOutput()
	check.That(t, err == nil, "%v\n%s", err, out)
	for _, f := range own {
		check.That(t, check.Err(os.Stat(filepath.Join(dir, f))) != nil, "%s is left", f)
	}
	for _, f := range others {
		check.NoError(t, check.Err(os.Stat(filepath.Join(dir, f))))
	}
}

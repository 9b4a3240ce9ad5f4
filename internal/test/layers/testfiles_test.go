package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// testFileName is the fault of a test file that a reader cannot find from the code: no code file of its folder has its
// stem.
const testFileName = "test-file-name"

// maxStray is the sum that testdata/house.txt may allow of it, over all folders of the three modules.
const maxStray = 122

// suffixes are the words after the stem of the code file: platforms, then kinds of test.
var suffixes = []string{
	"linux", "unix", "windows", "darwin", "other", "amd64", "arm64", "386", "js", "wasm", "cgo", "nocgo",
	"alloc", "audit", "bench", "crash", "errors", "example", "fuzz", "internal", "limits",
	"race", "samba", "stress", "twin",
}

// sources are the endings of code that a test written in Go may be named after.
var sources = []string{".go", ".c", ".h", ".py", ".js", ".html", ".star", ".sh"}

// stem returns a file's name without its ending, _test, and suffixes.
func stem(name string) string {
	s := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), path.Ext(name)), "_test")
	for {
		cut := strings.LastIndexByte(s, '_')
		if cut < 0 || !slices.Contains(suffixes, s[cut+1:]) {
			return s
		}
		s = s[:cut]
	}
}

// strayTests finds the test files among names whose stem no code file of the same folder has.
func strayTests(names []string) tally {
	code := map[string]bool{} // by folder and stem
	for _, n := range names {
		if slices.Contains(sources, path.Ext(n)) && !strings.HasSuffix(n, "_test.go") {
			code[path.Join(path.Dir(n), stem(n))] = true
		}
	}
	found := tally{}
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") && !strings.Contains(n, "testdata/") && !code[path.Join(path.Dir(n), stem(n))] {
			found.add(n, finding{testFileName, n, fmt.Sprintf("no %s.go: name it after the code it tests", stem(n))})
		}
	}
	return found
}

// TestStrayTestFilesStayBelowCeiling bounds the total over all folders, so that a new folder cannot add its own
// allowance.
func TestStrayTestFilesStayBelowCeiling(t *testing.T) {
	sum := 0
	for k, n := range readCeilings(t) {
		if strings.HasSuffix(k, " "+testFileName) {
			sum += n
		}
	}
	if sum > maxStray {
		t.Errorf("%s allows %d test files without a code file of their name, the ceiling is %d, want at most %d",
			ceilings, sum, maxStray, maxStray)
	}
}

// servicesFolder holds the services, a method of Context each.
const servicesFolder = "../../ntos/services"

// service is the name of a method that a table of services has.
var service = regexp.MustCompile(`^(Nt|Lsa)[A-Z]`)

// TestEachServiceHasTestInSiblingFile checks that x_test.go calls each service that x.go declares, or has a test of the
// service's name: a reader finds the tests of a service from its file (docs/testing.md).
func TestEachServiceHasTestInSiblingFile(t *testing.T) {
	sources := check.Must(filepath.Glob(servicesFolder + "/*.go"))
	found := 0
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		f := check.Must(parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution))
		beside := strings.TrimSuffix(source, ".go") + "_test.go"
		tests, err := os.ReadFile(beside)
		check.RequireThat(t, err == nil || os.IsNotExist(err), "%v", err)
		for _, d := range f.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Recv == nil || !service.MatchString(method.Name.Name) {
				continue
			}
			found++
			if name := method.Name.Name; !testsService(string(tests), name) {
				t.Errorf("%s neither calls %s nor has a Test%s", filepath.Base(beside), name, name)
			}
		}
	}
	check.That(t, found >= 110, "found %d services, want at least 110", found)
}

// testsService reports whether a test file calls a service or has a test of its name.
func testsService(tests, name string) bool {
	return strings.Contains(tests, "."+name+"(") || strings.Contains(tests, "func Test"+name+"(")
}

package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// modules are the folders of the modules whose imports are checked.
var modules = []string{".", "record", "server"}

const modulePath = "github.com/refmon/refmon"

// An edge is an import of one package by another. Both are folders below the repository's root;
// a package outside the repository is its import path.
type edge struct{ from, to string }

// A sentence is one of the sentences of section 2 of docs/DESIGN.md.
type sentence struct {
	text  string
	wrong func(e edge) bool
}

// within reports whether a package is one of the folders or below one.
func within(p string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(l string) bool { return p == l || strings.HasPrefix(p, l+"/") })
}

// external reports whether a package is of no module of this repository and not of the standard
// library: its first element has a dot.
func external(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".") && p != "."
}

// effects are the imports that the core must not have: their results depend on the machine, the clock or the
// scheduler. net/netip and sync/atomic do not.
var effects = []string{
	"C", "context", "log", "net", "os", "plugin", "runtime/debug", "sync", "syscall", "testing", "time",
}

// kernelRoom are the kernel and its parts. The others are its Go faces and the wire protocol: they
// link no library either, so that a program that imports them stays small.
var (
	kernelRoom = []string{"cache", "internal/ntos", "internal/quota", "kernel", "nt"}
	faces      = []string{"auditlog", "client", "hostfs", "internal/beneath", "internal/wire", "treefs"}
	small      = map[string]string{"auditlog": "golang.org/x/mod"} // allowed in addition to x/sys
)

// programs are the folders of the server module that serve one program. The rest of the module is
// shared: inspect, auth, lsa, internal, systemd and watch, whose watcher runs in refmond and in refmon-index.
var programs = map[string][]string{
	"refmond":        {"server/cmd/refmond", "server/daemon", "server/lsa/admin", "server/lsa/host", "server/mount"},
	"refmon-gateway": {"server/cmd/refmon-gateway", "server/gateway"},
	"refmon-index": {"server/cmd/refmon-index", "server/index/cluster", "server/index/postgres", "server/index/queries",
		"server/index/roster"},
}

// programOf returns the program that alone uses a package, "" for a shared package.
func programOf(p string) string {
	for program, folders := range programs {
		if within(p, folders...) {
			return program
		}
	}
	return ""
}

var (
	commands    = []string{"cmd", "record/cmd", "server/cmd"}
	yamlReaders = []string{"internal/cli/expect", "internal/directory/dirfile", "internal/objects", "server/authzen",
		"server/cmd", "server/index/cluster/deploy", "server/lsa"}
)

// sentences returns the five, and a sixth that keeps test code out of programs.
func sentences(core []string) []sentence {
	isCore := func(p string) bool { return slices.Contains(core, p) }
	std := func(p string) bool { return !external(p) && !isOurs(p) }
	return []sentence{
		{"the core imports only the core, and of the standard library what has no effects", func(e edge) bool {
			effect := within(e.to, effects...) && e.to != "net/netip" && e.to != "sync/atomic"
			return isCore(e.from) && (!isCore(e.to) && !std(e.to) || std(e.to) && effect)
		}},
		{"the kernel imports the core; it and its faces link golang.org/x/sys and no other library", func(e edge) bool {
			library := external(e.to) && !within(e.to, "golang.org/x/sys")
			switch {
			case within(e.from, kernelRoom...):
				return library || isOurs(e.to) && !isCore(e.to) && !within(e.to, kernelRoom...)
			case within(e.from, faces...):
				return library && (small[e.from] == "" || !within(e.to, small[e.from]))
			}
			return false
		}},
		{"no package of server/ that serves one program is imported by another program's", func(e edge) bool {
			owner := programOf(e.to)
			// The index on one machine is refmon-index's, too, and reads without that program's other packages.
			return owner != "" && programOf(e.from) != owner ||
				e.to == "server/index" && !within(e.from, "server/index", "server/cmd/refmon-index")
		}},
		{"nothing outside cmd and internal/cli imports internal/cli", func(e edge) bool {
			return within(e.to, "internal/cli") && !within(e.from, "internal/cli") && !within(e.from, commands...) &&
				!within(e.from, "internal/test")
		}},
		{"kong and Starlark are imported only there, YAML only by its readers", func(e edge) bool {
			switch {
			case within(e.to, "github.com/alecthomas/kong", "go.starlark.net"):
				return !within(e.from, "internal/cli") && !within(e.from, commands...)
			case within(e.to, "github.com/goccy/go-yaml"):
				return e.from != "internal/strictyaml"
			case e.to == "internal/strictyaml":
				return !within(e.from, yamlReaders...)
			}
			return false
		}},
		{"only tests import internal/test", func(e edge) bool {
			return within(e.to, "internal/test", "server/internal/test") &&
				!within(e.from, "internal/test", "server/internal/test")
		}},
	}
}

// ours are the first elements of the paths of this repository's packages.
var ours = sync.OnceValue(func() map[string]bool {
	entries, _ := os.ReadDir(root) // a folder that cannot be read has no edges either
	first := map[string]bool{".": true}
	for _, e := range entries {
		first[e.Name()] = e.IsDir()
	}
	return first
})

// isOurs reports whether a package, written as in an edge, is one of this repository.
func isOurs(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(p)))
	return ours()[first] && err == nil
}

// readCore returns the packages of testdata/core.txt.
func readCore(t *testing.T) (core []string) {
	t.Helper()
	b := check.Must(os.ReadFile("testdata/core.txt"))
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			core = append(core, line)
		}
	}
	return core
}

// edges returns the imports of all packages of the three modules, without those of tests.
func edges(t *testing.T) []edge {
	t.Helper()
	all := map[edge]bool{}
	for _, m := range modules {
		top := filepath.Join(root, m)
		err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && p != top && skipped(p, d.Name()):
				return filepath.SkipDir
			case d.IsDir() || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go"):
				return nil
			}
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			syntax, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range syntax.Imports {
				to, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
				if to == modulePath {
					to = "."
				}
				all[edge{path.Dir(filepath.ToSlash(rel)), strings.TrimPrefix(to, modulePath+"/")}] = true
			}
			return nil
		})
		check.NoError(t, err)
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b edge) int {
		return strings.Compare(a.from+" "+a.to, b.from+" "+b.to)
	})
}

func TestImportsFollowTheSentences(t *testing.T) {
	all := edges(t)
	check.That(t, len(all) >= 1000, "found %d imports, want at least 1000 in three modules", len(all))
	for _, s := range sentences(readCore(t)) {
		for _, e := range all {
			check.That(t, !s.wrong(e), "%s imports %s: %s", e.from, e.to, s.text)
		}
	}
}

// Each sentence finds the imports that it forbids, and no others.
func TestWrongImportsAreFound(t *testing.T) {
	rules := sentences(readCore(t))
	for _, c := range []struct {
		edge
		broken int // the sentence, from 1; 0: none
	}{
		{edge{"access", "token"}, 0}, {edge{"access", "sync/atomic"}, 0}, {edge{"access", "net/netip"}, 0},
		{edge{"access", "kernel"}, 1}, {edge{"sd", "os"}, 1}, {edge{"sd", "sync"}, 1}, {edge{"sid", "os/exec"}, 1},
		{edge{"sid", "golang.org/x/sys/unix"}, 1}, {edge{"claims", "log/slog"}, 1},
		{edge{"kernel", "access"}, 0}, {edge{"internal/ntos/ob", "sync"}, 0}, {edge{"internal/ntos/ob", "nt"}, 0},
		{edge{"internal/ntos/ob", "client"}, 2}, {edge{"nt", "golang.org/x/mod/sumdb"}, 2},
		{edge{"auditlog", "golang.org/x/mod/sumdb/tlog"}, 0}, {edge{"hostfs", "golang.org/x/mod/sumdb/tlog"}, 2},
		{edge{"client", "golang.org/x/sys/unix"}, 0}, {edge{"treefs", "kernel"}, 0},
		{edge{"server/gateway", "server/inspect"}, 0}, {edge{"server/gateway", "server/daemon"}, 3},
		{edge{"server/cmd/refmond", "server/daemon"}, 0}, {edge{"server/cmd/refmond", "server/index/postgres"}, 3},
		{edge{"server/watch/feed", "server/index"}, 3}, {edge{"server/cmd/refmon-index", "server/index"}, 0},
		{edge{"server/inspect", "server/daemon"}, 3}, {edge{"server/index", "server/index/cluster/stages"}, 3},
		{edge{"cmd/refmon", "internal/cli/bulk"}, 0}, {edge{"internal/cli/bulk", "internal/cli/columns"}, 0},
		{edge{"internal/objects", "internal/cli/batch"}, 4}, {edge{"server/index", "internal/cli/bulk"}, 4},
		{edge{"record/cmd/refmon-record", "internal/cli/replay"}, 0},
		{edge{"cmd/refmon", "github.com/alecthomas/kong"}, 0}, {edge{"server/daemon", "go.starlark.net/starlark"}, 5},
		{edge{"internal/calltext", "go.starlark.net/syntax"}, 5}, {edge{"internal/strict", "github.com/alecthomas/kong"}, 1},
		{edge{"server/lsa", "internal/strictyaml"}, 0}, {edge{"server/lsa", "github.com/goccy/go-yaml"}, 5},
		{edge{"internal/directory", "internal/strictyaml"}, 5}, {edge{"kernel", "internal/test/model"}, 2},
		{edge{"treefs", "internal/test/bare"}, 6}, {edge{"internal/test/wired", "internal/test/bare"}, 0},
	} {
		broken := 0
		for i, s := range rules {
			if broken == 0 && s.wrong(c.edge) {
				broken = i + 1
			}
		}
		check.Equal(t, broken, c.broken, "%s imports %s: breaks sentence", c.from, c.to)
	}
}

// linksNone are the packages that a program's whole import graph does not reach.
var linksNone = map[string][]string{
	"server/cmd/refmon-gateway": {"kernel", "internal/ntos", "go.starlark.net", "go.etcd.io", "server/daemon",
		"server/index"},
	"server/cmd/refmon-index": {"kernel", "internal/ntos", "go.starlark.net"},
	"server/cmd/refmond":      {"go.starlark.net", "server/gateway", "server/index", "internal/cli/script"},
	"cmd/refmon-verify":       {"access", "kernel", "github.com/alecthomas/kong"},
}

func TestProgramsLinkOnlyWhatTheyNeed(t *testing.T) {
	all := edges(t)
	for program, none := range linksNone {
		if w := importPath(all, program, none); w != nil {
			t.Errorf("%s links %s: %s", program, w[len(w)-1], strings.Join(w, " imports "))
		}
	}
	chain := []edge{{"a", "b"}, {"b", "c/d"}, {"x", "c"}}
	w := importPath(chain, "a", []string{"c"})
	check.That(t, slices.Equal(w, []string{"a", "b", "c/d"}), "the way from a to c: %v", w)
	w = importPath(chain, "b", []string{"a"})
	check.That(t, w == nil, "the way from b to a: %v, want nil", w)
}

// importPath returns the imports by which a package reaches one of some folders, nil if it does not.
func importPath(all []edge, from string, folders []string) []string {
	next := map[string][]string{}
	for _, e := range all {
		next[e.from] = append(next[e.from], e.to)
	}
	seen := map[string]bool{}
	var walk func(way []string) []string
	walk = func(way []string) []string {
		last := way[len(way)-1]
		if within(last, folders...) {
			return way
		}
		if seen[last] {
			return nil
		}
		seen[last] = true
		for _, to := range next[last] {
			if w := walk(append(slices.Clone(way), to)); w != nil {
				return w
			}
		}
		return nil
	}
	return walk([]string{from})
}

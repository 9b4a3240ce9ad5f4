package mutants

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// writeFiles writes files below a folder.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		to := filepath.Join(dir, name)
		check.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, []byte(text), 0o600)))
	}
}

// TestDrawAsksThePackageThenItsImporters draws all mutants of three functions: the first is tested by its package, the
// second by an importer, the third by nobody.
func TestDrawAsksThePackageThenItsImporters(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it compiles programs")
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n",
		"p/p.go": "package p\n\nfunc Less(a, b int) bool { return a < b }\n\nfunc Yes() bool { return true }\n\n" +
			"func No() bool { return false }\n",
		"p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestLess(t *testing.T) {\n" +
			"\tif Less(1, 1) || !Less(1, 2) {\n\t\tt.Fail()\n\t}\n}\n",
		"q/q_test.go": "package q\n\nimport (\n\t\"testing\"\n\n\t\"example.org/m/p\"\n)\n\n" +
			"func TestYes(t *testing.T) {\n\tif !p.Yes() {\n\t\tt.Fail()\n\t}\n}\n",
	})
	r := Runner{Root: dir, Scratch: t.TempDir()}
	d, err := NewDrawer(&r, "all", "", 1)
	check.NoError(t, err)
	d.equivalent = map[string]string{key("p", "Less", "sibling", "a < b", "b < b"): "a reason"}
	got := map[string]string{}
	for {
		m, err := d.Draw()
		if err != nil {
			break // all were drawn
		}
		killer, err := d.Try(m)
		check.NoError(t, err)
		got[m.New] = killer
	}
	want := map[string]string{
		"a <= b": "p TestLess", "a < a": "p TestLess", "return false": "q TestYes", "return true": "",
	}
	check.That(t, len(got) == len(want), "got %q, want %q", got, want)
	for text, killer := range want {
		check.Equal(t, got[text], killer, "%s: got killed by", text)
	}
	check.That(t, d.Known == 1, "got %d recorded mutants, want 1", d.Known)

	writeFiles(t, dir, map[string]string{
		"p/red_test.go": "package p\n\nimport \"testing\"\n\nfunc TestRed(t *testing.T) { t.Fail() }\n"})
	d, err = NewDrawer(&r, "all", "", 1)
	check.NoError(t, err)
	m := Drawn{Folder: "p", path: filepath.Join(dir, "p/p.go"),
		changed: []byte("package p\n\nfunc Less(a, b int) bool { return a < b }\n")}
	if killer, err := d.Try(m); !errors.Is(err, errRed) {
		t.Errorf("a test that always fails: got %q, %v, want %v", killer, err, errRed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Context = ctx
	if killer, err := d.Try(m); !errors.Is(err, ErrTime) {
		t.Errorf("after the time: got %q, %v, want %v", killer, err, ErrTime)
	}
}

func TestDrawRejectsUnknownScope(t *testing.T) {
	const want = "want one of all, core"
	if _, err := NewDrawer(&Runner{Root: root}, "cellar", "", 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestScopesSelectFolders(t *testing.T) {
	core := []string{"access"}
	for folder, want := range map[string]string{
		"access": "all core", "hostfs": "all outside", "capi": "all capi", "server/lsa": "all outside server",
		"internal/test/rules": "", "server/internal/test/forge": "", "examples/x": "", "web": "",
	} {
		var got []string
		for _, room := range Rooms {
			if inRoom(room, folder, core) {
				got = append(got, room)
			}
		}
		check.That(t, strings.Join(got, " ") == want, "%s: got rooms %q, want %q", folder, got, want)
	}
}

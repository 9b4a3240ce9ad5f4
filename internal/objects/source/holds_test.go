package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
)

// Holds depends on the first object. It is false for a missing or unreadable file.
func TestHoldsDependsOnFirstObject(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	const good, bad = `{"path":"/a","sd":"O:BAG:BAD:(A;;FA;;;DU)"}` + "\n", `{"path":"/b","sd":"O:"}` + "\n"
	for name, want := range map[string]bool{
		file("good.jsonl", good): true, file("later.jsonl", good+bad): true, file("long.jsonl",
			good+strings.Repeat(good, 10_000)): true,
		file("bad.jsonl", bad+good): false, file("empty.jsonl", ""): false, file("text.jsonl", "hello\n"): false,
		dir: false, filepath.Join(dir, "none.jsonl"): false,
	} {
		check.Equal(t, source.Holds(name), want, "%s holds objects", filepath.Base(name))
	}
}

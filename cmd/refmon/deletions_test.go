package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestSecondRunDeletesMissingFiles checks that the outputs of a run, and of a second one over half of its files, leave
// a strict reader with exactly the existing files, in each format that is applied line by line (B-19). A third run over
// the same files repeats no deletion, and a run that cannot start leaves the earlier output.
func TestSecondRunDeletesMissingFiles(t *testing.T) {
	for _, format := range []string{"es-bulk", "jsonl", "for-index"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			tree, out, people := filepath.Join(dir, "tree"), filepath.Join(dir, "out"), filepath.Join(dir, "people.yaml")
			check.NoError(t, os.WriteFile(people, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
			check.NoError(t, os.Mkdir(tree, 0o755))
			name := func(i int) string {
				return filepath.Join(tree, fmt.Sprintf("%d \"q\" \\ <&> %s", i, strings.Repeat("x", i)))
			}
			want := []string{tree}
			for i := range 100 {
				check.NoError(t, os.WriteFile(name(i), nil, 0o644))
			}
			args := []string{"who-can", "read", tree, "-r", "-d", people, "--out", out, "--quiet"}
			if format == "for-index" {
				args = append(args, "--for-index")
			} else {
				args = append(args, "--format", format)
			}
			documents := map[string]bool{}
			apply := func() (deleted int) {
				t.Helper()
				if code, _, errs := asked(args...); code != 0 {
					t.Fatalf("exit code %d, want 0\n%s", code, errs)
				}
				text := check.Must(os.ReadFile(out))
				return applied(t, documents, format, string(text))
			}
			apply()
			// A document that the earlier output has twice is deleted once.
			text := check.Must(os.ReadFile(out))
			check.NoError(t, os.WriteFile(out, append(text, text...), 0o600))
			for i := range 100 {
				if i%2 == 0 {
					want = append(want, name(i))
				} else if err := os.Remove(name(i)); err != nil {
					t.Fatal(err)
				}
			}
			check.Equal(t, apply(), 50, "B-19: deletions")
			slices.Sort(want)
			var got []string
			for path := range documents {
				got = append(got, path)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("B-19: %d documents, want %d: %q", len(got), len(want), got)
			}
			if deleted := apply(); deleted != 0 || len(documents) != len(want) {
				t.Errorf("B-19: a third run deletes %d, of %d documents, want 0, %d", deleted, len(documents),
					len(want))
			}
			if _, err := os.Stat(out + ".new"); err == nil {
				t.Error("the temporary file next to the output still exists, want it removed")
			}
		})
	}
}

// applied applies lines to documents by their paths, and returns how many were deleted. Unknown lines are errors.
func applied(t *testing.T, documents map[string]bool, format, text string) (deleted int) {
	t.Helper()
	next := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for len(next) > 0 {
		var x struct {
			Path          string
			Gone          bool
			Index, Delete *struct {
				ID string `json:"_id"`
			}
		}
		if err := json.Unmarshal([]byte(next[0]), &x); err != nil {
			t.Fatalf("line %s is not JSON: %v, want JSON", next[0], err)
		}
		next = next[1:]
		switch {
		case format == "es-bulk" && x.Index != nil:
			documents[x.Index.ID] = true
			next = next[1:]
		case format == "es-bulk" && x.Delete != nil:
			delete(documents, x.Delete.ID)
			deleted++
		case format == "es-bulk":
			t.Fatalf("line without an action: %+v, want index or delete", x)
		case x.Gone:
			delete(documents, x.Path)
			deleted++
		case x.Path != "":
			documents[x.Path] = true
		}
	}
	return deleted
}

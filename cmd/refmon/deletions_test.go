package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestSecondRunDeletesMissingFiles checks that the outputs of a run, and of a second one over half of its files, leave
// a strict reader with exactly the existing files, in each format that is applied line by line (B-19). A third run over
// the same files repeats no deletion, and a run that cannot start leaves the earlier output.
func TestSecondRunDeletesMissingFiles(t *testing.T) {
	for _, format := range []string{"es-bulk", "jsonl", "for-index"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			tree, out, people := filepath.Join(dir, "tree"), filepath.Join(dir, "out"), filepath.Join(dir, "people.yaml")
			writePeople(t, people)
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
				if code, _, errs := runLine(args...); code != 0 {
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
			left := check.Must(filepath.Glob(out + ".new*"))
			check.Equal(t, len(left), 0, "temporary files next to the output: %q", left)
		})
	}
}

// TestUnvisitedDocumentsAreNotDeleted checks that a run does not delete documents that it did not look for: it refuses
// the output of an earlier run over more files. With --force it writes over the output without deletions (B-90).
func TestUnvisitedDocumentsAreNotDeleted(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	check.NoError(t, os.MkdirAll("s/d/e", 0o755))
	check.NoError(t, os.Mkdir("s/pub", 0o755))
	writePeople(t, "people.yaml")
	run := func(format string, more ...string) (int, string) {
		t.Helper()
		code, _, errs := runLine(append([]string{"who-can", "read", "-d", "people.yaml", "--format", format, "--out", "out",
			"-q"}, more...)...)
		return code, errs
	}
	for _, format := range []string{"es-bulk", "jsonl"} {
		code, errs := run(format, "s", "-r", "--force")
		check.RequireThat(t, code == 0, "exit code %d: %s", code, errs)
		before := string(check.Must(os.ReadFile("out")))
		for _, flags := range []string{"s", "s/pub -r", "s --depth 1", "s -r --exclude e",
			". --depth 2"} {
			code, errs := run(format, strings.Fields(flags)...)
			check.That(t, code == 2 && strings.Contains(errs, "--force to overwrite it and keep such documents"), "%s: %d, %s",
				flags, code, errs)
			check.Equal(t, string(check.Must(os.ReadFile("out"))), before, "out after %s", flags)
		}
		for _, flags := range []string{"./s -r", "s --depth 2", ". --depth 3", "s -r --exclude s",
			"s -r --only dirs"} {
			check.NoError(t, os.WriteFile("out", []byte(before), 0o600))
			code, errs := run(format, strings.Fields(flags)...)
			check.That(t, code == 0, "%s: %d, %s", flags, code, errs)
		}
		check.NoError(t, os.WriteFile("out", []byte(before), 0o600))
		code, errs = run(format, "s", "-r", "--only", "files", "--force")
		check.That(t, code == 2 && string(check.Must(os.ReadFile("out"))) == before, "no files: %d, %s", code, errs)
		code, errs = run(format, "s/pub", "--force")
		text := string(check.Must(os.ReadFile("out")))
		check.That(t, code == 0 && !strings.Contains(text, "delete") && !strings.Contains(text, "gone"), "%d, %s, %s", code,
			errs, text)
	}
}

// TestDocumentsBelowUnreadableFolderStayKnown checks that a document below a folder that could not be read gets a row
// with an error in place of a deletion, so that nobody can read it, and a later run can delete it (B-90).
func TestDocumentsBelowUnreadableFolderStayKnown(t *testing.T) {
	t.Chdir(t.TempDir())
	writePeople(t, "people.yaml")
	long := "/s/<d>/" + strings.Repeat("x", 600)
	row := func(path string) string { return `{"path":"` + path + `","sd":"O:BAG:BAD:(A;;FR;;;WD)"}` + "\n" }
	for _, format := range []string{"es-bulk", "jsonl", "for-index"} {
		run := func(objects string, want int) (deleted int, documents map[string]bool, text string) {
			t.Helper()
			check.NoError(t, os.WriteFile("objects.jsonl", []byte(objects), 0o600))
			args := []string{"who-can", "read", "-o", "objects.jsonl", "-d", "people.yaml", "--out", format, "-q"}
			if format == "for-index" {
				args = append(args, "--for-index")
			} else {
				args = append(args, "--format", format)
			}
			code, _, errs := runLine(args...)
			check.Equal(t, code, want, "exit code: %s", errs)
			text, documents = string(check.Must(os.ReadFile(format))), map[string]bool{}
			deleted = applied(t, documents, format, text)
			says := count(deleted, "deletion", "deletions") + " at the end"
			check.Equal(t, strings.Contains(errs, says), deleted > 0, "%s: %q has the number of deletions", format, errs)
			return deleted, documents, text
		}
		run(row("/s")+row("/s/<d>")+row("/s/<d>/x/y")+row(long)+row("/s/<d>2")+row("/s/pub"), 0)
		for range 2 { // the second time, the rows with errors are those of the earlier output
			_, documents, text := run(row("/s")+`{"path":"/s/<d>","sd":"?"}`+"\n", 2)
			check.Equal(t, strings.Count(text, `"error":"a folder above it could not be read"`), 2, "%s: %s", format, text)
			check.Equal(t, len(documents), 4, "%s: documents", format)
		}
		deleted, documents, _ := run(row("/s"), 0)
		check.That(t, deleted == 3 && len(documents) == 1, "%s: %d deletions, want 3; %v", format, deleted, documents)
	}
}

// TestSelectionDeletesOnlyWhatItSelects checks that a run over some objects of a file can be repeated, deletes those of
// them that are gone, and refuses the output of a run over others (B-90).
func TestSelectionDeletesOnlyWhatItSelects(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, os.WriteFile("people.yaml", []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
	row := func(path, typ string) string {
		return `{"path":"` + path + `","type":"` + typ + `","sd":"O:BAG:BAD:(A;;FR;;;WD)"}` + "\n"
	}
	sd := check.Must(sddl.Parse("O:SYG:SYD:(A;;FA;;;WD)", sddl.Options{}))
	managed := base64.StdEncoding.EncodeToString(sd.Binary())
	entry := func(dn, class string) string {
		return "dn: " + dn + "\nobjectClass: " + class + "\nnTSecurityDescriptor: O:SYG:SYD:(A;;FA;;;WD)\n" +
			"msDS-GroupMSAMembership:: " + managed + "\n\n"
	}
	plain := strings.Replace(entry("CN=x,DC=x", "user"), "msDS-", "x", 1)
	for _, c := range []struct{ right, chosen, gone, left, flags string }{
		{"read", row("/d", "directory"), row("/e", "directory"), row("/d/f", "file"), "--only dirs"},
		{"read", row("/d", "file"), row("/e", "file"), row("/x", "file"), "/d /e"},
		{"DCSync", entry("DC=x", "domainDNS"), entry("DC=y", "domainDNS"), plain, ""},
		{"ReadGMSAPassword", entry("CN=a,DC=x", "user"), entry("CN=b,DC=x", "user"), plain, ""},
	} {
		run := func(right, flags, objects string, more ...string) (int, string, string) {
			t.Helper()
			check.NoError(t, os.WriteFile("objects", []byte(objects), 0o600))
			code, _, errs := runLine(slices.Concat([]string{"who-can", right, "-o", "objects", "-d", "people.yaml", "-f",
				"jsonl", "--out", "out", "-q"}, strings.Fields(flags), more)...)
			return code, errs, string(check.Must(os.ReadFile("out")))
		}
		all := c.chosen + c.gone + c.left
		for range 2 {
			code, errs, _ := run(c.right, c.flags, all, "--force")
			check.That(t, code == 0, "%s %s: %d, %s", c.right, c.flags, code, errs)
		}
		flags := strings.ReplaceAll(c.flags, " /e", "")
		code, errs, text := run(c.right, flags, c.chosen+c.left)
		check.That(t, code == 0 && strings.Count(text, `"gone"`) == 1 && strings.Count(text, "\n") == 2, "%s %s: %d, %s, %s",
			c.right, c.flags, code, errs, text)
		whole := "read"
		if strings.HasPrefix(all, "dn:") {
			whole = "GenericAll"
		}
		check.NoError(t, os.Remove("out"))
		check.NoError(t, os.WriteFile("out", nil, 0o600))
		code, errs, before := run(whole, "", all)
		check.That(t, code == 0, "%s: %d, %s", whole, code, errs)
		code, errs, text = run(c.right, flags, all)
		check.That(t, code == 2 && text == before && strings.Contains(errs, "this one leaves out its "), "%s %s: %d, %s",
			c.right, flags, code, errs)
		code, errs, text = run(c.right, flags, c.chosen+c.left, "--force")
		check.That(t, code == 0 && strings.Count(text, `"gone"`) == 1, "%s %s --force: %d, %s, %s", c.right, flags, code,
			errs, text)
		check.NoError(t, os.Remove("out"))
		check.NoError(t, os.WriteFile("out", nil, 0o600))
	}
}

// TestUnreadableRootHidesDocumentsInEachSpelling checks that a root that could not be read hides the documents of the
// earlier output below it, also with another spelling of the root in one of the runs (B-90).
func TestUnreadableRootHidesDocumentsInEachSpelling(t *testing.T) {
	hidden := map[string]string{"w": "w/a", "w/": "w/a", "./w": "w/a/b", "w//": "./w/a", ".": "./a", "./": "a/b",
		"/": "/a", `C:\`: `C:\a\b`, "..": "../a", "../..": "../../a/b"}
	for root, path := range hidden {
		d := &deletions{new: io.Discard}
		row := strings.Replace(string(check.Must(json.Marshal(map[string]string{"path": root}))), "}", `,"error":"x"}`, 1)
		check.Must(d.Write([]byte(row)))
		check.Must(d.Write([]byte("\n"))) // a row can come in two calls
		check.That(t, d.hidden(path), "%s does not hide %s", root, path)
		check.That(t, !d.hidden(root) && !d.hidden("../../.."), "%s hides itself or ../../..", root)
		if root != ".." {
			check.That(t, !d.hidden("../b"), "%s hides ../b", root)
		}
	}
}

// TestCutOutputHasItsLastDocument checks that the last document of an earlier output that was cut off is deleted too
// (B-19).
func TestCutOutputHasItsLastDocument(t *testing.T) {
	t.Chdir(t.TempDir())
	writePeople(t, "people.yaml")
	check.NoError(t, os.WriteFile("objects.jsonl", []byte(`{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;WD)"}`), 0o600))
	for _, end := range []string{"\n", ""} {
		// /a has another spelling there.
		check.NoError(t, os.WriteFile("out", []byte(`{"index":{"_id":"\u002fa"}}`+"\n{}\n"+`{"index":{"_id":"/gone"}}`+end),
			0o600))
		code, _, errs := runLine("who-can", "read", "-o", "objects.jsonl", "-d", "people.yaml", "--format", "es-bulk",
			"--out", "out", "-q")
		text := string(check.Must(os.ReadFile("out")))
		check.That(t, code == 0 && strings.Count(text, `{"delete":`) == 1 && strings.Contains(text, `{"_id":"/gone"}}`) &&
			errs == "refmon: 1 deletion at the end of out\n", "%d, %s%s", code, errs, text)
	}
}

// TestFailedRunKeepsEarlierSets checks that a run that fails leaves the table of sets of the earlier output as it was,
// and that the next run replaces both (B-19).
func TestFailedRunKeepsEarlierSets(t *testing.T) {
	t.Chdir(t.TempDir())
	writePeople(t, "people.yaml")
	run := func(objects string) (code int, index, sets string) {
		t.Helper()
		check.NoError(t, os.WriteFile("objects.jsonl", []byte(objects), 0o600))
		code, _, _ = runLine("who-can", "read", "-o", "objects.jsonl", "-d", "people.yaml", "--for-index", "--out", "index",
			"--sets", "sets", "-q")
		return code, string(check.Must(os.ReadFile("index"))), string(check.Must(os.ReadFile("sets")))
	}
	code, index, sets := run(`{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;WD)"}`)
	check.That(t, code == 0 && strings.Contains(sets, `"set":`), "exit code %d, sets %s", code, sets)
	code, again, after := run(`{"path":"/a"}`)
	left := check.Must(filepath.Glob("*.new*"))
	check.That(t, code == 2 && again == index && after == sets && left == nil, "exit code %d, %s, %s, %q", code, again,
		after, left)
	code, _, after = run(`{"path":"/a","sd":"O:BAG:BAD:"}`)
	check.That(t, code == 0 && after != sets && strings.Contains(after, `"count":0`), "exit code %d, %s", code, after)
	check.NoError(t, os.WriteFile("sets", []byte("a file of somebody\n"), 0o600))
	code, _, after = run(`{"path":"/a","sd":"O:BAG:BAD:"}`)
	check.That(t, code == 2 && after == "a file of somebody\n", "another file as sets: exit code %d, %s", code, after)
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

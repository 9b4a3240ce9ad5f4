package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	filetree "github.com/refmon/refmon/internal/objects/tree"

	"github.com/refmon/refmon/internal/test/check"
)

// closedFolder creates a tree of a searchable folder and one of mode 0700. Each has a file that Everyone may read,
// directly and in a subfolder. alice and admin are users of the directory. root is uid 0 of the host.
func closedFolder(t *testing.T) (tree, people string) {
	t.Helper()
	dir := check.Must(os.MkdirTemp("", "refmon-traverse-"))
	t.Cleanup(func() { os.RemoveAll(dir) })
	above := check.Must(filetree.FoldersTo(dir, nil))
	for _, folder := range above {
		if folder.Mode&1 == 0 {
			t.Skipf("%s has mode %04o: set TMPDIR to a folder that everybody may search", folder.Path, folder.Mode)
		}
	}
	tree, people = filepath.Join(dir, "tree"), filepath.Join(dir, "people.yaml")
	for _, folder := range []string{"open", "closed"} {
		at := filepath.Join(tree, folder)
		must(t, os.MkdirAll(filepath.Join(at, "mid"), 0o755))
		must(t, os.WriteFile(filepath.Join(at, "f"), nil, 0o644))
		must(t, os.WriteFile(filepath.Join(at, "mid", "f"), nil, 0o644))
	}
	must(t, os.Symlink("closed/mid", filepath.Join(tree, "link")))
	must(t, os.WriteFile(people, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 12345}\n"+
		"- {name: admin, sid: S-1-5-21-1-2-3-1108, memberOf: [BA]}\n"+
		"- {name: root, sid: S-1-5-21-1-2-3-1000, uid: 0}\n"), 0o644))
	for at, mode := range map[string]os.FileMode{dir: 0o755, tree: 0o755, filepath.Join(tree, "open"): 0o711,
		filepath.Join(tree, "closed"): 0o700} {
		must(t, os.Chmod(at, mode))
	}
	return tree, people
}

func must(t *testing.T, err error) {
	t.Helper()
	check.NoError(t, err)
}

// principals runs who-can and returns the principals of each row, by path.
func principals(t *testing.T, args ...string) map[string]string {
	t.Helper()
	code, out, errs := runLine(append([]string{"who-can", "read", "--format", "jsonl"}, args...)...)
	check.RequireThat(t, code == 0, "who-can: code %d: %s, want 0", code, errs)
	all := map[string]string{}
	for line := range strings.Lines(out) {
		var row struct {
			Path       string
			Principals []string
		}
		must(t, json.Unmarshal([]byte(line), &row))
		all[row.Path] = strings.Join(row.Principals, " ")
	}
	return all
}

// TestWhoCanSearchesFolders checks that below a folder of mode 0700 only uid 0 has rights, also if the path begins
// below the folder or leads through it by a link. --traverse never checks the object's descriptor alone (B-20).
func TestWhoCanSearchesFolders(t *testing.T) {
	tree, people := closedFolder(t)
	closed := filepath.Join(tree, "closed")
	everybody := "alice admin root"
	for _, c := range []struct {
		name string
		args []string
		want map[string]string
	}{
		{"tree", []string{tree, "-r"}, map[string]string{"open/f": everybody, "open/mid/f": everybody, "closed/f": "root",
			"closed/mid": "root", "closed/mid/f": "root"}},
		{"depth", []string{tree, "--depth", "2", "--only", "files"},
			map[string]string{"open/f": everybody, "closed/f": "root"}},
		{"below", []string{filepath.Join(closed, "mid"), "-r"},
			map[string]string{"closed/mid": "root", "closed/mid/f": "root"}},
		{"paths", []string{filepath.Join(tree, "open", "f"), filepath.Join(closed, "mid", "f")},
			map[string]string{"open/f": everybody, "closed/mid/f": "root"}},
		{"dots", []string{tree + "/open/../closed/f"}, map[string]string{"open/../closed/f": "root"}},
		{"link", []string{filepath.Join(tree, "link", "f")}, map[string]string{"link/f": "root"}},
		{"root of walk is a link", []string{filepath.Join(tree, "link"), "-r"}, map[string]string{"link/f": "root"}},
		{"never", []string{tree, "-r", "--traverse", "never"}, map[string]string{"open/f": everybody, "closed/f": everybody,
			"closed/mid/f": everybody}},
		{"host", []string{tree, "-r", "--traverse", "host"}, map[string]string{"open/f": everybody, "closed/f": "root"}},
	} {
		got := principals(t, append(c.args, "-d", people)...)
		for path, want := range c.want {
			if who, ok := got[tree+"/"+path]; !ok || who != want {
				t.Errorf("%s: %s: %q can read it, want %q", c.name, path, who, want)
			}
		}
	}
}

// Counts, groups, sets and expressions of who-can exclude users without the search permission on a folder on the way
// (B-20).
func TestWhoCanFormsSearchFolders(t *testing.T) {
	tree, people := closedFolder(t)
	file := filepath.Join(tree, "closed", "f")
	for _, c := range []struct {
		args []string
		want string
		not  string
	}{
		{[]string{"--count", "-f", "csv"}, file + ",read,1\n", ""},
		{[]string{"--no-names"}, "root", "alice"},
		{[]string{"-f", "es-bulk"}, `["sid:S-1-5-21-1-2-3-1000"]`, "1107"},
		{[]string{"--for-index"}, `"count":1,"ids":"2"`, `"count":3`},
		{[]string{"--for-index", "--expressions"}, `],["+S-1-22-1-0"`, `"count":3`},
	} {
		code, out, errs := runLine(append([]string{"who-can", "read", file, "-d", people}, c.args...)...)
		check.That(t, code == 0 && strings.Contains(out, c.want) && (c.not == "" || !strings.Contains(out, c.not)),
			"%v: code %d, want %q without %q:\n%s%s", c.args, code, c.want, c.not, out, errs)
	}
}

// TestWhatCanSearchesFolders checks that what-can lists rights on objects below a folder of mode 0700 for uid 0 only
// (B-20).
func TestWhatCanSearchesFolders(t *testing.T) {
	tree, people := closedFolder(t)
	for who, want := range map[string]bool{"alice": false, "admin": false, "root": true, "Everyone": false} {
		for folder, open := range map[string]bool{"open": true, "closed": want} {
			at := filepath.Join(tree, folder, "f")
			_, out, errs := runLine("what-can", who, at, "-d", people, "-f", "jsonl")
			if got := !strings.Contains(out, `"granted":"0x00000000"`); got != open {
				t.Errorf("%s, %s: granted %t, want %t: %s%s", who, folder, got, open, out, errs)
			}
		}
	}
}

// TestAccessSearchesFolders checks that access denies an object below a folder of mode 0700 and names the folder, in
// text and in JSON, also with a share that grants everything (B-20).
func TestAccessSearchesFolders(t *testing.T) {
	tree, people := closedFolder(t)
	closed := filepath.Join(tree, "closed")
	share := filepath.Join(filepath.Dir(tree), "smb.conf")
	must(t, os.WriteFile(share, []byte("[s]\npath = "+tree+"\nread only = no\nadmin users = admin\n"+
		"[forced]\npath = "+tree+"\nforce user = alice\n"), 0o644))
	for _, c := range []struct {
		who, path string
		args      []string
		want      int
	}{
		{"alice", "open/mid/f", nil, 0}, {"alice", "closed/f", nil, 1}, {"alice", "closed/mid/f", nil, 1},
		{"alice", "link/f", nil, 1}, {"admin", "closed/f", nil, 1}, {"root", "closed/f", nil, 0},
		{"alice", "closed/f", []string{"--traverse", "never"}, 0},
		{"alice", "closed/f", []string{"--json"}, 1},
		{"alice", "closed/f", []string{"--share", "D:(A;;FA;;;WD)"}, 1},
		{"alice", "open/f", []string{"--share", "D:(A;;FA;;;WD)"}, 0},
		{"alice", "closed/f", []string{"--share", share + ":s"}, 1},
		{"root", "closed/f", []string{"--share", share + ":forced"}, 1}, // alice opens the file (F-108)
		{"admin", "closed/f", []string{"--share", share + ":s"}, 0},     // admin users act as number 0 (F-108)
	} {
		args := []string{"access", filepath.Join(tree, c.path), "--as", c.who, "--want", "read", "-d", people}
		args = append(args, c.args...)
		code, out, errs := runLine(args...)
		named := strings.Contains(out, closed)
		if code != c.want || c.want == 1 && (!named || strings.Contains(out, "GRANTED")) {
			t.Errorf("%s, %s, %v: code %d, want %d; the folder is named: %t\n%s%s",
				c.who, c.path, c.args, code, c.want,
				named, out, errs)
		}
	}
}

// In a report files in a folder of mode 0700 are not a risk, and its table of users counts them only for users with
// the search permission (B-20).
func TestReportSearchesFolders(t *testing.T) {
	tree, people := closedFolder(t)
	for _, folder := range []string{"open", "closed"} {
		must(t, os.Chmod(filepath.Join(tree, folder, "f"), 0o666))
	}
	page := filepath.Join(filepath.Dir(tree), "page.html")
	for folder, want := range map[string]bool{"open": true, "closed": false} {
		code, _, errs := runLine("report", filepath.Join(tree, folder, "f"), "-d", people, "--out", page, "--force", "-q")
		text := check.Must(os.ReadFile(page))
		risk := fmt.Sprintf("<code>%s</code></td></tr>", filepath.Join(tree, folder, "f"))
		_, risky, _ := strings.Cut(string(text), "Riskiest")
		risky, _, _ = strings.Cut(risky, "<h2>")
		if noted := strings.Contains(string(text), "A folder on the way refuses"); noted == want {
			t.Errorf("%s: page mentions a folder that denies others: %t, want %t", folder, noted, !want)
		}
		check.That(t, code == 0 && strings.Contains(risky, risk) == want,
			"%s: code %d, listed as a risk: %t, want %t: %s\n%s", folder, code, !want, want, errs, risky)
	}
}

// TestObjectsFileHasNoFolders checks that rows of an objects file have no search permission, so that no folder is
// checked and --traverse host is rejected (B-20).
func TestObjectsFileHasNoFolders(t *testing.T) {
	tree, people := closedFolder(t)
	code, rows, _ := runLine("acl", "export", tree, "-r")
	check.RequireThat(t, code == 0, "%v", rows)
	file := filepath.Join(filepath.Dir(tree), "rows.jsonl")
	must(t, os.WriteFile(file, []byte(rows), 0o644))
	at := filepath.Join(tree, "closed", "f")
	if got := principals(t, "-o", file, "-d", people)[at]; got != "alice admin root" {
		t.Errorf(`%q can read the file's row, want "alice admin root"`, got)
	}
	if code, _, errs := runLine("who-can", "read", "-o", file, "-d", people, "--traverse", "host"); code != 2 ||
		!strings.Contains(errs, "--traverse host") {
		t.Errorf("who-can with --traverse host: exit code %d, %s, want 2 and the flag", code, errs)
	}
}

// An expectation about a file holds only if the host lets its principal search the folders above (B-20).
func TestExpectationsCountFoldersAbove(t *testing.T) {
	tree, people := closedFolder(t)
	file := filepath.Join(filepath.Dir(tree), "expect.yaml")
	must(t, os.WriteFile(file, []byte("directory: "+people+"\npaths: ["+tree+"]\nexpect:\n"+
		"- {who: [alice, root], on: "+tree+"/open/f, want: read, is: granted}\n"+
		"- {who: [alice, admin], on: "+tree+"/closed/f, want: read, is: denied}\n"+
		"- {who: alice, on: "+tree+"/closed/f, want: WRITE_OWNER, is: granted}\n"+ // which the file itself denies
		"- {who: alice, on: "+tree+"/closed/mid/f, want: read, is: granted}\n"), 0o644))
	code, out, errs := runLine("test", "-q", file)
	by := "\n      the folder " + tree + "/closed, by its mode or POSIX ACL: denied FILE_TRAVERSE: no entry "
	check.That(t, code == exitDenied && strings.Contains(out, "6 cases, 2 failed") && strings.Count(out, by) == 1 &&
		strings.Contains(out, "closed/mid/f, read: denied, expected granted"),
		"exit code %d, %s%s, want two failures, one by the folder closed", code, out, errs)
}

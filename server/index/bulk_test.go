package index_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/token"
)

// searched is a search engine that accepts bulk lines: documents by id, with increasing versions.
type searched map[string]struct {
	version uint64
	source  map[string]json.RawMessage
	deleted bool
}

// take parses lines of the _bulk format: an action, followed by a document except for deletions.
func (s searched) take(t testing.TB, text string) {
	t.Helper()
	check.RequireThat(t, text == "" || strings.HasSuffix(text, "\n"), "the last line has no end")
	type target struct {
		Index       string `json:"_index"`
		ID          string `json:"_id"`
		Version     uint64 `json:"version"`
		VersionType string `json:"version_type"`
	}
	for rest := text; rest != ""; {
		var line, source string
		line, rest, _ = strings.Cut(rest, "\n")
		var action struct{ Index, Delete *target }
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&action); err != nil || (action.Index == nil) == (action.Delete == nil) {
			t.Fatalf("%s: %v", line, err)
		}
		a := action.Delete
		if a == nil {
			a = action.Index
			source, rest, _ = strings.Cut(rest, "\n")
		}
		check.RequireThat(t, a.Index == "docs" && a.VersionType == "external" && a.ID != "" && len(a.ID) <= 512,
			"action %s", line)
		x := s[a.ID]
		if a.Version <= x.version { // status 409, which is not a failure
			continue
		}
		x.version, x.source, x.deleted = a.Version, nil, action.Delete != nil
		if !x.deleted {
			check.Require(t, json.Unmarshal([]byte(source), &x.source), nil, "%s", source)
		}
		s[a.ID] = x
	}
}

// ids returns the ids of the documents that are not deleted.
func (s searched) ids() (out []string) {
	for id, x := range s {
		if !x.deleted {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// matches evaluates the connectors' query: a document without the field, or with an empty one, matches everybody. Other
// documents match if the field contains one of the terms.
func (s searched) matches(t testing.TB, id, field string, terms []string) bool {
	t.Helper()
	x, there := s[id]
	if !there || x.deleted {
		return false
	}
	var list []string
	if err := json.Unmarshal(x.source[field], &list); err != nil || len(list) == 0 {
		return true
	}
	return slices.ContainsFunc(list, func(term string) bool { return slices.Contains(terms, term) })
}

// TestNewIndexReplacesLinesOfFormer deletes the state folder after many changes. The lines of the new index have lower
// event numbers, and the search engine still takes them (N-140).
func TestNewIndexReplacesLinesOfFormer(t *testing.T) {
	l := newLive(t, true)
	l.config.Rights = "read+modify"
	name := filepath.Join(t.TempDir(), "bulk.ndjson")
	run := func(lists ...string) {
		t.Helper()
		b := check.Must(index.NewBulk(name, "docs", l.state, index.BulkSIDs))
		l.config.Sinks = []index.Sink{b}
		l.start()
		for _, list := range lists {
			l.awaitBeats()
			l.put("plan", list)
		}
		l.awaitBeats()
		l.end()
	}
	run(forCarol, forStaff, forCarol, forStaff)
	check.NoError(t, os.RemoveAll(l.state))
	l.put("plan", "O:SYG:SYD:P")
	run()
	text := check.Must(os.ReadFile(name))
	engine := searched{}
	engine.take(t, string(text))
	l.compare(engine, []string{"plan", "sub/offer"})
}

// compare compares the engine's answer with the index's for each user.
func (l *live) compare(engine searched, names []string) {
	l.t.Helper()
	file := check.Must(os.ReadFile(l.config.Directory))
	dir := check.Must(dirfile.Read(file))
	x := l.open(time.Hour)
	for i := range dir.Principals {
		p := &dir.Principals[i]
		for _, name := range names {
			for right, field := range map[string]string{"read": "_allow_access_control",
				"modify": "_allow_access_control_modify"} {
				a := x.CanRead(l.path(name), p.Name, right)
				if got := engine.matches(l.t, l.path(name), field, terms(p.Token)); got != a.Allowed {
					l.t.Errorf("%s finds %s: %v, want %v: %s",
						p.Name, name, got, a.Allowed, engine[l.path(name)].source[field])
				}
				var by struct {
					Descriptor, Directory string
					Seq                   uint64
				}
				if engine[l.path(name)].deleted { // no evidence, and no document in the index
					check.That(l.t, a.Because == "the document is not in the index", "%s is deleted, and the index says %+v", name, a)
					continue
				}
				if err := json.Unmarshal(engine[l.path(name)].source["refmon"], &by); err != nil ||
					by.Descriptor != a.Descriptor || by.Directory == "" || by.Seq == 0 || by.Seq > a.Seq {
					l.t.Errorf("%s: evidence %+v, %v; the index has %+v", name, by, err, a)
				}
			}
		}
	}
}

// terms returns the terms of a user: the account and its groups.
func terms(tok *token.Token) []string {
	out := []string{"sid:" + tok.User().SID.String()}
	for _, g := range tok.Groups() {
		out = append(out, "sid:"+g.SID.String())
	}
	return out
}

// TestRunRepairsTornBulkFile ends a run in the middle of a write, by a full disk or a kill, so that half a request
// remains. Wherever the end is, the next run's lines are complete requests again, and no document is missing.
func TestRunRepairsTornBulkFile(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.awaitBeats()
	l.end()
	name := filepath.Join(t.TempDir(), "bulk.ndjson")
	again := func() string {
		b, err := index.NewBulk(name, "docs", l.state, index.BulkSIDs)
		if err == nil {
			err = b.Close()
		}
		check.NoError(t, err)
		text := check.Must(os.ReadFile(name))
		return string(text)
	}
	whole := again()
	documents := strings.Count(whole, `{"index":`)
	for size := range len(whole) + 1 {
		if size%17 != 0 && !strings.Contains(whole[max(size-2, 0):min(size+2, len(whole))], "\n") {
			continue // all ends next to a line's end, and some in the middle of it
		}
		check.NoError(t, os.WriteFile(name, []byte(whole[:size]), 0o600))
		text := again()
		if engine := (searched{}); !strings.HasSuffix(text, whole) {
			t.Fatalf("cut at %d, the file does not end with every document", size)
		} else if engine.take(t, text); len(engine) != documents {
			t.Fatalf("cut at %d, %d documents of %d are known, want %d", size, len(engine), documents, documents)
		}
	}
	long := strings.Repeat("x", 3<<20) // more than a buffer
	request := whole + `{"index":` + long + "\n" + long + "\n"
	for _, text := range []string{request, request + `{"index":` + long, request + `{"index":` + long + "\n"} {
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		check.That(t, again() == request, "of a request with long lines and half of another one more or less is left")
	}
}

// TestRestartAppendsOnlyChanges checks that a run that starts again writes lines only for documents that changed since
// the last one: those with another descriptor, deleted ones, and those of a class whose members changed. It writes all
// documents again for another search index, and for a file that became shorter (N-104).
func TestRestartAppendsOnlyChanges(t *testing.T) {
	l := newLive(t, true)
	dir := t.TempDir()
	l.config.Rights = "read+modify"
	for i := range 20 {
		l.put(fmt.Sprint("file", i), forStaff)
	}
	// ids runs the index until it has settled. It returns the documents of the lines that the run added.
	ids := func(name, target string) (out []string) {
		t.Helper()
		name = filepath.Join(dir, name)
		before, err := os.ReadFile(name)
		check.RequireThat(t, err == nil || os.IsNotExist(err), "%v", err)
		b := check.Must(index.NewBulk(name, target, l.state, index.BulkSIDs))
		l.config.Sinks = []index.Sink{b}
		l.start()
		l.awaitBeats()
		l.end()
		after, err := os.ReadFile(name)
		check.RequireThat(t, err == nil && len(after) >= len(before),
			"%d bytes after %d: %v", len(after), len(before), err)
		for line := range strings.Lines(string(after[len(before):])) {
			var action struct {
				Index, Delete *struct {
					ID string `json:"_id"`
				}
			}
			check.NoError(t, json.Unmarshal([]byte(line), &action))
			switch {
			case action.Index != nil:
				out = append(out, filepath.Base(action.Index.ID))
			case action.Delete != nil:
				out = append(out, "-"+filepath.Base(action.Delete.ID))
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	want := func(step string, got []string, want ...string) {
		t.Helper()
		check.That(t, slices.Equal(got, want), "%s: lines of %q, want %q", step, got, want)
	}
	const documents = 24 // the files, plan, offer, sub and the tree
	if got := ids("a", "docs"); len(got) != documents {
		t.Errorf("the first run writes %q, want %d documents", got, documents)
	}
	want("without a change", ids("a", "docs"))
	l.put("file3", forCarol)
	check.NoError(t, os.Remove(l.path("file4")))
	want("a change and a deletion", ids("a", "docs"), "-file4", "file3")
	without := strings.Replace(firm, `,"Contractors"]`, `]`, 1) // bob leaves the groups, and may read the offer
	check.NoError(t, os.WriteFile(l.config.Directory, []byte(without), 0o600))
	want("another member", ids("a", "docs"), "offer")
	if got := ids("a", "other"); len(got) < documents-1 {
		t.Errorf("another search index gets %q", got)
	}
	want("the other one again", ids("a", "other"))
	check.NoError(t, os.Truncate(filepath.Join(dir, "a"), 0))
	if got := ids("a", "other"); len(got) < documents-1 {
		t.Errorf("an emptied file gets %q", got)
	}
	if got := ids("b", "other"); len(got) < documents-1 {
		t.Errorf("another file gets %q", got)
	}
	// Damage the cursors.
	cursors, err := filepath.Glob(filepath.Join(l.state, "bulk-*.json"))
	check.RequireThat(t, err == nil && len(cursors) == 2, "%v %v", cursors, err)
	for _, text := range []string{"", "{", `{"format":2}`, `{"format":1,"more":1}`} {
		for _, c := range cursors {
			check.NoError(t, os.WriteFile(c, []byte(text), 0o600))
		}
		_, err := index.NewBulk(filepath.Join(dir, "b"), "other", l.state, index.BulkSIDs)
		check.That(t, err != nil && strings.Contains(err.Error(), "delete it"), "a cursor %q: %v", text, err)
	}
}

package index_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/token"
)

// searched is a search engine that takes bulk lines: documents by id, with a version that
// only grows.
type searched map[string]struct {
	version uint64
	source  map[string]json.RawMessage
}

// take reads bulk lines as the documentation of _bulk has them: an action, then a document.
func (s searched) take(t *testing.T, text string) {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Fatal("the last line has no end")
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines)%2 != 0 {
		t.Fatalf("%d lines", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		var action struct {
			Index struct {
				Index       string `json:"_index"`
				ID          string `json:"_id"`
				Version     uint64 `json:"version"`
				VersionType string `json:"version_type"`
			} `json:"index"`
		}
		d := json.NewDecoder(strings.NewReader(lines[i]))
		d.DisallowUnknownFields()
		if err := d.Decode(&action); err != nil {
			t.Fatal(err)
		}
		x := s[action.Index.ID]
		a := action.Index
		if a.Index != "docs" || a.VersionType != "external" || a.ID == "" || len(a.ID) > 512 {
			t.Fatalf("action %s", lines[i])
		}
		if a.Version <= x.version { // status 409, which is no failure
			continue
		}
		x.version, x.source = a.Version, nil
		if err := json.Unmarshal([]byte(lines[i+1]), &x.source); err != nil {
			t.Fatal(err)
		}
		s[a.ID] = x
	}
}

// finds evaluates the connectors' query: a document without the field, or with an empty
// one, is everybody's; else one of the terms is in it.
func (s searched) finds(t testing.TB, id, field string, terms []string) bool {
	t.Helper()
	x, there := s[id]
	if !there {
		return false
	}
	var list []string
	if err := json.Unmarshal(x.source[field], &list); err != nil || len(list) == 0 {
		return true
	}
	return slices.ContainsFunc(list, func(term string) bool { return slices.Contains(terms, term) })
}

// TestNobodysTerm: to the query of connectors a document without the field, or with an empty one, is
// everybody's, and one with the term that no user has is no one's: a descriptor that allows no one
// gives that term, and so does a document that is gone or cannot be read (N-5).
func TestNobodysTerm(t *testing.T) {
	l := newLive(t, true)
	name := filepath.Join(t.TempDir(), "bulk.ndjson")
	b, err := index.NewBulk(name, "docs", l.state)
	if err != nil {
		t.Fatal(err)
	}
	l.config.Sinks = []index.Sink{b}
	l.put("empty", "O:SYG:SYD:P")
	l.put("bad", forStaff)
	if err := unix.Setxattr(l.path("bad"), ntacl.Name, []byte("nonsense"), 0); err != nil {
		t.Fatal(err)
	}
	l.start()
	l.settle()
	if err := os.Remove(l.path("plan")); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.end()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	engine := searched{}
	engine.take(t, string(text))
	everyones := []string{"sid:S-1-1-0", "sid:S-1-5-11", "sid:S-1-5-21-1-2-3-2000"}
	for _, name := range []string{"empty", "bad", "plan"} {
		if _, there := engine[l.path(name)]; !there || engine.finds(t, l.path(name), "_allow_access_control", everyones) {
			t.Errorf("%s is found, or has no line: %s", name, engine[l.path(name)].source)
		}
	}
	engine.take(t, `{"index":{"_index":"docs","_id":"without","version":1,"version_type":"external"}}`+"\n{}\n"+
		`{"index":{"_index":"docs","_id":"none","version":1,"version_type":"external"}}`+"\n"+
		`{"_allow_access_control":[]}`+"\n")
	for _, id := range []string{"without", "none"} {
		if !engine.finds(t, id, "_allow_access_control", nil) {
			t.Errorf("%s: the query is not that of connectors", id)
		}
	}
}

// TestListed: people whom no list of SIDs tells of are counted and listed, with how many documents
// they have so (N-4).
func TestListed(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.settle()
	l.put("again", butNotThem)
	l.settle()
	l.end()
	x := l.open(time.Hour)
	list, err := x.Listed()
	if err != nil || len(list) != 1 || list[0].Documents != 2 || list[0].Right != "read" || list[0].Directory == "" ||
		strings.Join(list[0].People, " ") != "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-1110" {
		t.Errorf("%+v, %v", list, err)
	}
	if n, err := x.Counts(); err != nil || n.Listed != 1 || n.ListedDocuments != 2 {
		t.Errorf("%+v, %v", n, err)
	}
}

// TestBulk: the query that connectors use finds for each user what the index says, after
// changes, a run that goes on, and lines that are sent twice.
func TestBulk(t *testing.T) {
	l := newLive(t, true)
	l.config.Rights = "read+modify"
	name := filepath.Join(t.TempDir(), "bulk.ndjson")
	engine := searched{}
	for turn := range 3 {
		b, err := index.NewBulk(name, "docs", l.state)
		if err != nil {
			t.Fatal(err)
		}
		l.config.Sinks = []index.Sink{b}
		l.start()
		l.settle()
		switch turn {
		case 0:
			l.put("new", "O:SYG:SYD:P")
			l.put("changed", "O:SYG:SYD:(D;;FR;;;S-1-5-21-1-2-3-1110)(A;;0x1301bf;;;S-1-5-21-1-2-3-2000)")
			l.put(strings.Repeat("long", 50), forStaff)
		case 1:
			l.put("new", forCarol)
			if err := os.Remove(l.path("plan")); err != nil {
				t.Fatal(err)
			}
		case 2:
			without := strings.Replace(firm, `,"Contractors"]`, `]`, 1) // bob leaves them
			if err := os.WriteFile(l.config.Directory, []byte(without), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l.settle()
		l.end()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		engine.take(t, string(text))
		engine.take(t, string(text))
		l.compare(engine, []string{"plan", "new", "sub/offer", "sub", "changed", strings.Repeat("long", 50)})
	}
}

// compare asks the engine and the index for each user.
func (l *live) compare(engine searched, names []string) {
	l.t.Helper()
	file, err := os.ReadFile(l.config.Directory)
	if err != nil {
		l.t.Fatal(err)
	}
	dir, err := people.Read(file)
	if err != nil {
		l.t.Fatal(err)
	}
	x := l.open(time.Hour)
	for i := range dir.Principals {
		p := &dir.Principals[i]
		for _, name := range names {
			for right, field := range map[string]string{"read": "_allow_access_control",
				"modify": "_allow_access_control_modify"} {
				a := x.CanRead(l.path(name), p.Name, right)
				if got := engine.finds(l.t, l.path(name), field, terms(p.Token)); got != a.Allowed {
					l.t.Errorf("%s finds %s: %v, want %v: %s", p.Name, name, got, a.Allowed, engine[l.path(name)].source[field])
				}
				var by struct {
					Descriptor, Directory string
					Seq                   uint64
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

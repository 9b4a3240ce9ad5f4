package index_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
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
func (s searched) finds(t *testing.T, id string, terms []string) bool {
	t.Helper()
	x, there := s[id]
	if !there {
		return false
	}
	var list []string
	if err := json.Unmarshal(x.source["_allow_access_control"], &list); err != nil || len(list) == 0 {
		return true
	}
	return slices.ContainsFunc(list, func(term string) bool { return slices.Contains(terms, term) })
}

// TestBulk: the query that connectors use finds for each user what the index says, after
// changes, a run that goes on, and lines that are sent twice.
func TestBulk(t *testing.T) {
	l := newLive(t, true)
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
		l.compare(engine, []string{"plan", "new", "sub/offer", "sub", strings.Repeat("long", 50)})
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
			want := x.CanRead(l.path(name), p.Name, "read").Allowed
			if got := engine.finds(l.t, l.path(name), terms(p.Token)); got != want {
				l.t.Errorf("%s finds %s: %v, want %v: %s", p.Name, name, got, want,
					engine[l.path(name)].source["_allow_access_control"])
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

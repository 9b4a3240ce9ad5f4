package index_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/truth"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sddl"
)

// TestEqualsWhoCan: for random pairs of a document and a person the index says what
// refmon who-can says of the same tree: with Samba's attribute, and with nothing but modes.
func TestEqualsWhoCan(t *testing.T) {
	l := newLive(t, true)
	l.config.Rights = "read+modify"
	s := company.Sample{Seed: randtest.Seed(t), Objects: 400, Descriptors: 100, Principals: 60, Groups: 20}
	var list, rows bytes.Buffer
	if err := errors.Join(s.Directory(&list), s.Write(&rows)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.config.Directory, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := people.Read(list.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(rows.String()) {
		var o struct{ SD string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		folder := fmt.Sprintf("d%d", n%17)
		if err := os.MkdirAll(l.path(folder), os.FileMode(0o700|n%64)); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s/f%d", folder, n)
		if n++; n%9 == 0 { // without an attribute
			if err := os.WriteFile(l.path(name), nil, os.FileMode(0o600|n%64)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		d, err := sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain})
		if err != nil {
			t.Fatal(err)
		}
		l.store(name, d)
	}
	l.start()
	l.settle()
	want := whoCan(t, l.tree, dir, l.config.Rights)
	l.end() // what it vouched for is good for the limit
	x := l.open(time.Hour)
	paths := make([]string, 0, len(want))
	for p := range want {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	r := rand.New(rand.NewPCG(randtest.Seed(t), 24))
	yes, pairs := 0, randtest.Count(t, "REFMON_PAIRS", 2_000)
	for range pairs {
		path, who := paths[r.IntN(len(paths))], dir.Principals[r.IntN(len(dir.Principals))].Name
		right := []string{"read", "modify"}[r.IntN(2)]
		may := slices.Contains(want[path][right], who)
		if a := x.CanRead(path, who, right); a.Allowed != may || a.Because != "" {
			t.Fatalf("%s %s %s: %+v, who-can says %v", who, right, path, a, may)
		}
		if may {
			yes++
		}
	}
	if yes < pairs/50 || yes > pairs*49/50 {
		t.Errorf("of %d pairs %d are allowed", pairs, yes)
	}
	t.Logf("%d pairs, %d allowed, %d documents", pairs, yes, len(paths))
}

// whoCan asks as the command does.
func whoCan(t testing.TB, tree string, dir *people.Directory, rights string) map[string]map[string][]string {
	t.Helper()
	all, err := truth.WhoCan(tree, dir, rights)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

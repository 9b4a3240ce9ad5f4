package index_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index"
)

// TestChanges: who follows the changes from any number on has, at the end, the answers of
// the index, and nothing is told twice or without a change.
func TestChanges(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.settle()
	l.put("plan", butNotThem)
	l.put("new", forCarol)
	l.settle()
	without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1) // alice leaves
	err := errors.Join(os.Remove(l.path("new")), os.WriteFile(l.config.Directory, []byte(without), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.end()
	var all []index.Change
	has := map[string]bool{}
	if err := index.Changes(l.state, 0, func(c index.Change) error {
		if gone := c.Document == l.path("new") && c.Lost != nil; c.Time == 0 || c.Directory == "" ||
			(c.Descriptor == "") != gone {
			t.Errorf("%+v: it lacks evidence", c)
		}
		all = append(all, c)
		for i, list := range [][]string{c.Gained, c.Lost} {
			for _, who := range list {
				if key := c.Document + " " + who; has[key] == (i == 0) {
					t.Errorf("%+v: told again", c)
				} else {
					has[key] = i == 0
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	x := l.open(time.Hour)
	for _, name := range []string{"plan", "new", "sub/offer"} {
		for rid := 1107; rid <= 1110; rid++ {
			who := fmt.Sprintf("S-1-5-21-1-2-3-%d", rid)
			if a := x.CanRead(l.path(name), who, "read"); a.Allowed != has[l.path(name)+" "+who] {
				t.Errorf("%s %s: %+v, by the changes %v", name, who, a, has[l.path(name)+" "+who])
			}
		}
	}
	for i, c := range all {
		rest := 0
		if err := index.Changes(l.state, c.Seq, func(index.Change) error { rest++; return nil }); err != nil {
			t.Fatal(err)
		}
		later := 0
		for _, d := range all[i:] {
			if d.Seq > c.Seq {
				later++
			}
		}
		if rest != later {
			t.Errorf("after %d there are %d changes, want %d", c.Seq, rest, later)
		}
	}
}

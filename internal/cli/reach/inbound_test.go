package reach_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/token"
)

// TestInboundAgreesWithBruteForce checks that the principals who reach an object, and their numbers of steps, are those
// that a brute-force search from each principal finds. Each step of each path exists in that search (B-25).
func TestInboundAgreesWithBruteForce(t *testing.T) {
	seed := randtest.Seed(t)
	total := map[string]int{}
	lists := map[string][][]access.ObjectTypeEntry{}
	for n := range randtest.Count(t, "REFMON_INBOUND", 160) {
		w := &twin{newWorld(t, rand.New(rand.NewPCG(seed, uint64(n)))), nil, map[string]map[string]bool{},
			map[string]*token.Token{}, map[string]int{}, lists}
		want := make([]map[string]int, len(w.things))
		for user := range w.users {
			w.depth = map[string]int{}
			w.search(user)
			for i, o := range w.things {
				if want[i] == nil {
					want[i] = map[string]int{}
				}
				if steps, ok := w.depth[o.item.Path]; ok && (o.account != user || o.is == "group" || o.account < 0) {
					want[i][w.users[user].name] = steps
				}
			}
		}
		for i, o := range w.things {
			list, cut, err := w.world.search.Inbound(context.Background(), []int{i})
			check.RequireThat(t, err == nil && cut == "", "directory %d: cut %q, %v", n, cut, err)
			got, last := map[string]int{}, 0
			for _, r := range list {
				got[r.Who] = len(r.Steps)
				check.That(t, len(r.Steps) >= last && r.Steps[0].Who == r.Who && r.Object == o.item.Path,
					"directory %d: %s after one of %d steps to %s: %+v", n, r.Who, last, o.item.Path, r)
				last = len(r.Steps)
				w.walk(t, n, r.Path, total)
			}
			if !maps.Equal(got, want[i]) {
				t.Fatalf("directory %d: %s: got %v, want %v\n%s", n, o.item.Path, got, want[i], w.dump())
			}
		}
	}
	t.Log(total)
	check.That(t, total["length 3"] != 0 && total["joined 1"] != 0,
		"paths of three steps or through groups are missing: %v", total)
}

// TestInboundPathLeadsToFirstTarget checks that of two targets in one step the first one counts.
func TestInboundPathLeadsToFirstTarget(t *testing.T) {
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: []objects.Item{
		newItem("/a", "", "", "O:SYG:SYD:(A;;WD;;;<ann>)"), newItem("/b", "", "", "O:SYG:SYD:(A;;WD;;;<ann>)")}}
	list, _, err := s.Inbound(context.Background(), []int{1, 0})
	check.That(t, err == nil && len(list) == 1 && list[0].Object == "/b", "%+v, %v, want ann's path to /b", list, err)
}

// TestInboundDepthCutsPathsOfPrincipals checks that the depth is named only if a path of a principal is missing. A
// step beyond it can lead from the target's own account, or from a token of a principal with a shorter path (B-25).
func TestInboundDepthCutsPathsOfPrincipals(t *testing.T) {
	password := func(name, rid, denied, who string) objects.Item {
		return newItem("CN="+name, rid, "user", "O:SYG:SYD:"+denied+"(OA;;CR;"+passwordGUID+";;<"+who+">)")
	}
	for principals, list := range map[int][]objects.Item{
		1: {password("bob", "1102", "", "ann"), password("ann", "1101", "", "bob")},
		2: {newItem("/t", "", "", "O:SYG:SYD:(A;;WD;;;<bob>)"), password("bob", "1102", "(D;;GA;;;<staff>)", "ann"),
			newItem("CN=staff", "2101", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<ann>)"),
			password("ann", "1101", "", "staff")},
	} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: list, MaxDepth: principals}
		got, cut, err := s.Inbound(context.Background(), []int{0})
		check.That(t, err == nil && len(got) == principals && cut == "", "%+v, cut %q, %v, want %d principals and no cut",
			got, cut, err, principals)
		v := check.Must(s.Survey(context.Background(), []int{0}, nil))
		check.That(t, len(v.Whom(0).Order) == principals && v.Cut() == "", "survey of %d: cut %q", principals, v.Cut())
	}
}

// TestInboundSearchReportsEarlyEnd checks that a search that ends early reports that, and that an unreachable object
// has no rows.
func TestInboundSearchReportsEarlyEnd(t *testing.T) {
	for _, c := range []struct {
		depth, hands int
		target       string
		want         string
	}{
		{0, 0, "/secret", "cut \"\": bob 3, ann 4"},
		{4, 0, "/secret", "cut \"\": bob 3, ann 4"}, // nobody is farther away
		{1, 0, "CN=bob", "cut \"\": ann 1"},
		{3, 0, "/secret", "cut \"at a depth of 3\": bob 3"},
		{0, 1, "/secret", "cut \"after 5 tokens\": "},
		{0, 0, "OU=shut", "cut \"\": "},
		{0, 0, "CN=bob", "cut \"\": ann 1"}, // bob does not reach himself
	} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: objectsOf(),
			MaxDepth: c.depth, MaxHands: c.hands}
		var targets []int
		for i := range s.Objects {
			if s.Objects[i].Path == c.target {
				targets = append(targets, i)
			}
		}
		list, cut, err := s.Inbound(context.Background(), targets)
		var who []string
		for _, r := range list {
			who = append(who, fmt.Sprint(r.Who, " ", len(r.Steps)))
		}
		if got := fmt.Sprintf("cut %q: %s", cut, strings.Join(who, ", ")); err != nil || got != c.want {
			t.Errorf("to %s, depth %d, hands %d: got %s, %v, want %s", c.target, c.depth, c.hands, got, err, c.want)
		}
	}
}

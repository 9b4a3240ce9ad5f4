package reach_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// TestSurveyIsInboundOfEachTarget checks that one pass finds, for each of several targets, the principals and numbers
// of steps that Inbound finds for that target alone (B-25), and its direct rights are the paths of one step (B-7).
func TestSurveyIsInboundOfEachTarget(t *testing.T) {
	seed, long := randtest.Seed(t), 0
	for n := range randtest.Count(t, "REFMON_SURVEY", 80) {
		w := newWorld(t, rand.New(rand.NewPCG(seed, uint64(n))))
		var targets []int
		for i := range w.things {
			if i%(2+n%9) == n%2 {
				targets = append(targets, i)
			}
		}
		direct := map[int]map[int]bool{}
		note := func(object int, rights []reach.Right) error {
			direct[object] = map[int]bool{}
			for i := range rights {
				for who := range rights[i].Who.All() {
					direct[object][who] = true
				}
			}
			return nil
		}
		v, err := w.search.Survey(context.Background(), targets, note)
		if err != nil || v.Cut() != "" {
			t.Fatalf("directory %d: cut %q, %v", n, v.Cut(), err)
		}
		for _, target := range targets {
			alone := w.search
			list, _, err := alone.Inbound(context.Background(), []int{target})
			check.NoError(t, err)
			want := map[string]int{}
			for _, r := range list {
				want[r.Who] = len(r.Steps)
				long = max(long, len(r.Steps))
			}
			got, in := map[string]int{}, v.Whom(target)
			for _, who := range in.Order {
				p, err := in.Path(who)
				if err != nil || len(p.Steps) != in.Steps[who] || p.Object != w.things[target].item.Path {
					t.Fatalf("directory %d: %+v, %v, want %d steps", n, p, err, in.Steps[who])
				}
				near := in.Steps[who] == 1 && !reach.Derived(p.Steps[0].Right)
				one := direct[target][who]
				check.That(t, one == near, "directory %d: direct %t, want a path of %d steps", n, one, in.Steps[who])
				got[w.users[who].name] = in.Steps[who]
			}
			check.RequireThat(t, maps.Equal(got, want),
				"directory %d: %s: got %v, want %v", n, w.things[target].item.Path, got, want)
			for who := range w.users {
				_, err := in.Path(who)
				check.That(t, (err == nil) == slices.Contains(in.Order, who), "directory %d: path of %d: %v", n, who, err)
			}
		}
	}
	check.That(t, long >= 3, "the longest path has %d steps, want at least 3", long)
}

// TestSurveyStopsOnCallbackError checks that the errors of the callback and of the context end the pass, and an account
// that does not reach a target has no path.
func TestSurveyStopsOnCallbackError(t *testing.T) {
	search := func() *reach.Search {
		return &reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: objectsOf()}
	}
	failure := errors.New("enough")
	fail := func(int, []reach.Right) error { return failure }
	_, err := search().Survey(context.Background(), []int{0}, fail)
	check.That(t, errors.Is(err, failure), "%v, want %v", err, failure)
	_, err = search().Direct(context.Background(), fail)
	check.That(t, errors.Is(err, failure), "%v, want %v", err, failure)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = search().Survey(over, nil, nil)
	check.That(t, errors.Is(err, context.Canceled), "%v, want %v", err, context.Canceled)
	_, _, err = search().Inbound(over, []int{0})
	check.That(t, errors.Is(err, context.Canceled), "one target: %v, want %v", err, context.Canceled)
	none := func(int, []reach.Right) error { return nil }
	check.ErrorIs(t, check.Err(search().Direct(over, none)), context.Canceled, "direct rights")
	v := check.Must(search().Direct(context.Background(), none))
	in := v.Whom(0)
	_, err = in.Path(1)
	check.That(t, err != nil && fmt.Sprint(in.Order) == "[]", "%v, %v, want an error and nobody", err, in.Order)
}

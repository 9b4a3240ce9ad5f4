package adreport_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// TestPlantedPathsAreOnThePage writes 60 random paths as SDDL, 20 of them closed by an entry that denies. The page
// shows the other 40 and none of the 20 (B-47).
func TestPlantedPathsAreOnThePage(t *testing.T) {
	seed := randtest.Seed(t)
	for n := range randtest.Count(t, "REFMON_PLANTED", 10) {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		d := newDomain()
		var list []planted
		order := rng.Perm(60)
		for i := range 60 {
			list = append(list, d.plant(rng, fmt.Sprintf("planted%02d", i), order[i] < 40))
		}
		page, html, text := pageOf(t, &adreport.Report{Title: "planted", Now: state(t, d.ldif())})
		comparePlanted(t, page, html, text, list)
	}
}

// comparePlanted compares a page with the planted paths.
func comparePlanted(t *testing.T, page *adreport.Page, html, text string, list []planted) {
	t.Helper()
	shown, hidden := 0, 0
	for _, p := range list {
		direct := slices.ContainsFunc(page.Direct, func(g adreport.Grants) bool {
			return slices.Contains(g.Who.List, p.Who) && slices.Contains(g.Objects.List, p.Object)
		})
		steps := 0
		for _, x := range page.Important {
			for _, r := range x.Routes {
				if x.Object == p.Object && slices.Contains(r.Who.List, p.Who) {
					steps = len(r.Steps)
				}
			}
		}
		found := steps > 0 || direct
		check.That(t, found == p.Open && (steps <= 0 || steps == p.Steps),
			"%+v: direct %t, a path of %d steps", p, direct, steps)
		if found {
			shown++
		} else {
			hidden++
		}
		// Whoever has no right at all is nowhere on the page, and everybody else is on it in both forms.
		for form, content := range map[string]string{"HTML": html, "text": text} {
			// Its own object may be there: account operators have rights on it.
			content = strings.ReplaceAll(content, "CN="+p.Who+",", "")
			check.Equal(t, strings.Contains(content, p.Who), p.Closed != 1, "%+v is in the %s", p, form)
		}
	}
	check.That(t, shown == 40 && hidden == 20, "%d paths shown and %d not, want 40 and 20", shown, hidden)
}

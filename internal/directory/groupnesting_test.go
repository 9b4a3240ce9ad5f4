package directory_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestNestedGroupsAreCollectedOnce checks that the groups of an account are its direct groups and then the groups that
// contain these, each once, whatever cycles there are; one group more than the limit is an error, and skipped groups
// count.
func TestNestedGroupsAreCollectedOnce(t *testing.T) {
	containing := map[string][]string{"ann": {"staff", "cooks"}, "staff": {"all", "cooks"}, "cooks": {"kitchen"},
		"kitchen": {"all", "staff"}, "all": {"all"}}
	collect := func(most, atOnce int, skip []string) ([]string, error) {
		n := directory.Nesting[string]{Most: most}
		for _, g := range skip {
			n.Skip(g)
		}
		level := []string{"ann"}
		for ; len(level) > 0; level = n.Next(atOnce) {
			for _, g := range level {
				for _, outer := range containing[g] {
					if err := n.Add(outer); err != nil {
						return n.Groups(), err
					}
				}
			}
		}
		return n.Groups(), nil
	}
	for _, atOnce := range []int{1, 2, 64} {
		for _, c := range []struct {
			most int
			skip []string // these groups count
			want string
			err  error
		}{
			{4, nil, "[staff cooks all kitchen]", nil},
			{3, nil, "[staff cooks all]", directory.ErrTooManyGroups},
			{3, []string{"cooks", "cooks"}, "[staff all]", nil},
			{2, []string{"cooks", "cooks"}, "[staff]", directory.ErrTooManyGroups},
		} {
			got, err := collect(c.most, atOnce, c.skip)
			check.Equal(t, fmt.Sprint(got), c.want, "at most %d groups, %d at once, without %v", c.most, atOnce, c.skip)
			check.ErrorIs(t, err, c.err, "at most %d groups, %d at once, without %v", c.most, atOnce, c.skip)
		}
	}
	none := new(directory.Nesting[string])
	for range 2 { // the second time it was visited
		if err := none.Add("staff"); !errors.Is(err, directory.ErrTooManyGroups) || len(none.Groups()) > 0 {
			t.Errorf("the zero value: groups %v, error %v; want no group and an error", none.Groups(), err)
		}
	}
}

const someone = "S-1-5-21-1-2-3-4"

// TestUnlistedGroupsCountOnce checks that a user of many groups that the file does not list is in each of them once.
func TestUnlistedGroupsCountOnce(t *testing.T) {
	file := func(n int) []byte {
		var of []string
		for i := range n {
			of = append(of, fmt.Sprintf(`"S-1-5-21-9-9-9-%d"`, 1000+i), fmt.Sprintf(`"S-1-5-21-9-9-9-%d"`, 1000+i/2))
		}
		return []byte(`{"users":[{"name":"a","sid":"` + someone + `","memberOf":[` + strings.Join(of, ",") + `]}]}`)
	}
	for _, n := range []int{1, 31, 32, 33, 34, 100} {
		seen := map[sid.SID]int{}
		for _, g := range check.Must(dirfile.Read(file(n))).Principals[0].Token.Groups() {
			seen[g.SID]++
		}
		for i := range n {
			s := sid.MustParse("S-1-5-21-9-9-9").WithRID(uint32(1000 + i))
			check.That(t, seen[s] == 1, "%d groups: %v is there %d times, want 1", n, s, seen[s])
		}
	}
}

// manyGroups returns a directory of n groups in one cycle, each of which is in two more groups, and eight users in the
// first.
func manyGroups(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"users":[`)
	for i := range 8 {
		fmt.Fprintf(&b, `{"name":"u%d","sid":"S-1-5-21-1-2-4-%d","memberOf":["g0"]},`, i, i)
	}
	users := strings.TrimSuffix(b.String(), ",")
	b.Reset()
	for i := range n {
		fmt.Fprintf(&b, ","+"\n"+`{"name":"g%d","sid":"S-1-5-21-1-2-3-%d","memberOf":["g%d","g%d","g%d"]}`, i, i+1000,
			(i+1)%n, (i*7+3)%n, (i*31+5)%n)
	}
	return []byte(users + `],"groups":[` + b.String()[1:] + "]}")
}

// TestTooManyGroupsAreRefusedEarly checks that cycles of groups end, and a user in more groups than a token holds is
// left out before they are all collected (D-40). REFMON_GROUPS=1000000 is the measured case.
func TestTooManyGroupsAreRefusedEarly(t *testing.T) {
	n := 20_000
	if v := os.Getenv("REFMON_GROUPS"); v != "" {
		n = check.Must(strconv.Atoi(v))
	}
	file := manyGroups(n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := check.Must(dirfile.Read(file))
	runtime.ReadMemStats(&after)
	const want = `8 of the users are left out, because nobody can log on as a member of more groups than a token holds: ` +
		`the first is "u0"`
	check.That(t, len(d.Principals) == 0 && fmt.Sprint(d.LeftOut()) == want, "%v, %v", d.Principals, d.LeftOut())
	for _, who := range []string{"u1", "S-1-5-21-1-2-4-1"} {
		_, _, err := d.FindOrAdd(who)
		check.That(t, errors.Is(err, directory.ErrTooManyGroups), "%s: %v, want ErrTooManyGroups", who, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(n)*1500 { // the race detector adds a part
		t.Errorf("%d bytes for %d groups, want at most %d", used, n, uint64(n)*1500)
	}
	d = check.Must(dirfile.Read(manyGroups(1000)))
	check.NoError(t, d.LeftOut())
	for _, p := range d.Principals {
		got := p.Token.GroupCount()
		check.That(t, got >= 1000, "%s is in %d groups, want all of the cycle", p.Name, got)
	}
}

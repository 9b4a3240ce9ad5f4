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
	"github.com/refmon/refmon/token"
)

// TestNestedGroupsAreCollectedOnce: the groups of an account are its direct groups and then the groups that contain
// these, each once, whatever cycles there are; one group more than the limit is an error.
func TestNestedGroupsAreCollectedOnce(t *testing.T) {
	containing := map[string][]string{"ann": {"staff", "cooks"}, "staff": {"all", "cooks"}, "cooks": {"kitchen"},
		"kitchen": {"all", "staff"}, "all": {"all"}}
	collect := func(most, atOnce int, skip ...string) ([]string, error) {
		n := directory.Nesting[string]{Most: most}
		for _, g := range skip {
			n.Skip(g)
		}
		for _, g := range containing["ann"] {
			if err := n.Add(g); err != nil {
				return nil, err
			}
		}
		for level := n.Next(atOnce); len(level) > 0; level = n.Next(atOnce) {
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
		if got, err := collect(4, atOnce); err != nil || fmt.Sprint(got) != "[staff cooks all kitchen]" {
			t.Errorf("%d at once: groups %v, error %v, want [staff cooks all kitchen]", atOnce, got, err)
		}
		if got, err := collect(3, atOnce); !errors.Is(err, directory.ErrTooManyGroups) ||
			fmt.Sprint(got) != "[staff cooks all]" {
			t.Errorf("%d at once, one group too many: %v, %v; want the first three groups and an error", atOnce, got, err)
		}
		if got, err := collect(4, atOnce, "cooks"); err != nil || fmt.Sprint(got) != "[staff all]" {
			t.Errorf("%d at once, without cooks: groups %v, error %v, want [staff all]", atOnce, got, err)
		}
	}
	none := new(directory.Nesting[string])
	for range 2 { // the second time it was visited
		if err := none.Add("staff"); !errors.Is(err, directory.ErrTooManyGroups) || len(none.Groups()) > 0 {
			t.Errorf("the zero value: groups %v, error %v; want no group and an error", none.Groups(), err)
		}
	}
}

// A group that the walk skips counts.
func TestSkippedGroupCounts(t *testing.T) {
	n := directory.Nesting[int]{Most: 1}
	n.Skip(1)
	n.Skip(1)
	check.Equal(t, n.Add(1), nil, "adding the skipped group")
	check.Equal(t, n.Add(2), directory.ErrTooManyGroups, "adding another group")
}

const someone = "S-1-5-21-1-2-3-4"

// TestUnlistedGroupsCountOnce: a user of many groups that the file does not list is in each of them once, and in no
// more than a token holds.
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
		for _, g := range must(dirfile.Read(file(n))).Principals[0].Token.Groups() {
			seen[g.SID]++
		}
		for i := range n {
			if s := sid.MustParse("S-1-5-21-9-9-9").WithRID(uint32(1000 + i)); seen[s] != 1 {
				t.Errorf("%d groups: %v is there %d times, want 1", n, s, seen[s])
			}
		}
	}
	most := fmt.Sprintf("member of more than %d groups", token.MaxGroups)
	if _, err := dirfile.Read(file(token.MaxGroups + 1)); err == nil || !strings.Contains(err.Error(), most) {
		t.Errorf("one group more than a token holds: error %v, want one with %q", err, most)
	}
}

// manyGroups returns a directory of n groups in one cycle, each of which is in two more groups, and a user in the
// first.
func manyGroups(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"groups":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n"+`{"name":"g%d","sid":"S-1-5-21-1-2-3-%d","memberOf":["g%d","g%d","g%d"]}`, i, i+1000, (i+1)%n,
			(i*7+3)%n, (i*31+5)%n)
	}
	b.WriteString(`],"users":[{"name":"u","sid":"S-1-5-21-1-2-4-1","memberOf":["g0"]}]}`)
	return []byte(b.String())
}

// TestTooManyGroupsAreRefusedEarly: cycles of groups end, and a user in more groups than a token holds is refused
// before they are all collected. REFMON_GROUPS=1000000 is the measured case.
func TestTooManyGroupsAreRefusedEarly(t *testing.T) {
	n := 20_000
	if v := os.Getenv("REFMON_GROUPS"); v != "" {
		n = must(strconv.Atoi(v))
	}
	file := manyGroups(n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := dirfile.Read(file)
	runtime.ReadMemStats(&after)
	check.That(t, err != nil && strings.Contains(err.Error(), fmt.Sprintf("more than %d groups", token.MaxGroups)),
		"%v, want too many groups", err)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(n)*1500 { // the race detector adds a part
		t.Errorf("%d bytes for %d groups, want at most %d", used, n, uint64(n)*1500)
	}
	d := must(dirfile.Read(manyGroups(1000)))
	if got := d.Principals[0].Token.GroupCount(); got < 1000 {
		t.Errorf("%d groups, want all of the cycle", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

package trail

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Every record is counted once, each denial by user and by object, each privilege by user, and changes separately
// from attempts.
func TestSummaryCountsEachRecordOnce(t *testing.T) {
	const alice, bob = `"SubjectUserSid":"S-1-1","SubjectUserName":"alice"`,
		`"SubjectUserSid":"S-1-2","SubjectUserName":"bob"`
	s := &Summary{}
	add := func(r stored, times int) {
		t.Helper()
		for range times {
			check.NoError(t, s.Add(r.event(t)))
		}
	}
	add(stored{id: 4656, failure: true, data: alice + `,"ObjectType":"File","ObjectName":"x",` +
		`"PrivilegeList":["SeA","SeB"]`}, 2)
	add(stored{id: 4656, failure: true, data: bob + `,"ObjectType":"File","ObjectName":"y"`}, 3)
	add(stored{id: 4658, failure: true, data: `"A":"b"`}, 1)
	add(stored{id: 4656, data: bob + `,"ObjectType":"File","ObjectName":"y"`}, 4)
	add(stored{id: 4703, data: alice + `,"EnabledPrivilegeList":["SeA"],"DisabledPrivilegeList":["SeC"]`}, 1)
	add(stored{id: 4673, data: alice + `,"PrivilegeList":"-","Other":["SeD"]`}, 1)
	add(stored{id: 4674, data: bob + `,"PrivilegeList":["SeA"]`}, 1)
	add(stored{id: 4688, data: bob + `,"PrivilegeList":["SeZ"]`}, 1)
	add(stored{id: 64048, data: bob + `,"PrimaryUserSid":"S-1-5-20"`}, 2)
	add(stored{id: 1, data: bob}, 1)
	var out strings.Builder
	check.NoError(t, new(Summary).Print(&out, 7))
	check.Equal(t, out.String(), "0 records, denials among them: 0\n", "summary of no record")
	out.Reset()
	check.NoError(t, s.Print(&out, 7)) // all rows but one event
	check.Equal(t, out.String(), `17 records, denials among them: 6, 2024-02-29T16:00:00.123Z to 2024-02-29T16:00:00.123Z

Denials by user
  3  bob
  2  alice
  1  unknown

Denials by object
  3  File y
  2  File x
  1  unknown

Privileges used or enabled
  3  SeA by alice
  2  SeB by alice
  1  SeA by bob

Impersonations upward
  2  S-1-5-20 as bob

Records by user
  10  bob
   4  alice
   2  S-1-5-20 as bob

Events
  9  4656 open
  2  64048 impersonate upward
  1  1 other
  1  4658 close
  1  4673 call a service with privileges
  1  4674 use privileges on
  1  4688 start a process
`, "summary")
	const open = "7 2024-02-29T16:00:00.123Z DENIED alice open File x with SeA,SeB"
	const bobs = "7 2024-02-29T16:00:00.123Z DENIED bob open File y"
	check.SlicesEqual(t, s.Denials, []string{open, open, bobs, bobs, bobs, "7 2024-02-29T16:00:00.123Z DENIED close"},
		"denials")
	check.Equal(t, len(s.Changes), 0, "changes without any")
	for _, id := range []int{4670, 4907, 4911, 4913, 4715, 4719, 4817, 4904, 4905, 4906, 4908, 4912, 1102} {
		before := len(s.Changes)
		add(stored{id: id, data: `"A":"b"`}, 1)
		check.Equal(t, len(s.Changes), before+1, "changes after event %d", id)
	}
}

// The first and last times of a summary are the earliest and latest of its records, in any order of the records.
func TestSummaryHasFirstAndLastTime(t *testing.T) {
	s := &Summary{}
	for _, at := range []int64{50, 20, 90, 60} {
		e := stored{id: 4658, data: `"A":"b"`}.event(t)
		e.Time = at
		check.NoError(t, s.Add(e))
	}
	check.That(t, s.First == 20 && s.Last == 90, "from %d to %d, want 20, 90", s.First, s.Last)
}

// Names that a client invents fill neither the memory nor the page. All records are counted.
func TestSummaryIsBounded(t *testing.T) {
	long := map[string]uint64{}
	for _, end := range []string{"", "é", "x", strings.Repeat("y", 1<<15)} {
		count(long, strings.Repeat("a", 999)+end)
	}
	want := map[string]uint64{strings.Repeat("a", 999): 1, strings.Repeat("a", 999) + "x": 1,
		strings.Repeat("a", 999) + "…": 1, strings.Repeat("a", 999) + "y…": 1}
	check.That(t, maps.Equal(long, want), "long names: %v, want %v", long, want)
	m := map[string]uint64{}
	for i := range counted + 5 {
		count(m, fmt.Sprint(i))
		count(m, "0")
	}
	check.That(t, len(m) == counted+1 && m["others"] == 5 && m["0"] == counted+5+1,
		"%d names, %d others, %d of the first, want %d, 5, %d", len(m), m["others"], m["0"], counted+1, counted+5+1)
	var list []string
	for i := range listed + 3 {
		list = appendLast(list, fmt.Sprint(i))
	}
	check.That(t, len(list) == listed && list[0] == "3" && list[listed-1] == fmt.Sprint(listed+2),
		"%d lines from %s to %s, want as many as the page lists", len(list), list[0], list[len(list)-1])
	rows := Top(map[string]uint64{"b": 1, "c\n": 7, "a": 1, "d": 2}, 3)
	check.SlicesEqual(t, rows, []Row{{"c\uFFFD", 7}, {"d", 2}, {"a", 1}}, "three largest rows")
}

// The page shows the tables and the newest denials, and whether the log is intact.
func TestReportPageShowsSummary(t *testing.T) {
	s := &Summary{}
	check.NoError(t, s.Add(stored{id: 4658}.event(t)))
	for i := range 3 {
		for range i + 1 {
			r := stored{id: 4656, failure: true,
				data: fmt.Sprintf(`"SubjectUserSid":"S-1-%d","ObjectType":"File","ObjectName":"<%d>"`, i, i)}
			check.NoError(t, s.Add(r.event(t)))
		}
	}
	for _, c := range []struct {
		intact     bool
		has, hasnt string
	}{{true, `<b class="good">intact</b>`, "BROKEN"}, {false, `<b class="bad">BROKEN</b>`, ">intact<"}} {
		var out strings.Builder
		check.NoError(t, (&Report{Summary: s, Dir: "d<r", Verified: "said <so>", Intact: c.intact}).Write(&out))
		page := out.String()
		for _, part := range []string{c.has, "d&lt;r, 2024-02-29T16:00:00.123Z to", "<b>7</b> records",
			"<b>6</b> denials among them", "said &lt;so&gt;", "<td>3</td><td>File &lt;2&gt;", "width:100%", "width:66%",
			"width:33%", "DENIED S-1-0 open File &lt;0&gt;\n"} {
			check.That(t, strings.Contains(page, part), "%s is missing in the page, want it", part)
		}
		check.That(t, !strings.Contains(page, c.hasnt), "%s is in the page, want it absent", c.hasnt)
	}
}

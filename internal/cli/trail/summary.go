package trail

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/printable"
)

// Summary counts records. Its zero value is ready for use.
type Summary struct {
	Records, Failures uint64
	First, Last       int64 // FILETIMEs
	ByEvent           map[string]uint64
	ByUser            map[string]uint64
	DenialsByUser     map[string]uint64
	DenialsByObject   map[string]uint64
	Privileges        map[string]uint64
	Elevations        map[string]uint64 // impersonations upward
	Changes           []string          // of security and policy, the newest last
	Denials           []string          // the newest last
}

// listed limits the lines of a summary's lists, counted the distinct names that it counts, and longest the bytes of a
// name, so that a client cannot fill the memory with invented names.
const (
	listed  = 100
	counted = 100_000
	longest = 1000
)

// Add counts a record. It always returns nil, so that it can be passed to [Query]. Of denials and changes it keeps only
// the last ones. First and Last are the times of the earliest and the latest record, in whatever order they come.
func (s *Summary) Add(e *audit.Event) error {
	if s.ByEvent == nil {
		s.ByEvent, s.ByUser = map[string]uint64{}, map[string]uint64{}
		s.DenialsByUser, s.DenialsByObject = map[string]uint64{}, map[string]uint64{}
		s.Privileges, s.Elevations = map[string]uint64{}, map[string]uint64{}
		s.First = e.Time
	}
	s.Records++
	s.First, s.Last = min(s.First, e.Time), max(s.Last, e.Time)
	verb, ok := verbs[e.ID]
	if !ok {
		verb = "other"
	}
	count(s.ByEvent, fmt.Sprintf("%d %s", e.ID, verb))
	who := Who(e)
	if who != "" {
		count(s.ByUser, who)
	}
	if e.Outcome == audit.Failure {
		s.Failures++
		count(s.DenialsByUser, or(who, "unknown"))
		count(s.DenialsByObject, or(What(e), "unknown"))
		s.Denials = appendLast(s.Denials, Line(e, nil, nil))
	}
	switch e.ID {
	case 4670, 4907, 4911, 4913, 4715, 4719, 4817, 4904, 4905, 4906, 4908, 4912, 1102:
		s.Changes = appendLast(s.Changes, Line(e, nil, nil))
	case audit.UnsafeElevationID:
		count(s.Elevations, or(who, "unknown"))
	case 4673, 4674, 4656, 4703:
		for f := range e.Fields() {
			if f.IsList() && (f.Name == "PrivilegeList" || f.Name == "EnabledPrivilegeList") {
				for p := range f.Items() {
					count(s.Privileges, p+" by "+or(who, "unknown"))
				}
			}
		}
	}
	return nil
}

// count adds one to the counter of key in m. Keys that are too long count together if they begin with the same longest
// bytes. When m has too many keys, count counts new ones as "others".
func count(m map[string]uint64, key string) {
	if len(key) > longest {
		key = strings.ToValidUTF8(key[:longest], "") + "…"
	}
	if _, known := m[key]; !known && len(m) >= counted {
		key = "others"
	}
	m[key]++
}

// appendLast appends a line to a list of the last lines, and drops the oldest if there are too many.
func appendLast(list []string, line string) []string {
	if len(list) == listed {
		list = append(list[:0], list[1:]...)
	}
	return append(list, line)
}

// Row is one line of a table: a name and its count.
type Row struct {
	Name  string
	Count uint64
}

// Top returns the n rows with the highest counts, the highest first and equal ones by name. It returns fewer if m has
// fewer.
func Top(m map[string]uint64, n int) []Row {
	var rows []Row
	for _, k := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, Row{printable.Line(k), m[k]})
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.Count, a.Count) })
	return rows[:min(n, len(rows))]
}

// Tables returns the parts of a summary with their titles, in a fixed order and with at most 100 rows each. A part may
// be empty.
func (s *Summary) Tables() []Table {
	return []Table{
		{"Denials by user", Top(s.DenialsByUser, listed)}, {"Denials by object", Top(s.DenialsByObject, listed)},
		{"Privileges used or enabled", Top(s.Privileges, listed)}, {"Impersonations upward", Top(s.Elevations, listed)},
		{"Records by user", Top(s.ByUser, listed)}, {"Events", Top(s.ByEvent, listed)},
	}
}

// Table is a part of a summary.
type Table struct {
	Title string
	Rows  []Row
}

// Print prints the tables, with at most n rows each, and omits empty ones. n must not be negative. The first line is
// always printed.
func (s *Summary) Print(out io.Writer, n int) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d records, denials among them: %d", s.Records, s.Failures)
	if s.Records > 0 {
		fmt.Fprintf(w, ", %s to %s", moment(s.First), moment(s.Last))
	}
	fmt.Fprintln(w)
	for _, t := range s.Tables() {
		if len(t.Rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", t.Title)
		for _, r := range t.Rows[:min(n, len(t.Rows))] {
			fmt.Fprintf(w, "%d\t  %s\n", r.Count, r.Name)
		}
	}
	return w.Flush()
}

package bulk_test

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// allows reports whether an expression allows a token: in each clause the first term that is one of its SIDs decides,
// and every clause must allow.
func allows(expression [][]string, t *token.Token) bool {
	has := func(text string, deny bool) bool {
		if text == "*" {
			return true
		}
		s := sid.MustParse(text)
		if t.User().SID == s {
			return deny || t.User().Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
		}
		for _, g := range t.Groups() {
			if g.SID == s && (g.Attributes&winnt.SE_GROUP_ENABLED != 0 ||
				deny && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0) {
				return true
			}
		}
		return false
	}
	for _, clause := range expression {
		i := slices.IndexFunc(clause, func(term string) bool { return has(term[1:], term[0] == '-') })
		if i < 0 || clause[i][0] == '-' {
			return false
		}
	}
	return len(expression) > 0
}

// expressions checks that each expression allows exactly the members of its set. It returns the number of sets with
// an expression and of all sets.
func expressions(t *testing.T, r *bulk.Run, list string) (exact, all int) {
	t.Helper()
	r.Ask, r.Expressions = bulk.Index, true
	out := rowsOf(t, r, list)
	readIndex(t, out)
	for _, row := range decode[struct {
		Set        string
		IDs        *string
		Expression [][]string
	}](t, out) {
		if row.Set == "" {
			continue
		}
		all++
		if row.Expression == nil {
			continue
		}
		exact++
		check.RequireThat(t, row.IDs != nil, "set %s is a bitmap, want ranges for so few principals", row.Set)
		for i := range r.Directory.Principals {
			p := &r.Directory.Principals[i]
			check.Equal(t, allows(row.Expression, p.Token), inRanges(*row.IDs, i), "%q allows %s of %s", row.Expression,
				p.Name, *row.IDs)
		}
	}
	return exact, all
}

// inRanges reports whether n is in ranges such as 1,3-5.
func inRanges(text string, n int) bool {
	return slices.ContainsFunc(strings.Split(text, ","), func(part string) bool {
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			last = first
		}
		return part != "" && check.Must(strconv.Atoi(first)) <= n && n <= check.Must(strconv.Atoi(last))
	})
}

// The expression of each set allows exactly its members, including the clauses of a share. A set that SIDs cannot
// describe has no expression.
func TestSetExpressionAllowsExactlyItsMembers(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 200, Descriptors: 60, Principals: 12,
		Groups: 12})
	who := func(i int) string { return dir.Principals[i].SID().String() }
	few := sddl.MustParse("D:(D;;FW;;;" + who(1) + ")(A;;FRFW;;;" + who(1) + ")(A;;FR;;;" + who(2) + ")(A;;FA;;;" +
		who(3) + ")(A;;0x1301ff;;;" + who(4) + ")")
	guarded := dir.Clone()
	for i := range guarded.Principals {
		guarded.Principals[i].Who = guarded.Principals[i].SID()
	}
	guarded.Principals[5].Withheld = winnt.FILE_WRITE_DATA
	for _, c := range []struct {
		name   string
		dir    *directory.Directory
		rights string
		share  *sd.Descriptor
		some   bool
	}{
		{"two rights", dir, "read+write", nil, true},
		{"through a share for few", dir, "read+write", few, true},
		{"through a share that passes no one", dir, "read+write", sddl.MustParse("D:"), true},
		{"through a share without a limit", dir, "read+write", sddl.MustParse("D:NO_ACCESS_CONTROL"), true},
		{"through a share with a condition", dir, "read+write", sddl.MustParse(`D:(XA;;FA;;;WD;` +
			`(Member_of {SID(BA)}))`), false},
		{"a right of several parts", dir, "control", nil, false},
		{"what is withheld from one", guarded, "read+write", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			exact, all := expressions(t, &bulk.Run{Directory: c.dir, Rights: check.Must(words.Parse(c.rights)),
				Share: c.share}, list)
			check.That(t, all != 0 && (exact > 0) == c.some,
				"%s: %d of %d sets have an expression, want some: %v", c.name, exact, all, c.some)
		})
	}
}

// behind is a source of one object with a folder on the way.
type behind struct {
	dacl string
	way  *objects.Way
	done bool
}

func (s *behind) Next(b *objects.Batch) error {
	return objects.Gather(b, func(o *objects.Object) error {
		if s.done {
			return io.EOF
		}
		s.done = true
		*o = objects.Object{Path: []byte("/x"), SD: []byte(s.dacl), Form: objects.FormSDDL, Way: s.way}
		return nil
	})
}

// An expression has the clauses of the folders on the way (B-20). Admin users of a share pass them (F-108).
func TestParentFoldersLimitSearchResults(t *testing.T) {
	const alice = "S-1-5-21-1-2-3-1107"
	var ways objects.Ways
	var out strings.Builder
	var r *bulk.Run
	for folder, want := range map[string]string{
		"(A;;FX;;;" + alice + ")":      `"expression":[["+S-1-1-0"],["+` + alice + `"]]`,
		"(XA;;FX;;;WD;(@User.a == 1))": `"count":0,"ids":""`, // SIDs alone do not decide
	} {
		way := ways.With(nil, sddl.MustParse("O:SYG:SYD:"+folder))
		r = &bulk.Run{Directory: staff(""), Rights: check.Must(words.Parse("read")), Ask: bulk.Index, Expressions: true,
			Out: &out, Source: &behind{dacl: "D:(A;;FR;;;WD)", way: way}}
		check.NoError(t, check.Err(r.Do(context.Background())))
		check.That(t, strings.Contains(out.String(), want), "no %s in\n%s", want, out.String())
		out.Reset()
	}
	admin := staff("").Clone()
	admin.Principals[0].Root = true
	closed := &behind{dacl: "D:", way: ways.With(nil, sddl.MustParse("O:SYG:SYD:(A;;FX;;;BA)"))}
	r = &bulk.Run{Directory: admin, Ask: bulk.What, Format: bulk.CSV, Out: &out, Source: closed}
	check.NoError(t, check.Err(r.Do(context.Background())))
	check.That(t, strings.Contains(out.String(), "/x,0x001f01ff,"), "F-108: an admin user of the share has\n%s",
		out.String())
	out.Reset()
	between := ways.With(ways.With(ways.With(nil, sddl.MustParse("D:(A;;FX;;;WD)")),
		sddl.MustParse("D:(A;;FX;;;BA)")), sddl.MustParse("O:SYD:(A;;FX;;;WD)"))
	r = &bulk.Run{Directory: staff(""), Rights: check.Must(words.Parse("read")), Ask: bulk.Count, Format: bulk.CSV,
		Out: &out, Source: &behind{dacl: "D:(A;;FR;;;WD)", way: between}}
	check.NoError(t, check.Err(r.Do(context.Background())))
	check.That(t, strings.Contains(out.String(), "/x,read,0\n"), "B-20: behind a closed folder read\n%s", out.String())
}

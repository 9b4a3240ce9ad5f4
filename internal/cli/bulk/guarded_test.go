package bulk_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestBulkThroughShareEqualsSingleChecks checks that bulk results equal single checks for principals whom a share
// limits, forces, or gives access beyond the files' descriptors (F-108).
func TestBulkThroughShareEqualsSingleChecks(t *testing.T) {
	seed := randtest.Seed(t)
	dir, list := sample(t, company.Sample{Seed: seed, Objects: 200, Descriptors: 60, Principals: 70, Groups: 15})
	rng := rand.New(rand.NewPCG(seed, 1))
	dir = dir.Clone()
	for i := range dir.Principals {
		p := &dir.Principals[i]
		p.Who = p.SID()
		p.Root = rng.IntN(6) == 0
		p.Withheld = []winnt.AccessMask{0, 0, ^winnt.AccessMask(0), 0xd0156, winnt.FILE_EXECUTE}[rng.IntN(5)]
		if rng.IntN(4) == 0 {
			p.Token = dir.Principals[rng.IntN(len(dir.Principals))].Token
		}
	}
	gate := sddl.MustParse("D:(A;;0x1301ff;;;WD)")
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read+write+control+GW")), Format: bulk.JSONL,
		Share: gate}
	rows := decode[whoRow](t, rowsOf(t, r, list))
	all := objectsOf(t, dir, list)
	check.Require(t, len(rows), 4*len(all), "rows")
	for i, row := range rows {
		o := all[i/4]
		masks := map[string][]winnt.AccessMask{"read": {o.typ.Mapping.Read}, "write": {o.typ.Mapping.Write},
			"control": {winnt.WRITE_DAC, winnt.WRITE_OWNER}, "GW": {o.typ.Mapping.Write}}[row.Right]
		for _, p := range dir.Principals {
			want := false
			for _, m := range masks {
				object := p.Root || check.Must(access.Check(p.Token, o.sd, m, o.typ)).Allowed()
				share := check.Must(access.Check(p.Token, gate, m, o.typ)).Allowed()
				want = want || object && share && m&p.Withheld == 0
			}
			check.Require(t, slices.Contains(row.Principals, p.Name), want, "%s %s %s (withheld %v, root %t)", p.Name,
				row.Right, row.Path, p.Withheld, p.Root)
		}
	}
}

// Each state of a comparison has its own share limits: those before do not affect the state afterwards, nor the
// reverse (F-108). A limit that changed is the cause.
func TestEachStateHasItsOwnShareLimits(t *testing.T) {
	const list, team = `{"path":"/a","sd":"D:(A;;FR;;;WD)"}` + "\n", "(A;;CC;;;S-1-5-21-1-2-3-2001)"
	free := check.Must(dirfile.Read([]byte(twoUsers)))
	limited, root := free.Clone(), free.Clone()
	limited.Principals[0].Withheld = winnt.FILE_READ_DATA
	root.Principals[0].Root = true
	read, all := winnt.FILE_READ_DATA, winnt.FileObject.Mapping.All&^winnt.FileObject.Mapping.Read
	for _, c := range []struct {
		was, is      *directory.Directory
		gained, lost winnt.AccessMask
		cause        string
	}{
		{limited, free, read, 0, "the share no longer withholds it"},
		{free, limited, 0, read, "the share withholds it"},
		{root, free, 0, all, "is no longer an admin user of the share"},
		{free, root, all, 0, "became an admin user of the share"},
		{staff(""), staff("Team"), read, 0, "share: joined Team: " + team + " Team"},
		{staff("Team"), staff(""), 0, read, "share: left Team: " + team + " Team"},
	} {
		d := &bulk.Diff{Directory: c.was, DirectoryAfter: c.is, Format: bulk.JSONL}
		if strings.HasPrefix(c.cause, "share: ") {
			d.Share = sddl.MustParse("D:(A;;0x1201be;;;WD)" + team)
		}
		_, out := compareLists(t, d, list, list)
		check.SlicesEqual(t, decode[changeRow](t, out),
			[]changeRow{{"alice", "/a", c.gained.Padded(), c.lost.Padded(), c.cause}}, "%s", c.cause)
	}
	out := rowsOf(t, &bulk.Run{Directory: limited, Ask: bulk.What, Format: bulk.CSV}, list)
	check.That(t, strings.Contains(out, "/a,0x00120088,"), "without reading data, alice has\n%s", out)
	out = rowsOf(t, &bulk.Run{Directory: limited, Ask: bulk.What, Principal: 1, Format: bulk.CSV}, list)
	check.That(t, strings.Contains(out, "/a,0x00120089,"), "bob, whom the share does not limit, has\n%s", out)
	admin := root.Clone() // of both states, so its entry in the file does not count
	admin.Principals[0].Withheld = winnt.FILE_READ_DATA
	_, out = compareLists(t, &bulk.Diff{Directory: root, DirectoryAfter: admin, Format: bulk.JSONL}, list,
		`{"path":"/a","sd":"D:"}`+"\n")
	rows := decode[changeRow](t, out)
	check.That(t, len(rows) == 2 && rows[0].Cause == "the share withholds it" && rows[1].Principal == "bob",
		"rows %+v, want the limit of an admin user, and bob", rows)
	root.Principals[0].Withheld = winnt.FILE_READ_DATA // limits an admin user, too
	out = rowsOf(t, &bulk.Run{Directory: root, Ask: bulk.What, Format: bulk.CSV}, list)
	check.That(t, strings.Contains(out, "/a,0x001f01fe,"), "an admin user without reading data has\n%s", out)
}
